//! The operator's node in a deployment on a manual clock.

use std::{
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, SyncSender},
    },
    time::Duration,
};

use proptest::prelude::*;
use retake_node::{Lockstep, Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{
    Message,
    pb::{Act, Beacon, GroupStatus, Notice, OperatorInput, Owner, Status},
};

use crate::{
    PadConfig, PadOperator,
    pad::{Axis, Button, Feel, MappingKind, PadEvent, ScriptedSource},
};

struct Bench {
    world: Lockstep,
    pad: SyncSender<PadEvent>,
    felt: Receiver<Feel>,
    heard: Arc<Mutex<Vec<(MonoTime, Message)>>>,
}

fn ms(ms: u64) -> MonoTime {
    MonoTime::from_nanos(ms * 1_000_000)
}

impl Bench {
    fn new() -> Self {
        let (source, pad, felt) = ScriptedSource::new();
        let operator = PadOperator::new(PadConfig::new("ada", 42), source);
        let mut world = Lockstep::new(vec![Box::new(operator)], ms(0));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let copy = Arc::clone(&heard);
        world.set_tap(move |at, from, message| {
            if from == "operator" {
                copy.lock().unwrap().push((at, message.clone()));
            }
        });
        Self { world, pad, felt, heard }
    }

    fn until(&mut self, end: u64) -> Vec<OperatorInput> {
        self.heard.lock().unwrap().clear();
        self.world.run_until(ms(end)).unwrap();
        self.inputs().into_iter().map(|(_, input)| input).collect()
    }

    fn inputs(&self) -> Vec<(MonoTime, OperatorInput)> {
        let pick = |(at, message): &(MonoTime, Message)| {
            if let Message::Input(input) = message { Some((*at, input.clone())) } else { None }
        };
        self.heard.lock().unwrap().iter().filter_map(pick).collect()
    }

    fn notices(&self) -> Vec<Notice> {
        let pick = |(_, message): &(MonoTime, Message)| {
            if let Message::Notice(notice) = message { Some(notice.clone()) } else { None }
        };
        self.heard.lock().unwrap().iter().filter_map(pick).collect()
    }

    fn say(&self, event: PadEvent) {
        self.pad.send(event).unwrap();
    }

    fn connect(&mut self) {
        self.say(PadEvent::Connected {
            name: "Pad".into(),
            uuid: "03".into(),
            mapping: MappingKind::Database,
        });
        self.until(500);
    }

    fn hear(&mut self, message: impl Into<Message>) {
        self.world.inject(message.into()).unwrap();
    }
}

fn beacon(nonce: u64, tick: u64, session: u64) -> Beacon {
    Beacon { nonce, epoch: tick / 10, tick, session }
}

fn owned_by(owner: Owner) -> Status {
    let group = GroupStatus { name: "arm".into(), owner: owner.into(), ..GroupStatus::default() };
    Status { operator: "ada".into(), groups: vec![group], ..Status::default() }
}

#[test]
fn inputs_come_at_a_fixed_rate_without_any_event() {
    let mut bench = Bench::new();
    assert_eq!(bench.until(990).len(), 100);
    let inputs = bench.inputs();
    for pair in inputs.windows(2) {
        assert_eq!(pair[1].0.since(pair[0].0), Duration::from_millis(10));
        let seqs = [0, 1].map(|i: usize| pair[i].1.header.unwrap().seq);
        assert_eq!(seqs[1], seqs[0] + 1);
    }
    let input = &inputs[7].1;
    let header = input.header.unwrap();
    assert_eq!((header.session, header.seq, header.sent_nanos), (42, 8, 70_000_000));
    assert_eq!((input.operator.as_str(), input.device.as_str(), input.valid), ("ada", "gamepad", false));
    assert_eq!((input.twist.len(), input.groups.len()), (6, 0));
    let told: Vec<String> = bench.notices().into_iter().map(|notice| notice.code).collect();
    assert_eq!(told, ["pad.absent"], "said once, not at every input");
}

#[test]
fn every_input_echoes_the_newest_beacon() {
    let mut bench = Bench::new();
    bench.hear(beacon(7, 20, 1));
    let header = bench.until(10)[0].header.unwrap();
    assert_eq!((header.beacon, header.epoch), (7, 2));
    bench.hear(beacon(9, 40, 1));
    bench.hear(beacon(8, 30, 1));
    let header = bench.until(30)[0].header.unwrap();
    assert_eq!((header.beacon, header.epoch), (9, 4), "an older beacon that comes late does not count");
    bench.hear(beacon(5, 1, 2));
    assert_eq!(bench.until(50)[0].header.unwrap().beacon, 5, "a new arbiter counts from one again");
}

#[test]
fn a_held_stick_is_said_again_and_again() {
    let mut bench = Bench::new();
    bench.connect();
    bench.say(PadEvent::Button { button: Button::RightBumper, pressed: true });
    bench.say(PadEvent::Axis { axis: Axis::LeftY, value: 1.0 });
    let inputs = bench.until(1000);
    assert_eq!(inputs.len(), 50);
    assert!(inputs.iter().all(|input| input.clutch && input.valid && input.twist[0] == 1.0));
    bench.say(PadEvent::Disconnected);
    let inputs = bench.until(1100);
    assert!(inputs.iter().all(|input| !input.clutch && !input.valid && input.twist == [0.0; 6]));
    assert!(inputs.iter().all(|input| input.raw.iter().all(|value| *value == 0.0)));
}

#[test]
fn acts_are_sent_once_each_and_menu_follows_the_status() {
    let mut bench = Bench::new();
    bench.connect();
    let press = |pressed| PadEvent::Button { button: Button::Start, pressed };
    bench.say(press(true));
    bench.say(PadEvent::Button { button: Button::North, pressed: true });
    let acts: Vec<Vec<i32>> = bench.until(600).into_iter().map(|input| input.acts).collect();
    assert_eq!(acts[0], [Act::Resume as i32, Act::Success as i32]);
    assert!(acts[1..].iter().all(Vec::is_empty));
    bench.say(press(false));
    bench.until(700);
    bench.hear(owned_by(Owner::Policy));
    bench.say(press(true));
    assert_eq!(bench.until(710)[0].acts, [Act::Pause as i32]);
}

#[test]
fn the_loss_and_return_of_a_pad_are_told() {
    let mut bench = Bench::new();
    bench.connect();
    let codes = |bench: &Bench| bench.notices().into_iter().map(|notice| notice.code).collect::<Vec<_>>();
    assert_eq!(codes(&bench), ["pad.settling", "pad.ready"]);
    bench.say(PadEvent::Disconnected);
    bench.until(600);
    assert_eq!(codes(&bench), ["pad.absent"]);
    bench.say(PadEvent::Note { text: "A second gamepad is ignored.".into() });
    bench.until(700);
    assert_eq!(bench.notices()[0].text, "A second gamepad is ignored.");
    assert_eq!(bench.notices()[0].source, "ada");
}

#[test]
fn two_pads_are_one_operator() {
    // The source passes only one pad on; when that is lost and the other takes over, it starts from rest.
    let mut bench = Bench::new();
    bench.connect();
    bench.say(PadEvent::Note { text: "A second gamepad is ignored.".into() });
    bench.say(PadEvent::Button { button: Button::RightBumper, pressed: true });
    assert!(bench.until(600).iter().all(|input| input.clutch && input.valid));
    bench.say(PadEvent::Disconnected);
    bench.say(PadEvent::Connected {
        name: "Other".into(),
        uuid: "04".into(),
        mapping: MappingKind::Database,
    });
    let inputs = bench.until(700);
    assert!(inputs.iter().all(|input| !input.clutch && !input.valid));
    let inputs = bench.until(2000);
    assert!(inputs.iter().all(|input| !input.clutch), "the press on the first pad is not one on the second");
    assert!(inputs.last().unwrap().valid);
}

#[test]
fn takeover_and_refusal_are_felt_once() {
    let mut bench = Bench::new();
    bench.connect();
    bench.say(PadEvent::Button { button: Button::RightBumper, pressed: true });
    bench.until(600);
    for owner in [Owner::Hold, Owner::Human, Owner::Human] {
        bench.hear(owned_by(owner));
    }
    assert_eq!(bench.felt.try_iter().collect::<Vec<_>>(), [Feel::Engaged]);
    let others = Status { operator: "bob".into(), ..owned_by(Owner::Human) };
    bench.hear(others.clone());
    bench.hear(others);
    assert_eq!(bench.felt.try_iter().collect::<Vec<_>>(), [Feel::Refused]);
}

#[test]
fn a_late_wake_leaves_beats_out() {
    let (source, _pad, _felt) = ScriptedSource::new();
    let mut operator = PadOperator::new(PadConfig::new("ada", 1), source);
    let mut out = Outbox::default();
    operator.wake(ms(5), &mut out);
    assert_eq!(operator.next_wake(), Some(ms(15)));
    operator.wake(ms(17), &mut out);
    assert_eq!(operator.next_wake(), Some(ms(25)), "a little late keeps the grid");
    operator.wake(ms(300), &mut out);
    assert_eq!(operator.next_wake(), Some(ms(310)), "very late does not make up for it");
}

#[test]
fn the_last_word_asks_for_nothing() {
    let mut bench = Bench::new();
    bench.connect();
    bench.say(PadEvent::Button { button: Button::RightBumper, pressed: true });
    assert!(bench.until(600).last().unwrap().clutch);
    let Bench { world, heard, .. } = bench;
    world.finish().unwrap();
    let heard = heard.lock().unwrap();
    let Some((_, Message::Input(last))) = heard.last() else { panic!("{heard:?}") };
    assert!(!last.clutch && !last.valid);
}

#[test]
fn a_stop_is_said_with_every_input_until_it_is_answered() {
    let mut bench = Bench::new();
    bench.connect();
    let stops = |inputs: Vec<OperatorInput>| -> Vec<bool> {
        inputs.iter().map(|input| input.acts().any(|act| act == Act::Stop)).collect()
    };
    bench.say(PadEvent::Button { button: Button::Mode, pressed: true });
    let said = stops(bench.until(800));
    assert!(said.len() > 20 && said.iter().skip(1).all(|stop| *stop), "{said:?}");
    bench.hear(Status { stopped: true, ..owned_by(Owner::Hold) });
    let said = stops(bench.until(1000));
    assert!(said.iter().skip(1).all(|stop| !stop), "{said:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn whatever_happens_inputs_come_at_a_fixed_rate(
        events in proptest::collection::vec((0..4_u8, -1.0..1.0, any::<bool>(), 1..200_u64), 0..40),
    ) {
        let mut bench = Bench::new();
        bench.connect();
        let mut at = 500;
        for (kind, value, pressed, wait) in events {
            bench.say(match kind {
                0 => PadEvent::Axis { axis: Axis::LeftX, value },
                1 => PadEvent::Button { button: Button::RightBumper, pressed },
                2 => PadEvent::Disconnected,
                _ => PadEvent::Connected { name: "Pad".into(), uuid: "03".into(), mapping: MappingKind::Database },
            });
            at += wait;
            bench.world.run_until(ms(at)).unwrap();
        }
        let inputs = bench.inputs();
        for pair in inputs.windows(2) {
            prop_assert_eq!(pair[1].0.since(pair[0].0), Duration::from_millis(10));
        }
    }
}
