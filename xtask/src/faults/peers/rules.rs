//! The peers' rules.

use super::{
    Verdict,
    trace::{OPERATOR, POLICY, Said, Trace},
};

/// A labelled re-implementation of somebody's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Priorities; a source is expired when nothing arrived for 0.5 s; forwards in the input's callback; nothing on silence. The
    /// joystick's node says zero once when its button is released and then nothing, as `teleop_twist_joy` does.
    TwistMux,
    /// One source is selected by command and everything of it is forwarded; nothing is ever deselected by itself.
    TopicMux,
    /// Each period takes the operator's newest action while the operator intervenes, else the policy's, and sends it.
    Loop { hz: u64 },
}

/// Time after which `twist_mux` takes a source for silent, ms, as in its example configuration.
const EXPIRES: u64 = 500;
/// The policy speaks this often, ms.
const POLICY_PERIOD: u64 = 20;
/// An input older than this must not act, ms; nothing may move this long after release or loss, with a tick of 20 ms.
const AGE: u64 = 100;
const PATIENCE: u64 = 120;

impl Peer {
    pub(crate) const ALL: &'static [Self] =
        &[Self::TwistMux, Self::TopicMux, Self::Loop { hz: 30 }, Self::Loop { hz: 60 }];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::TwistMux => "twist_mux's rules",
            Self::TopicMux => "topic_tools mux's rules",
            Self::Loop { hz: 30 } => "get_action/send_action loop, 30 Hz",
            Self::Loop { .. } => "get_action/send_action loop, 60 Hz",
        }
    }
}

/// One command at the driver: when, how fast, and whose message it came from.
#[derive(Clone, Copy, Debug)]
struct Sent {
    at_ms: u64,
    velocity: f64,
    from: Option<Said>,
}

/// Runs a peer over a trace, millisecond by millisecond.
fn forwarded(peer: Peer, trace: &Trace) -> Vec<Sent> {
    let mut sent = Vec::new();
    let mut queue = trace.said.iter().copied().peekable();
    let (mut newest, mut before): (Option<Said>, Option<Said>) = (None, None);
    let mut operator_at: Option<u64> = None;
    let mut selected = false;
    for at_ms in 0..trace.until_ms {
        let policy_speaks = at_ms % POLICY_PERIOD == 0;
        while let Some(said) = queue.next_if(|said| said.arrives_ms <= at_ms) {
            let velocity = if said.clutch { OPERATOR } else { 0.0 };
            let released = before.is_some_and(|before| before.clutch) && !said.clutch;
            let command = Sent { at_ms, velocity, from: Some(said) };
            match peer {
                Peer::TwistMux if said.clutch || released => {
                    operator_at = Some(at_ms);
                    sent.push(command);
                }
                Peer::TopicMux => {
                    selected |= said.clutch;
                    if said.clutch || released {
                        sent.push(command);
                    }
                }
                Peer::TwistMux | Peer::Loop { .. } => {}
            }
            before = Some(said);
            newest = Some(said);
        }
        let policy = Sent { at_ms, velocity: POLICY, from: None };
        match peer {
            Peer::TwistMux if policy_speaks && operator_at.is_none_or(|last| at_ms - last > EXPIRES) => {
                sent.push(policy);
            }
            Peer::TopicMux if policy_speaks && !selected => sent.push(policy),
            Peer::Loop { hz } if at_ms * hz / 1000 != (at_ms + 1) * hz / 1000 => match newest {
                Some(said) if said.clutch => sent.push(Sent { at_ms, velocity: OPERATOR, from: newest }),
                Some(_) | None => sent.push(policy),
            },
            Peer::TwistMux | Peer::TopicMux | Peer::Loop { .. } => {}
        }
    }
    sent
}

/// Judges what a peer let through. Its driver keeps the last velocity it was given.
pub(crate) fn judge(peer: Peer, trace: &Trace) -> Verdict {
    let sent = forwarded(peer, trace);
    let mut verdict = Verdict::default();
    let mut highest = 0;
    for command in &sent {
        let late = command.at_ms > trace.end_ms + PATIENCE && command.velocity != 0.0;
        let bad = match command.from {
            Some(said) => {
                let replayed = said.number < highest;
                highest = highest.max(said.number);
                let moves = command.velocity != 0.0;
                moves && (command.at_ms - said.sent_ms > AGE || replayed || late)
            }
            // Nobody asked it to go on.
            None => command.at_ms > trace.press_ms + PATIENCE,
        };
        verdict.unsafes += u64::from(bad);
    }
    let after = sent.iter().filter(|command| command.at_ms >= trace.end_ms);
    #[expect(clippy::cast_precision_loss, reason = "a few thousand milliseconds")]
    let span = |at_ms: u64, from: u64| (at_ms - from) as f64;
    let mut zero = after.clone().filter(|command| command.velocity == 0.0);
    verdict.stop_ms = zero.next().map(|command| span(command.at_ms, trace.end_ms));
    let human = |command: &&Sent| command.at_ms >= trace.press_ms && command.velocity == OPERATOR;
    verdict.takeover_ms = sent.iter().find(human).map(|command| span(command.at_ms, trace.press_ms));
    let around = sent
        .windows(2)
        .filter(|pair| pair.iter().all(|command| command.at_ms.abs_diff(trace.press_ms) < 300));
    let steps = around.filter_map(|pair| Some((pair.last()?.velocity - pair.first()?.velocity).abs()));
    verdict.step = steps.fold(0.0, f64::max);
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::peers::trace::{Scenario, trace};

    #[test]
    fn twist_mux_hands_back_to_autonomy_half_a_second_after_the_operator_died() {
        let trace = trace(Scenario::Dies, 1);
        let sent = forwarded(Peer::TwistMux, &trace);
        let back =
            sent.iter().find(|command| command.at_ms > trace.end_ms && command.velocity == POLICY).unwrap();
        assert!((490..530).contains(&(back.at_ms - trace.end_ms)), "{back:?}");
        assert_eq!(judge(Peer::TwistMux, &trace).stop_ms, None);
    }

    #[test]
    fn a_plain_mux_forwards_a_burst_however_old() {
        assert!(judge(Peer::TopicMux, &trace(Scenario::Bursts, 1)).unsafes > 5);
    }

    #[test]
    fn a_loop_repeats_the_last_action_of_an_operator_who_has_died() {
        let verdict = judge(Peer::Loop { hz: 30 }, &trace(Scenario::Dies, 1));
        assert_eq!(verdict.stop_ms, None);
        assert!(verdict.unsafes > 50);
    }
}
