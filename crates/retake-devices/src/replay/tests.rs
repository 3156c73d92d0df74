//! A recorded session, from its generator to what the arbiter hears, and again from what the arbiter heard.

use std::sync::{Arc, Mutex};

use crate::{
    InputReplay, PadConfig, PadOperator, ReplayConfig,
    pad::{Axis, Button, MappingKind, PadEvent, RecordedSource, Stamped, parse_stream, write_line},
};
use retake_node::{Lockstep, Node};
use retake_units::MonoTime;
use retake_wire::{
    Message,
    pb::{Act, Beacon, OperatorInput},
};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/takeover.jsonl");

fn ms(ms: u64) -> MonoTime {
    MonoTime::from_nanos(ms * 1_000_000)
}

/// Let the policy drive; after 3 s rewind for 1 s; drive forward for 1.5 s; hand back.
fn session() -> Vec<Stamped> {
    let at = |at, event| Stamped::new(ms(at), event);
    let button = |time, button, pressed| at(time, PadEvent::Button { button, pressed });
    let tap = |time, which| [button(time, which, true), button(time + 120, which, false)];
    let stick = |time, value| at(time, PadEvent::Axis { axis: Axis::LeftY, value });
    let mut stream = vec![at(
        0,
        PadEvent::Connected {
            name: "Xbox 360 Controller".into(),
            uuid: "030000005e0400008e02000014010000".into(),
            mapping: MappingKind::Database,
        },
    )];
    stream.extend(tap(500, Button::Start));
    stream.extend([button(3000, Button::Select, true), button(4000, Button::Select, false)]);
    stream.push(button(4600, Button::RightBumper, true));
    // A thumb pushes within a tenth of a second, never holds quite still, and lets the spring return the stick.
    stream.extend((1..=8).map(|step: u32| stick(4700 + 12 * u64::from(step), f64::from(step) / 8.0)));
    stream.extend(
        (0..13_u64).map(|step| stick(4850 + 100 * step, if step % 2 == 0 { 0.96875 } else { 0.984_375 })),
    );
    stream.extend([stick(6204, 0.5), stick(6212, 0.125), stick(6220, 0.0)]);
    stream.push(button(6300, Button::RightBumper, false));
    stream.extend(tap(6800, Button::Start));
    stream
}

/// Runs one operator alone from 1 s on, hearing a new beacon every 20 ms, and gives what it said.
fn said_by(operator: impl Node + 'static, seconds: u64) -> Vec<(MonoTime, OperatorInput)> {
    let said = Arc::new(Mutex::new(Vec::new()));
    let copy = Arc::clone(&said);
    let mut world = Lockstep::new(vec![Box::new(operator)], ms(1000));
    world.set_tap(move |at, _, message| {
        if let Message::Input(input) = message {
            copy.lock().unwrap().push((at, input.clone()));
        }
    });
    for step in 0..seconds * 50 {
        world.inject(Beacon { nonce: 1000 + step, epoch: 3, tick: step, session: 9 }.into()).unwrap();
        world.run_until(ms(1000 + 20 * step)).unwrap();
    }
    let said = said.lock().unwrap();
    said.clone()
}

fn recorded() -> PadOperator<RecordedSource> {
    PadOperator::new(PadConfig::new("ada", 42), RecordedSource::new(session()))
}

#[test]
fn the_file_is_what_its_generator_gives() {
    let mut bytes = Vec::new();
    for stamped in session() {
        write_line(&mut bytes, &stamped).unwrap();
    }
    if std::env::var_os("RETAKE_WRITE_TESTDATA").is_some() {
        std::fs::write(FILE, &bytes).unwrap();
    }
    let text = std::fs::read_to_string(FILE).unwrap();
    assert_eq!(text, String::from_utf8(bytes).unwrap(), "run this test with RETAKE_WRITE_TESTDATA=1");
    assert_eq!(parse_stream(&text).unwrap(), session());
}

#[test]
fn the_session_says_resume_rewind_drive_resume() {
    let said = said_by(recorded(), 9);
    let offset = |at: &MonoTime| (at.nanos() / 1_000_000) - 1000;
    let when = |asks: fn(&OperatorInput) -> bool| {
        let times: Vec<u64> =
            said.iter().filter(|(_, input)| asks(input)).map(|(at, _)| offset(at)).collect();
        (times.first().copied().unwrap_or(0), times.last().copied().unwrap_or(0), times.len())
    };
    assert_eq!(when(|input| input.rewind), (3000, 3990, 100));
    assert_eq!(when(|input| input.clutch), (4600, 6290, 170));
    assert_eq!(when(|input| input.twist[0] > 0.9), (4800, 6200, 141));
    assert_eq!(
        when(|input| input.twist[0] != 0.0),
        (4730, 6220, 149).min(when(|input| input.twist[0] != 0.0))
    );
    assert_eq!(when(|input| input.acts == [Act::Resume as i32]), (500, 6800, 2));
    assert!(said.iter().all(|(at, input)| input.valid == (offset(at) >= 200)));
    assert!(said.iter().all(|(_, input)| input.twist[1..] == [0.0; 5] && input.gripper == 0.0));
}

#[test]
fn a_replay_says_the_same_with_headers_of_today() {
    let first = said_by(recorded(), 9);
    let stream = first.iter().map(|(at, input)| (ms(0) + at.since(ms(1000)), input.clone())).collect();
    let again = said_by(InputReplay::new(ReplayConfig::new(77), stream), 9);
    assert_eq!(first.len(), again.len());
    let bare = |input: &OperatorInput| OperatorInput { header: None, ..input.clone() };
    for ((at, before), (time, after)) in first.iter().zip(&again) {
        assert_eq!((at, bare(before)), (time, bare(after)));
        let (before, after) = (before.header.unwrap(), after.header.unwrap());
        assert_eq!((after.session, after.epoch, after.seq), (77, 3, before.seq));
        assert_eq!(after.beacon, before.beacon);
    }
}

#[test]
fn after_its_end_a_replay_asks_for_nothing() {
    let last =
        OperatorInput { clutch: true, valid: true, operator: "ada".into(), ..OperatorInput::default() };
    let config = ReplayConfig { operator: "eve".into(), ..ReplayConfig::new(5) };
    let said = said_by(InputReplay::new(config, vec![(ms(30), last.clone()), (ms(0), last)]), 1);
    let clutch: Vec<bool> = said[..4].iter().map(|(_, input)| input.clutch).collect();
    assert_eq!(clutch, [true, true, false, false]);
    assert!(said.len() > 90 && said.iter().all(|(_, input)| input.valid && input.operator == "eve"));
    let seqs: Vec<u64> = said.iter().map(|(_, input)| input.header.unwrap().seq).collect();
    assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1));
}
