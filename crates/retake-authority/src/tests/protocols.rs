//! Each protocol's table, through the state machine.

use super::*;

/// Applies moves in turn; where the last led, or why it was refused.
fn play(protocol: Protocol, moves: &[Event]) -> Result<Stage, Refusal> {
    let config = Config { protocol, ..config() };
    let mut state = ready(&config, at(0));
    for (millis, event) in (1..).zip(moves) {
        let outcome = step(&config, state, *event, at(millis));
        if let Some(refusal) = outcome.refusal {
            return Err(refusal);
        }
        state = run(&config, outcome.state, at(millis), &[Event::RobotSeen]).state;
    }
    Ok(state.stage())
}

const RESUME: Event = act(ALICE, Act::Resume);
const PAUSE: Event = act(ALICE, Act::Pause);
const RECOVERY: Event = act(ALICE, Act::MarkRecovery);
const CORRECTION: Event = act(ALICE, Act::MarkCorrection);

fn press() -> Event {
    input(ALICE, true, false)
}

fn up() -> Event {
    input(ALICE, false, false)
}

fn rewind() -> Event {
    input(ALICE, false, true)
}

#[test]
fn free_allows_every_order_and_follows_the_marks() {
    let free = |moves: &[Event]| play(Protocol::Free, moves);
    assert_eq!(free(&[press()]), Ok(Stage::Demo));
    assert_eq!(free(&[RESUME, press()]), Ok(Stage::Correction));
    assert_eq!(free(&[RESUME, press(), RECOVERY]), Ok(Stage::Recovery));
    assert_eq!(free(&[RESUME, rewind(), up(), press(), RECOVERY, CORRECTION]), Ok(Stage::Correction));
    assert_eq!(free(&[RESUME, press(), up(), RESUME]), Ok(Stage::Policy));
    assert_eq!(free(&[RESUME, press(), up(), RESUME, rewind(), up()]), Ok(Stage::Correction));
    assert_eq!(free(&[press(), CORRECTION]), Err(Refusal::Protocol), "a demonstration corrects nothing");
}

#[test]
fn rac_recovers_then_corrects_then_ends() {
    let rac = |moves: &[Event]| play(Protocol::Rac, moves);
    assert_eq!(rac(&[RESUME, PAUSE, RESUME]), Ok(Stage::Policy));
    assert_eq!(rac(&[RESUME, press()]), Ok(Stage::Recovery));
    assert_eq!(rac(&[RESUME, rewind(), up(), press()]), Ok(Stage::Recovery));
    assert_eq!(rac(&[RESUME, press(), CORRECTION, up(), press()]), Ok(Stage::Correction));
    for refused in [RESUME, rewind(), RECOVERY] {
        assert_eq!(rac(&[RESUME, press(), CORRECTION, up(), refused]), Err(Refusal::Protocol));
    }
    assert_eq!(
        rac(&[RESUME, press(), up(), RESUME]),
        Err(Refusal::Protocol),
        "no hand-back after a takeover"
    );
    assert_eq!(rac(&[press(), up(), RESUME]), Err(Refusal::Protocol), "a demonstration stays one");
}

#[test]
fn sirius_and_hg_dagger_hand_back_and_never_rewind() {
    for protocol in [Protocol::Sirius, Protocol::HgDagger] {
        assert_eq!(play(protocol, &[RESUME, press(), up(), RESUME, press()]), Ok(Stage::Correction));
        assert_eq!(play(protocol, &[RESUME, rewind()]), Err(Refusal::Protocol));
        assert_eq!(play(protocol, &[RESUME, act(ALICE, Act::RewindTap)]), Err(Refusal::Protocol));
        assert_eq!(play(protocol, &[RESUME, press(), RECOVERY]), Err(Refusal::Protocol));
        assert_eq!(play(protocol, &[press()]), Ok(Stage::Demo));
    }
}

#[test]
fn hil_serl_calls_every_human_motion_an_intervention() {
    assert_eq!(play(Protocol::HilSerl, &[press()]), Ok(Stage::Correction));
    assert_eq!(play(Protocol::HilSerl, &[RESUME, press(), up(), RESUME]), Ok(Stage::Policy));
    assert_eq!(play(Protocol::HilSerl, &[RESUME, rewind()]), Err(Refusal::Protocol));
}

#[test]
fn demo_never_lets_the_policy_drive() {
    assert_eq!(play(Protocol::Demo, &[RESUME]), Err(Refusal::Protocol));
    assert_eq!(play(Protocol::Demo, &[press(), up(), rewind(), up(), press()]), Ok(Stage::Demo));
}

#[test]
fn a_refused_step_moves_nothing_and_must_be_let_go() {
    let config = Config { protocol: Protocol::Sirius, ..config() };
    let before = run(&config, ready(&config, at(0)), at(1), &[RESUME]).state;
    let refused = step(&config, before, rewind(), at(2));
    assert_eq!((refused.changed, refused.refusal), (GroupSet::NONE, Some(Refusal::Protocol)));
    assert!(refused.state.needs_release() && refused.state.stage() == Stage::Policy);
}

#[test]
fn a_new_episode_begins_the_protocol_anew() {
    let config = Config { protocol: Protocol::Rac, ..config() };
    let events = [RESUME, press(), CORRECTION, Event::EpisodeClosed, Event::EpisodeOpened, up(), RESUME];
    let state = run(&config, ready(&config, at(0)), at(1), &events).state;
    assert_eq!(state.stage(), Stage::Policy);
}

#[test]
fn names_lead_back_to_their_protocols() {
    for protocol in Protocol::ALL {
        assert_eq!(Protocol::by_name(protocol.name()), Some(protocol));
    }
    assert_eq!(Protocol::by_name("dagger"), None);
}
