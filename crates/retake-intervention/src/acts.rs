//! What an operator says, once it is known to be fresh.

use std::time::Duration;

use retake_authority::{Act, Drive, Event, GroupSet, OperatorId};
use retake_episode::{EndReason, Mark, Verdict};
use retake_node::Outbox;
use retake_units::MonoTime;
use retake_wire::pb::{self, DriveMode, OperatorInput};

use crate::{Arbiter, hands};

/// FNV-1a: an operator's name as the number authority knows them by.
fn operator_id(name: &str) -> OperatorId {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    OperatorId(hash)
}

/// Stops, whoever says so and however old their word is.
pub(crate) fn stop(arbiter: &mut Arbiter, input: &OperatorInput, now: MonoTime, out: &mut Outbox) {
    let operator = operator_id(&input.operator);
    arbiter.tell(Event::Act { operator, act: Act::Stop }, now, out);
}

/// Buttons first, then acts in the order given. It was said at most `age` ago.
pub(crate) fn heard(
    arbiter: &mut Arbiter,
    input: &OperatorInput,
    age: Duration,
    now: MonoTime,
    out: &mut Outbox,
) {
    let operator = operator_id(&input.operator);
    arbiter.heard.note_name(operator, &input.operator);
    let groups = arbiter.robot.as_ref().map(|robot| robot.named(&input.groups)).unwrap_or_default();
    let clutch = if input.clutch { groups } else { GroupSet::NONE };
    let clutch = gripped(arbiter, (operator, input, clutch), now, out);
    let drive = match input.mode() {
        DriveMode::Direct => Drive::Direct,
        DriveMode::Residual => Drive::Residual,
    };
    let event = Event::Input { operator, age, clutch, drive, rewind: input.rewind, valid: input.valid };
    arbiter.tell(event, now, out);
    let leased = arbiter.state.operator() == Some(operator);
    if leased {
        arbiter.heard.input = Some((input.clone(), now));
        if arbiter.operator_name != input.operator {
            arbiter.operator_name.clone_from(&input.operator);
        }
    } else {
        arbiter.session.counters.inputs_refused += 1;
    }
    for act in input.acts() {
        do_act(arbiter, act, operator, leased, now, out);
    }
}

/// What tracked hands leave of the clutch: a hand that lost its grip lets go of its groups. Only the hands of the operator who holds
/// the lease, or may get it, are looked at.
fn gripped(
    arbiter: &mut Arbiter,
    (operator, input, clutch): (OperatorId, &OperatorInput, GroupSet),
    now: MonoTime,
    out: &mut Outbox,
) -> GroupSet {
    let free = arbiter.state.operator().is_none_or(|holder| holder == operator);
    let Some(robot) = arbiter.robot.as_ref().filter(|_| free) else { return clutch };
    let (config, profiles) = (&arbiter.config, &arbiter.config.profiles);
    let precision = if input.precision { config.teleop.precision } else { 1.0 };
    let gain = profiles.of(&input.operator).gain.max(profiles.sector.least).min(profiles.sector.most);
    let scale = config.hand.scale * precision * gain;
    let gripped = arbiter.hands.hear(&config.hand, robot, (operator, input, clutch, scale), now);
    if let Some(doubt) = gripped.doubt {
        let text = hands::doubt(doubt);
        arbiter.notices.say(out, now, arbiter.tick.0, "hand_lost", "operator", text);
    }
    gripped.clutch
}

#[expect(clippy::wildcard_enum_match_arm, reason = "acts of other kinds are handled in the other match")]
fn do_act(
    arbiter: &mut Arbiter,
    act: pb::Act,
    operator: OperatorId,
    leased: bool,
    now: MonoTime,
    out: &mut Outbox,
) {
    let authority = match act {
        pb::Act::Resume => Some(Act::Resume),
        pb::Act::Pause => Some(Act::Pause),
        pb::Act::Stop => Some(Act::Stop),
        pb::Act::ClearStop => Some(Act::ClearStop),
        pb::Act::ReleaseLease => Some(Act::ReleaseLease),
        pb::Act::RequestLease => Some(Act::RequestLease),
        pb::Act::RewindTap => Some(Act::RewindTap),
        pb::Act::MarkRecovery => Some(Act::MarkRecovery),
        pb::Act::MarkCorrection => Some(Act::MarkCorrection),
        _ => None,
    };
    if let Some(act) = authority {
        arbiter.tell(Event::Act { operator, act }, now, out);
        if act == Act::RewindTap && arbiter.state.rewind_tapped() {
            arbiter.rewind.tap();
        }
        return;
    }
    if !leased {
        let text = "Another operator holds the lease.";
        return arbiter.notices.say(out, now, arbiter.tick.0, "busy", "operator", text);
    }
    match act {
        pb::Act::Success => judge(arbiter, Verdict::Success, now, out),
        pb::Act::Failure => judge(arbiter, Verdict::Failure, now, out),
        pb::Act::MarkCheckpoint => mark(arbiter, now, out),
        pb::Act::Restore => arbiter.restore(now, out),
        pb::Act::SaveStart => arbiter.save_start(now, out),
        pb::Act::Discard => judge(arbiter, Verdict::Discarded, now, out),
        pb::Act::AcknowledgeHelp => arbiter.acknowledge_help(now),
        pb::Act::NextEpisode => {
            if let Some(step) = arbiter.session.episodes.next_wanted() {
                arbiter.follow(step, now, out);
            }
        }
        _ => {}
    }
}

/// Makes a checkpoint of where the robot stands on the path.
fn mark(arbiter: &mut Arbiter, now: MonoTime, out: &mut Outbox) {
    if arbiter.mark(Mark::Operator).is_none() {
        let text = "There is no path yet to mark.";
        arbiter.notices.say(out, now, arbiter.tick.0, "no_checkpoint", "operator", text);
    }
}

/// Ends the episode with a verdict, or changes the verdict of the one that has just ended.
fn judge(arbiter: &mut Arbiter, verdict: Verdict, now: MonoTime, out: &mut Outbox) {
    let episodes = &mut arbiter.session.episodes;
    let step =
        episodes.end(Some(verdict), EndReason::Operator, now).or_else(|| episodes.judge_again(verdict));
    match step {
        Some(step) => arbiter.follow(step, now, out),
        None => {
            let text = "There is no episode to judge yet: nobody has driven.";
            arbiter.notices.say(out, now, arbiter.tick.0, "nothing_to_judge", "operator", text);
        }
    }
}
