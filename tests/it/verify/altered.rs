use retake_log::{Entry, LocalDisk, RecordingWriter, WriterConfig};
use retake_verify::Obstacle;
use retake_wire::{
    Message,
    pb::{TickRecord, schedule_entry::What},
};

use super::*;

/// A copy of `recordings`, one after the other, in which `alter` has changed or left out messages.
fn altered(
    recordings: &[&Recording],
    dir: &Path,
    name: &str,
    mut alter: impl FnMut(Message) -> Option<Message>,
) -> Recording {
    let mut config = WriterConfig::new(
        dir.to_owned(),
        name.to_owned(),
        "arm".parse().unwrap(),
        7,
        retake_log::Anchor::default(),
    );
    config.reserve_bytes = 4096;
    let mut writer = RecordingWriter::create(config, Box::new(LocalDisk)).unwrap();
    let mut offset = std::time::Duration::ZERO;
    for recording in recordings {
        let mut last = offset;
        for logged in recording.messages() {
            let logged = logged.unwrap();
            let at = logged.at + offset;
            last = std::time::Duration::from_nanos(at.nanos());
            if let Some(message) = alter(logged.message) {
                writer.append(&Entry::new(&message, at)).unwrap();
            }
        }
        offset = last;
    }
    writer.close().unwrap();
    Recording::open(&dir.join(name)).unwrap()
}

struct Original {
    dir: tempfile::TempDir,
    recording: Recording,
    seen: Seen,
}

impl Original {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (recording, seen) = record(supervised(), dir.path(), "original");
        Self { dir, recording, seen }
    }

    /// What comes of verifying an altered copy.
    fn with(&self, name: &str, alter: impl FnMut(Message) -> Option<Message>) -> Report {
        verified(&altered(&[&self.recording], self.dir.path(), name, alter))
    }

    /// A tick in the middle of the run at which the arm moves.
    fn middle(&self) -> &TickRecord {
        &self.seen.ticks[self.seen.ticks.len() / 2]
    }
}

fn parted(report: Report) -> (u64, String, String) {
    assert_eq!(report.verdict, Verdict::Parted, "{report}");
    let text = report.to_string();
    match only(report).outcome {
        Outcome::Parted(parting) => {
            assert!(text.contains(&format!("parts at tick {} (episode 1, ", parting.place.tick)), "{text}");
            (parting.place.tick, parting.topic, parting.field)
        }
        other @ (Outcome::Identical | Outcome::Stopped { .. }) => unreachable!("{other:?}"),
    }
}

fn stopped(report: Report) -> (u64, Obstacle) {
    assert_eq!(report.verdict, Verdict::Incomplete, "{report}");
    match only(report).outcome {
        Outcome::Stopped { at, why } => (at.tick, why),
        other @ (Outcome::Identical | Outcome::Parted(_)) => unreachable!("{other:?}"),
    }
}

/// The next number that can be told apart.
fn nudge(value: &mut f64) {
    *value = f64::from_bits(value.to_bits() ^ 1);
}

#[test]
fn a_single_bit_of_a_recorded_decision_is_found_at_its_tick() {
    let original = Original::new();
    let tick = original.middle().tick;
    let report = original.with("command", |mut message| {
        if let Message::Command(command) = &mut message
            && command.tick == tick
        {
            nudge(&mut command.position[0].values[3]);
        }
        Some(message)
    });
    assert_eq!(parted(report), (tick, "robot/command".into(), "position[0].values[3]".into()));
    let report = original.with("tick", |mut message| {
        if let Message::Tick(record) = &mut message
            && record.tick == tick
        {
            nudge(&mut record.groups[0].target[5]);
        }
        Some(message)
    });
    assert_eq!(parted(report), (tick, "arbiter/tick".into(), "groups[0].target[5]".into()));
    let report = original.with("episode", |mut message| {
        if let Message::Episode(episode) = &mut message
            && episode.end_tick > 0
        {
            episode.takeovers += 1;
        }
        Some(message)
    });
    let (at, topic, field) = parted(report);
    assert_eq!((topic.as_str(), field.as_str()), ("arbiter/episode", "takeovers"));
    assert!(at > tick);
    let report = original.with("lost", |message| {
        Some(message).filter(|message| !matches!(message, Message::Tick(record) if record.tick == tick))
    });
    let (at, topic, _) = parted(report);
    assert_eq!((at, topic.as_str()), (tick, "arbiter/tick"), "a record that nobody knows to be missing");
}

#[test]
fn another_time_or_another_configuration_leads_to_other_decisions() {
    let original = Original::new();
    let (tick, mut woken) = (original.middle().tick, 0);
    let report = original.with("time", |mut message| {
        if let Message::Schedule(schedule) = &mut message {
            for entry in &mut schedule.entries {
                woken += u64::from(matches!(entry.what, Some(What::Woken(_))));
                entry.at_nanos += i64::from(woken == tick && matches!(entry.what, Some(What::Woken(_))));
            }
        }
        Some(message)
    });
    let (at, topic, field) = parted(report);
    assert_eq!((at, topic.as_str(), field.as_str()), (tick, "arbiter/tick", "at_nanos"));
    let (from, to) = (r#""linear_speed":"=0.25""#, r#""linear_speed":"=0.25000000000000006""#);
    let report = original.with("config", |mut message| {
        if let Message::ArbiterInfo(info) = &mut message {
            assert!(info.config.contains(from), "{}", info.config);
            info.config = info.config.replace(from, to);
        }
        Some(message)
    });
    let (at, topic, field) = parted(report);
    let human = original.seen.ticks.iter().find(|tick| tick.twist.iter().any(|speed| *speed != 0.0));
    assert_eq!((at, topic.as_str()), (human.unwrap().tick, "arbiter/tick"), "{field}");
}

#[test]
fn what_is_missing_is_told_and_where() {
    let original = Original::new();
    let (tick, newest) = (original.middle().tick, original.middle().observation_seq);
    let without = |message: &Message, seqs: &[u64]| {
        let seq = |observation: &retake_wire::pb::Observation| observation.header.unwrap().seq;
        matches!(message, Message::Observation(observation) if seqs.contains(&seq(observation)))
    };
    let report = original.with("observations", |message| {
        Some(message).filter(|m| !without(m, &[newest, newest + 3, newest + 4]))
    });
    let (at, why) = stopped(report);
    assert_eq!(why, Obstacle::MessagesMissing(3));
    assert!((tick - 2..=tick).contains(&at), "{at} is not just before {tick}");

    let mut number = 0;
    let mut schedules = |drop: std::ops::Range<u64>| {
        number = 0;
        original.with(&format!("schedule-{}", drop.start), |message| {
            number += u64::from(matches!(message, Message::Schedule(_)));
            Some(message).filter(|m| !(matches!(m, Message::Schedule(_)) && drop.contains(&(number - 1))))
        })
    };
    let (at, why) = stopped(schedules(tick..tick + 1));
    assert!(matches!(why, Obstacle::NotesMissing(count) if count > 1), "{why:?}");
    assert_eq!(at, tick);
    let (at, why) = stopped(schedules(0..9));
    assert!(matches!(why, Obstacle::BeganLate(count) if count > 9), "{why:?}");
    assert_eq!(at, 0);

    let old = original.with("old", |message| {
        Some(message).filter(|m| !matches!(m, Message::Schedule(_) | Message::ArbiterInfo(_)))
    });
    assert_eq!(old.verdict, Verdict::NoSchedule);
    assert!(old.to_string().contains("older version"), "{old}");
}

#[test]
fn another_version_is_told_and_what_only_the_newest_counts_of_may_be_missing() {
    let original = Original::new();
    let report = original.with("thin", |mut message| {
        if let Message::ArbiterInfo(info) = &mut message {
            info.version = "0.0.9".into();
        }
        // What a recorder may skip: it is in the schedule, or nothing depends on it.
        let skipped = matches!(
            message,
            Message::Descriptor(_) | Message::PolicyInfo(_) | Message::Beacon(_) | Message::Status(_)
        );
        Some(message).filter(|_| !skipped)
    });
    assert_eq!(report.verdict, Verdict::Identical, "{report}");
    assert!(report.to_string().contains("version 0.0.9"), "{report}");
    assert!(only(report).other_version);
}

#[test]
fn each_of_several_runs_in_one_recording_is_verified() {
    let original = Original::new();
    let (second, seen) = record(supervised().entropy(99).seed(4), original.dir.path(), "second");
    let both = altered(&[&original.recording, &second], original.dir.path(), "both", Some);
    let report = verified(&both);
    assert_eq!(report.verdict, Verdict::Identical, "{report}");
    let ticks: Vec<_> = report.sessions.iter().map(|session| session.ticks).collect();
    assert_eq!(ticks, [original.seen.ticks.len() as u64, seen.ticks.len() as u64]);
    let report = verified(&altered(&[&original.recording, &second], original.dir.path(), "cut", {
        let mut resets = 0;
        move |message| {
            resets += u64::from(matches!(&message, Message::Schedule(schedule) if schedule.first == 0));
            let input = matches!(message, Message::Input(_)) && resets == 2;
            Some(message).filter(|_| !input)
        }
    }));
    assert_eq!(report.sessions[0].outcome, Outcome::Identical);
    assert!(matches!(report.sessions[1].outcome, Outcome::Stopped { .. }), "{report}");
}
