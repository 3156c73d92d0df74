//! The default map: each control does what the legend says, with the right sign.

use retake_units::MonoTime;
use retake_wire::pb::{Act, Frame, GroupStatus, Owner, Phase, SegmentKind, Status};

use super::*;

fn ms(ms: u64) -> MonoTime {
    MonoTime::from_nanos(ms * 1_000_000)
}

fn ready() -> Mapper {
    let mut mapper = Mapper::new(PadMap::default());
    let pad = PadEvent::Connected { name: "Pad".into(), uuid: "03".into(), mapping: MappingKind::Database };
    mapper.event(ms(0), &pad, Situation::default());
    mapper.sample(ms(0), Situation::default());
    assert!(mapper.sample(ms(200), Situation::default()).valid);
    mapper
}

fn axis(axis: Axis, value: f64) -> PadEvent {
    PadEvent::Axis { axis, value }
}

fn press(button: Button) -> PadEvent {
    PadEvent::Button { button, pressed: true }
}

fn release(button: Button) -> PadEvent {
    PadEvent::Button { button, pressed: false }
}

fn squeeze(trigger: Trigger, value: f64) -> PadEvent {
    PadEvent::Trigger { trigger, value }
}

/// What a ready pad says after `event`.
fn after(event: PadEvent, situation: Situation) -> Controls {
    let mut mapper = ready();
    mapper.event(ms(300), &event, situation);
    mapper.sample(ms(310), situation)
}

#[test]
fn each_direction_is_the_right_one_with_the_right_sign() {
    for (event, index, expected) in [
        (axis(Axis::LeftY, 1.0), 0, 1.0),
        (axis(Axis::LeftY, -1.0), 0, -1.0),
        (axis(Axis::LeftX, -1.0), 1, 1.0),
        (axis(Axis::LeftX, 1.0), 1, -1.0),
        (axis(Axis::RightY, 1.0), 2, 1.0),
        (axis(Axis::RightY, -1.0), 2, -1.0),
        (axis(Axis::DpadX, 1.0), 3, 0.5),
        (axis(Axis::DpadX, -1.0), 3, -0.5),
        (press(Button::DpadRight), 3, 0.5),
        (press(Button::DpadLeft), 3, -0.5),
        (axis(Axis::DpadY, 1.0), 4, 0.5),
        (press(Button::DpadUp), 4, 0.5),
        (press(Button::DpadDown), 4, -0.5),
        (axis(Axis::RightX, -1.0), 5, 1.0),
        (axis(Axis::RightX, 1.0), 5, -1.0),
    ] {
        let mut twist = [0.0; 6];
        twist[index] = expected;
        let controls = after(event.clone(), Situation::default());
        assert_eq!((controls.twist, controls.gripper), (twist, 0.0), "{event:?}");
    }
}

#[test]
fn triggers_close_and_open_in_proportion() {
    for (event, expected) in [
        (squeeze(Trigger::Left, 1.0), 1.0),
        (squeeze(Trigger::Right, 1.0), -1.0),
        (squeeze(Trigger::Left, 0.525), 0.5),
        (squeeze(Trigger::Right, 0.04), 0.0),
    ] {
        let controls = after(event.clone(), Situation::default());
        assert!((controls.gripper - expected).abs() < 1e-12, "{event:?}: {}", controls.gripper);
        assert_eq!(controls.twist, [0.0; 6]);
    }
}

#[test]
fn holds_are_held() {
    let holds = |button| {
        let controls = after(press(button), Situation::default());
        assert!(controls.acts.is_empty());
        (controls.clutch, controls.precision, controls.rewind)
    };
    assert_eq!(holds(Button::RightBumper), (true, false, false));
    assert_eq!(holds(Button::LeftBumper), (false, true, false));
    assert_eq!(holds(Button::Select), (false, false, true));
    assert_eq!(holds(Button::East), (false, false, false));
}

#[test]
fn each_act_has_its_button() {
    let calm = Situation::default();
    let driving = Situation { policy_drives: true, ..calm };
    let ended = Situation { ended: true, policy_drives: true, ..calm };
    let correcting = Situation { correcting: true, ..calm };
    for (button, situation, act) in [
        (Button::North, calm, Act::Success),
        (Button::South, calm, Act::Failure),
        (Button::West, calm, Act::Discard),
        (Button::Start, calm, Act::Resume),
        (Button::Start, driving, Act::Pause),
        (Button::Start, ended, Act::NextEpisode),
        (Button::RightStick, calm, Act::MarkCorrection),
        (Button::RightStick, correcting, Act::MarkRecovery),
        (Button::Mode, calm, Act::Stop),
    ] {
        assert_eq!(after(press(button), situation).acts, [act], "{button:?}");
    }
}

#[test]
fn the_situation_is_the_newest_status() {
    let group = |owner: Owner, segment: SegmentKind| GroupStatus {
        owner: owner.into(),
        segment: segment.into(),
        ..GroupStatus::default()
    };
    let status = Status {
        phase: Phase::Ended.into(),
        stopped: true,
        groups: vec![group(Owner::Human, SegmentKind::Correction), group(Owner::Policy, SegmentKind::Policy)],
        ..Status::default()
    };
    let all = Situation { stopped: true, ended: true, policy_drives: true, correcting: true };
    assert_eq!(Situation::from(&status), all);
    let held = Status { groups: vec![group(Owner::Hold, SegmentKind::Correction)], ..Status::default() };
    assert_eq!(Situation::from(&held), Situation::default());
}

#[test]
fn acts_are_given_once_and_in_order() {
    let mut mapper = ready();
    let calm = Situation::default();
    for event in [press(Button::South), press(Button::Mode), release(Button::South)] {
        mapper.event(ms(300), &event, calm);
    }
    assert_eq!(mapper.sample(ms(310), calm).acts, [Act::Failure, Act::Stop]);
    assert!(mapper.sample(ms(320), calm).acts.is_empty());
}

#[test]
fn the_frame_changes_only_while_no_direction_is_asked_for() {
    let mut mapper = ready();
    let calm = Situation::default();
    mapper.event(ms(300), &press(Button::LeftStick), calm);
    assert_eq!(mapper.sample(ms(310), calm).frame, Frame::Tool);
    mapper.event(ms(400), &release(Button::LeftStick), calm);
    mapper.event(ms(400), &axis(Axis::LeftY, 0.8), calm);
    mapper.event(ms(500), &press(Button::LeftStick), calm);
    assert_eq!(mapper.sample(ms(510), calm).frame, Frame::Tool);
    mapper.event(ms(600), &PadEvent::Disconnected, calm);
    assert_eq!(mapper.sample(ms(610), calm).frame, Frame::Base);
}

#[test]
fn rewind_held_rewinds_at_once_and_a_tap_is_known_when_it_ends() {
    let (mut mapper, calm) = (ready(), Situation::default());
    mapper.event(ms(300), &press(Button::Select), calm);
    let controls = mapper.sample(ms(300), calm);
    assert_eq!((controls.rewind, controls.scrub, controls.acts), (true, None, vec![]));
    mapper.event(ms(549), &release(Button::Select), calm);
    let controls = mapper.sample(ms(550), calm);
    assert_eq!((controls.rewind, controls.acts), (false, vec![Act::RewindTap]));
    assert!(mapper.sample(ms(560), calm).acts.is_empty());
    // A quarter of a second is a hold.
    mapper.event(ms(1000), &press(Button::Select), calm);
    mapper.event(ms(1250), &release(Button::Select), calm);
    assert_eq!(mapper.sample(ms(1250), calm).acts, []);
    // Down and up between two samples is still a tap.
    mapper.event(ms(2001), &press(Button::Select), calm);
    mapper.event(ms(2008), &release(Button::Select), calm);
    let controls = mapper.sample(ms(2010), calm);
    assert_eq!((controls.rewind, controls.acts), (false, vec![Act::RewindTap]));
}

#[test]
fn a_bouncing_rewind_button_is_one_tap_or_one_hold() {
    let (mut mapper, calm) = (ready(), Situation::default());
    let mut acts = Vec::new();
    // It bounces when it comes up.
    for (at, event) in [
        (300, press(Button::Select)),
        (400, release(Button::Select)),
        (402, press(Button::Select)),
        (404, release(Button::Select)),
    ] {
        mapper.event(ms(at), &event, calm);
        acts.extend(mapper.sample(ms(at), calm).acts);
    }
    acts.extend(mapper.sample(ms(500), calm).acts);
    assert_eq!(acts, [Act::RewindTap]);
    // It bounces when it goes down: down again after the bounce, and the tap's end is known as such.
    for (at, event) in
        [(600, press(Button::Select)), (602, release(Button::Select)), (604, press(Button::Select))]
    {
        mapper.event(ms(at), &event, calm);
    }
    assert!(mapper.sample(ms(630), calm).rewind);
    mapper.event(ms(700), &release(Button::Select), calm);
    let controls = mapper.sample(ms(700), calm);
    assert_eq!((controls.rewind, controls.acts), (false, vec![Act::RewindTap]));
}

#[test]
fn a_tap_on_the_clutch_that_is_over_does_not_drive() {
    let (mut mapper, calm) = (ready(), Situation::default());
    mapper.event(ms(401), &press(Button::RightBumper), calm);
    mapper.event(ms(405), &release(Button::RightBumper), calm);
    assert!(!mapper.sample(ms(410), calm).clutch);
}

#[test]
fn the_right_stick_scrubs_while_rewind_is_down_and_stays_where_it_is_let_go() {
    let (mut mapper, calm) = (ready(), Situation::default());
    mapper.event(ms(290), &axis(Axis::RightY, 1.0), calm);
    assert_eq!(mapper.sample(ms(290), calm).scrub, None, "the button is up");
    mapper.event(ms(295), &axis(Axis::RightY, 0.0), calm);
    mapper.event(ms(300), &press(Button::Select), calm);
    let mut scrubs = Vec::new();
    for (at, value) in [(310, 0.0), (320, -1.0), (330, 0.0), (340, 1.0), (350, 0.01)] {
        mapper.event(ms(at), &axis(Axis::RightY, value), calm);
        scrubs.push(mapper.sample(ms(at), calm).scrub);
    }
    assert_eq!(scrubs, [None, Some(-1.0), Some(0.0), Some(1.0), Some(0.0)]);
    mapper.event(ms(360), &release(Button::Select), calm);
    let controls = mapper.sample(ms(360), calm);
    assert_eq!((controls.scrub, controls.acts), (None, vec![]), "who has scrubbed has not tapped");
    mapper.event(ms(400), &press(Button::Select), calm);
    assert_eq!(mapper.sample(ms(400), calm).scrub, None, "the next press goes back again");
}

#[test]
fn stop_is_cleared_only_by_a_second_long_press() {
    let mut mapper = ready();
    let (calm, stopped) = (Situation::default(), Situation { stopped: true, ..Situation::default() });
    mapper.event(ms(300), &press(Button::Mode), calm);
    assert_eq!(mapper.sample(ms(310), stopped).acts, [Act::Stop]);
    assert!(mapper.sample(ms(3000), stopped).acts.is_empty(), "the press that stopped never clears");
    mapper.event(ms(3100), &release(Button::Mode), stopped);
    mapper.event(ms(4000), &press(Button::Mode), stopped);
    assert_eq!(mapper.sample(ms(4010), stopped).acts, [Act::Stop]);
    assert!(mapper.sample(ms(4990), stopped).acts.is_empty());
    assert_eq!(mapper.sample(ms(5000), stopped).acts, [Act::ClearStop]);
    assert!(mapper.sample(ms(7000), stopped).acts.is_empty());
}

#[test]
fn raw_has_every_control_in_its_place() {
    let mut mapper = ready();
    let calm = Situation::default();
    for (index, of) in [Axis::LeftX, Axis::LeftY, Axis::RightX, Axis::RightY].into_iter().enumerate() {
        mapper.event(ms(300), &axis(of, 0.125 * [1.0, 2.0, 3.0, 4.0][index]), calm);
    }
    mapper.event(ms(300), &squeeze(Trigger::Left, 0.625), calm);
    mapper.event(ms(300), &squeeze(Trigger::Right, 0.75), calm);
    mapper.event(ms(300), &axis(Axis::DpadY, -1.0), calm);
    mapper.event(ms(300), &press(Button::East), calm);
    let raw = mapper.sample(ms(310), calm).raw;
    assert_eq!(raw.len(), 23);
    assert_eq!(raw[..10], [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.0, -1.0, 0.0, 1.0]);
    assert_eq!(raw[10..], [0.0; 13]);
}

#[test]
fn the_default_map_reads_back_from_its_own_toml() {
    let map = PadMap::default();
    let text = map.to_toml().unwrap();
    assert!(text.contains("silence = \"5s\"") && text.contains("y = \"-left_x\""), "{text}");
    assert_eq!(PadMap::from_toml(&text).unwrap(), map);
    assert_eq!(PadMap::from_toml("").unwrap(), map);
}

#[test]
fn maps_nobody_should_drive_with_are_refused() {
    for (text, expected) in [
        ("clutch = 1", "unknown field"),
        ("[axes]\nx = \"up\"", "no axis"),
        ("[axes]\nx = \"left_x\"", "moves the tool in two ways"),
        ("[buttons]\nclutch = \"mode\"", "button Mode does two things"),
        ("[buttons]\nsuccess = \"dpad_up\"", "button D-pad up does two things"),
        ("[stick]\ndead_zone = 2.0", "stick is out of range"),
        ("dpad_speed = -1.0", "dpad_speed is out of range"),
        ("silence = \"1ms\"", "silence is out of range"),
    ] {
        let error = PadMap::from_toml(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text:?}: {error}");
    }
}

#[test]
fn a_map_of_ones_own_is_used() {
    let map = PadMap::from_toml("close = \"right\"\n[axes]\nyaw = \"right_x\"\n[buttons]\nclutch = \"east\"")
        .unwrap();
    let mut mapper = Mapper::new(map);
    let calm = Situation::default();
    let pad = PadEvent::Connected { name: "Pad".into(), uuid: "03".into(), mapping: MappingKind::Database };
    mapper.event(ms(0), &pad, calm);
    mapper.sample(ms(0), calm);
    mapper.sample(ms(200), calm);
    for event in [press(Button::East), axis(Axis::RightX, 1.0), squeeze(Trigger::Right, 1.0)] {
        mapper.event(ms(300), &event, calm);
    }
    let controls = mapper.sample(ms(310), calm);
    assert!(controls.clutch);
    assert_eq!((controls.twist[5], controls.gripper), (1.0, 1.0));
}

#[test]
fn the_legend_says_so() {
    let text = legend(&PadMap::default());
    for line in [
        "hold RB         I drive; letting go holds still",
        "L-stick up      forward",
        "L-stick left    left",
        "R-stick left    turn left",
        "D-pad up        tilt forward",
        "LT              close the gripper, harder is faster",
        "Menu            the policy drives / pauses; after an episode: next",
    ] {
        assert!(text.lines().any(|found| found == line), "{line:?} is not in\n{text}");
    }
}
