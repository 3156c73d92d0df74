//! Each hazard of real pads, as a stream of events: nothing may move that nobody asked to move.

use proptest::prelude::*;
use retake_units::MonoTime;
use retake_wire::pb::Act;

use super::*;

const CALM: Situation = Situation { stopped: false, ended: false, policy_drives: false, correcting: false };

fn ms(ms: u64) -> MonoTime {
    MonoTime::from_nanos(ms * 1_000_000)
}

fn connected(mapping: MappingKind) -> PadEvent {
    PadEvent::Connected { name: "Pad".into(), uuid: "03".into(), mapping }
}

fn button(button: Button, pressed: bool) -> PadEvent {
    PadEvent::Button { button, pressed }
}

fn forward(value: f64) -> PadEvent {
    PadEvent::Axis { axis: Axis::LeftY, value }
}

/// Runs at 100 samples a second from `from` up to and including `to`, and gives the last.
fn run(mapper: &mut Mapper, from: u64, to: u64) -> Controls {
    let mut last = Controls::default();
    for at in (from..=to).step_by(10) {
        last = mapper.sample(ms(at), CALM);
    }
    last
}

fn driving() -> Mapper {
    let mut mapper = Mapper::new(PadMap::default());
    mapper.event(ms(0), &connected(MappingKind::Database), CALM);
    run(&mut mapper, 0, 300);
    mapper.event(ms(300), &button(Button::RightBumper, true), CALM);
    mapper.event(ms(300), &forward(1.0), CALM);
    let controls = run(&mut mapper, 310, 310);
    assert!(controls.clutch && controls.valid && controls.twist[0] == 1.0);
    mapper
}

fn asks_for_nothing(controls: &Controls) -> bool {
    !controls.clutch
        && !controls.rewind
        && !controls.valid
        && controls.twist == [0.0; 6]
        && controls.gripper == 0.0
}

#[test]
fn a_pad_lost_while_deflected_asks_for_nothing() {
    let mut mapper = driving();
    mapper.event(ms(320), &PadEvent::Disconnected, CALM);
    let controls = run(&mut mapper, 320, 320);
    assert!(asks_for_nothing(&controls));
    assert!(controls.raw.iter().all(|value| *value == 0.0));
    // Words of a pad that is gone do not count either.
    mapper.event(ms(330), &forward(1.0), CALM);
    assert!(run(&mut mapper, 330, 900).raw.iter().all(|value| *value == 0.0));
}

#[test]
fn a_pad_that_returns_deflected_waits_for_rest() {
    let mut mapper = driving();
    mapper.event(ms(320), &PadEvent::Disconnected, CALM);
    mapper.event(ms(1000), &connected(MappingKind::Database), CALM);
    mapper.event(ms(1001), &forward(1.0), CALM);
    let controls = run(&mut mapper, 1010, 5000);
    assert!(asks_for_nothing(&controls));
    assert_eq!(controls.raw[1], 1.0, "the record still shows what it reads");
    let why = mapper.state().refusal().unwrap_or_default();
    assert!(why.ends_with("The left stick reads (0.00, 1.00): let go of everything."), "{why}");
    mapper.event(ms(5001), &forward(0.0), CALM);
    assert!(!run(&mut mapper, 5010, 5190).valid);
    assert!(run(&mut mapper, 5200, 5300).valid);
}

#[test]
fn a_clutch_held_through_reconnection_does_not_engage() {
    let mut mapper = driving();
    mapper.event(ms(320), &PadEvent::Disconnected, CALM);
    mapper.event(ms(1000), &connected(MappingKind::Database), CALM);
    mapper.event(ms(1001), &button(Button::RightBumper, true), CALM);
    assert!(asks_for_nothing(&run(&mut mapper, 1010, 3000)));
    mapper.event(ms(3001), &button(Button::RightBumper, false), CALM);
    assert!(!run(&mut mapper, 3010, 3500).clutch);
    mapper.event(ms(3501), &button(Button::RightBumper, true), CALM);
    assert!(run(&mut mapper, 3510, 3510).clutch);
}

#[test]
fn a_pad_that_is_connected_twice_without_a_loss_in_between_starts_anew() {
    let mut mapper = driving();
    mapper.event(ms(320), &connected(MappingKind::Database), CALM);
    assert!(asks_for_nothing(&run(&mut mapper, 320, 320)));
    // The old press is forgotten: being ready again does not engage.
    assert!(!run(&mut mapper, 330, 900).clutch);
}

#[test]
fn an_unmapped_pad_only_stops() {
    for mapping in [MappingKind::Driver, MappingKind::None] {
        let mut mapper = Mapper::new(PadMap::default());
        mapper.event(ms(0), &connected(mapping), CALM);
        run(&mut mapper, 0, 1000);
        for held in [Button::RightBumper, Button::North, Button::Start, Button::Mode] {
            mapper.event(ms(1001), &button(held, true), CALM);
        }
        mapper.event(ms(1001), &forward(1.0), CALM);
        let controls = run(&mut mapper, 1010, 1010);
        assert!(asks_for_nothing(&controls));
        assert_eq!(controls.acts, [Act::Stop]);
        let why = mapper.state().refusal().unwrap_or_default();
        assert!(why.contains("SDL_GAMECONTROLLERCONFIG"), "{why}");
    }
}

#[test]
fn stop_works_before_the_pad_was_seen_at_rest() {
    let mut mapper = Mapper::new(PadMap::default());
    mapper.event(ms(0), &connected(MappingKind::Database), CALM);
    mapper.event(ms(10), &forward(1.0), CALM);
    mapper.event(ms(20), &button(Button::Mode, true), CALM);
    let controls = mapper.sample(ms(20), CALM);
    assert_eq!(controls.acts, [Act::Stop]);
    assert!(asks_for_nothing(&controls));
}

#[test]
fn a_motion_without_a_new_word_ends() {
    let mut mapper = driving();
    assert!(run(&mut mapper, 320, 5290).valid);
    assert!(asks_for_nothing(&run(&mut mapper, 5300, 6000)));
    assert_eq!(mapper.state().readiness(), Readiness::Silent);
    // The link is back with the same deflection: still nothing until it was let go.
    mapper.event(ms(6001), &forward(0.9), CALM);
    assert!(asks_for_nothing(&run(&mut mapper, 6010, 7000)));
    mapper.event(ms(7001), &forward(0.0), CALM);
    mapper.event(ms(7001), &button(Button::RightBumper, false), CALM);
    assert!(run(&mut mapper, 7010, 7300).valid);
}

#[test]
fn a_stick_that_jitters_is_not_silent() {
    let mut mapper = driving();
    for at in (320..20_000).step_by(1000) {
        mapper.event(ms(at), &forward(1.0 - f64::from(u8::from(at % 2000 == 320)) * 0.01), CALM);
        assert!(run(&mut mapper, at, at + 990).valid);
    }
}

#[test]
fn numbers_that_are_none_count_as_rest() {
    let mut mapper = driving();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        mapper.event(ms(320), &forward(value), CALM);
        mapper.event(ms(320), &PadEvent::Trigger { trigger: Trigger::Left, value }, CALM);
        let controls = run(&mut mapper, 330, 330);
        assert_eq!((controls.twist[0], controls.gripper), (0.0, 0.0));
    }
}

fn any_event() -> impl Strategy<Value = PadEvent> {
    prop_oneof![
        1 => prop_oneof![Just(MappingKind::Database), Just(MappingKind::Driver)].prop_map(connected),
        1 => Just(PadEvent::Disconnected),
        8 => (0..Button::ALL.len(), any::<bool>()).prop_map(|(index, pressed)| button(Button::ALL[index], pressed)),
        4 => (0..Axis::ALL.len(), -2.0..2.0).prop_map(|(i, value)| PadEvent::Axis { axis: Axis::ALL[i], value }),
        2 => (0..2_usize, any::<f64>()).prop_map(|(i, value)| PadEvent::Trigger { trigger: Trigger::ALL[i], value }),
    ]
}

proptest! {
    #[test]
    fn whatever_a_pad_says_controls_are_in_range_and_fresh(
        events in proptest::collection::vec((any_event(), 0_u64..400), 0..200)
    ) {
        let mut mapper = Mapper::new(PadMap::default());
        let (mut at, mut down) = (0, false);
        for (event, wait) in events {
            at += wait;
            mapper.event(ms(at), &event, CALM);
            down = match event {
                PadEvent::Button { button: Button::RightBumper, pressed } => pressed,
                PadEvent::Connected { .. } | PadEvent::Disconnected => false,
                PadEvent::Button { .. } | PadEvent::Axis { .. } | PadEvent::Trigger { .. } | PadEvent::Note { .. } => down,
            };
            let controls = mapper.sample(ms(at), CALM);
            prop_assert!(controls.twist.iter().chain([&controls.gripper]).all(|value| value.abs() <= 1.0 + 1e-12));
            prop_assert!(!controls.clutch || down, "the clutch is only ever what is held");
            prop_assert!(controls.valid || asks_for_nothing(&controls));
            prop_assert!(controls.valid || controls.acts.iter().all(|act| *act == Act::Stop));
        }
    }
}

proptest! {
    #[test]
    fn whatever_was_said_before_a_reconnected_pad_counts_only_once_it_was_seen_at_rest(
        before in proptest::collection::vec((any_event(), 0_u64..400), 0..40),
        after in proptest::collection::vec((any_event(), 0_u64..150), 1..60),
    ) {
        let mut mapper = driving();
        let mut at = 1000;
        for (event, wait) in before {
            at += wait;
            mapper.event(ms(at), &event, CALM);
            mapper.sample(ms(at), CALM);
        }
        mapper.event(ms(at), &PadEvent::Disconnected, CALM);
        let gone = mapper.sample(ms(at), CALM);
        prop_assert!(asks_for_nothing(&gone) && gone.raw.iter().all(|value| *value == 0.0));
        mapper.event(ms(at), &connected(MappingKind::Database), CALM);
        let since = at;
        for (event, wait) in after {
            // Whether it is at rest is looked at as often as it is published.
            for _ in 0..wait / 10 {
                at += 10;
                let controls = mapper.sample(ms(at), CALM);
                prop_assert!(!controls.valid || at >= since + 200, "it counts after {} ms", at - since);
            }
            if matches!(event, PadEvent::Connected { .. } | PadEvent::Disconnected) {
                continue;
            }
            mapper.event(ms(at), &event, CALM);
        }
    }
}
