use retake_wire::pb::{Beacon, OperatorInput, PolicyInfo};

use super::*;

/// Answers each call with a beacon that tells which it was.
#[derive(Debug, Default)]
struct Echo;

fn beacon(nonce: u64) -> Beacon {
    Beacon { nonce, ..Beacon::default() }
}

impl Node for Echo {
    fn name(&self) -> &'static str {
        "echo"
    }
    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Input, Topic::PolicyInfo]
    }
    fn publications(&self) -> &[Topic] {
        &[Topic::Beacon]
    }
    fn receive(&mut self, _: MonoTime, _: &Message, out: &mut Outbox) {
        out.publish(beacon(1));
    }
    fn wake(&mut self, _: MonoTime, out: &mut Outbox) {
        out.publish(beacon(2));
    }
    fn next_wake(&self) -> Option<MonoTime> {
        Some(MonoTime::from_nanos(7))
    }
    fn finish(&mut self, _: MonoTime, out: &mut Outbox) {
        out.publish(beacon(3));
    }
}

fn witness() -> Witness<Echo> {
    Witness::new(Echo, ArbiterInfo { session: 9, ..ArbiterInfo::default() })
}

fn at(millis: u64) -> MonoTime {
    MonoTime::from_nanos(millis * 1_000_000)
}

fn input(gripper: f64) -> Message {
    OperatorInput { gripper, ..OperatorInput::default() }.into()
}

fn schedules(out: &mut Outbox) -> Vec<Schedule> {
    let only = |message| if let Message::Schedule(schedule) = message { Some(schedule) } else { None };
    out.drain().filter_map(only).collect()
}

#[test]
fn every_call_is_passed_on_and_noted_and_what_came_of_it_is_said_first() {
    let (mut witness, mut out) = (witness(), Outbox::default());
    let input = input(0.5);
    witness.receive(at(1), &input, &mut out);
    witness.dropped(at(2), 4);
    witness.wake(at(3), &mut out);
    witness.finish(at(4), &mut out);
    let print = fingerprint(Topic::Input, &input.encode());
    let entry = |millis: u64, what| ScheduleEntry {
        at_nanos: at(millis).wire_nanos(),
        what: Some(what),
        message: vec![],
    };
    let first =
        vec![entry(1, What::Received(print)), entry(2, What::Dropped(4)), entry(3, What::Woken(true))];
    let last = vec![entry(4, What::Finished(true))];
    let said: Vec<Message> = out.drain().collect();
    assert_eq!(
        said,
        [
            ArbiterInfo { session: 9, ..ArbiterInfo::default() }.into(),
            beacon(1).into(),
            beacon(2).into(),
            Schedule { session: 9, first: 0, entries: first }.into(),
            beacon(3).into(),
            Schedule { session: 9, first: 3, entries: last }.into(),
        ] as [Message; 6]
    );
    assert_eq!(witness.publications(), [Topic::Beacon, Topic::ArbiterInfo, Topic::Schedule]);
    assert_eq!((witness.name(), witness.next_wake()), ("echo", Some(MonoTime::from_nanos(7))));
}

#[test]
fn what_it_is_is_said_again() {
    let (mut witness, mut out) = (witness(), Outbox::default());
    for millis in (0..=10_000).step_by(1000) {
        witness.wake(at(millis), &mut out);
    }
    assert_eq!(out.drain().filter(|message| message.topic() == Topic::ArbiterInfo).count(), 3);
}

#[test]
fn what_a_recorder_may_miss_is_there_whole_when_it_changes() {
    let (mut witness, mut out) = (witness(), Outbox::default());
    let info = |name: &str| Message::from(PolicyInfo { name: name.into(), ..PolicyInfo::default() });
    for message in [info("a"), info("a"), info("b"), input(1.0)] {
        witness.receive(at(1), &message, &mut out);
    }
    witness.wake(at(2), &mut out);
    let whole: Vec<_> =
        schedules(&mut out).remove(0).entries.into_iter().map(|entry| entry.message).collect();
    assert_eq!(whole, [info("a").encode(), vec![], info("b").encode(), vec![], vec![]]);
}

#[test]
fn a_node_that_never_wakes_keeps_no_more_than_a_bounded_list() {
    let (mut witness, mut out) = (witness(), Outbox::default());
    for _ in 0..1000 {
        witness.receive(at(1), &input(0.0), &mut out);
    }
    let published: Vec<_> = schedules(&mut out).iter().map(|s| (s.first, s.entries.len())).collect();
    assert_eq!(published, (0..7).map(|i| (i * 128, 128)).collect::<Vec<_>>());
    for _ in 0..1000 {
        witness.dropped(at(2), 3);
    }
    witness.wake(at(3), &mut out);
    let entries = schedules(&mut out).remove(0).entries;
    let dropped = entries.iter().filter_map(|entry| match entry.what {
        Some(What::Dropped(count)) => Some(count),
        Some(What::Received(_) | What::Woken(_) | What::Finished(_)) | None => None,
    });
    assert_eq!((entries.len(), dropped.sum::<u64>()), (129, 3000));
    let long =
        |number: usize| PolicyInfo { name: number.to_string().repeat(40_000), ..PolicyInfo::default() };
    witness.receive(at(4), &long(1).into(), &mut out);
    witness.receive(at(4), &long(2).into(), &mut out);
    assert_eq!(schedules(&mut out).len(), 1);
}
