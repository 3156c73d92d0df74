//! What came of it.

use std::{collections::BTreeMap, fmt};

use retake_log::Integrity;
use serde::Serialize;

/// Where in an arbiter's run something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Place {
    /// Tick.
    pub tick: u64,
    /// Episode; 0 before the first.
    pub episode: u64,
    /// Seconds since the arbiter's start.
    pub seconds: f64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tick {} (episode {}, {:.2} s)", self.tick, self.episode, self.seconds)
    }
}

/// The recorded run and the repeated one are not the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parting {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// Topic of the message.
    pub topic: String,
    /// First field that differs.
    pub field: String,
    /// What it is in the recording.
    pub recorded: String,
    /// What it is when repeated.
    pub replayed: String,
}

impl fmt::Display for Parting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dot = if self.field.is_empty() { "" } else { " " };
        write!(
            f,
            "parts at {}: {}{dot}{}: recorded {}, replayed {}",
            self.place, self.topic, self.field, self.recorded, self.replayed
        )
    }
}

/// Why a run cannot be repeated to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// The recorder began when the arbiter had already been told this much.
    BeganLate(u64),
    /// So many notes of what the arbiter was told are missing.
    NotesMissing(u64),
    /// So many messages that the arbiter was told are not in the recording, or were changed in it.
    MessagesMissing(u64),
    /// Nothing says how the arbiter was configured.
    NoConfiguration,
    /// The configuration cannot be read by this version.
    BadConfiguration(String),
    /// A note says nothing that this version knows.
    UnknownNote,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BeganLate(calls) => write!(
                f,
                "the recorder began late: the arbiter had been told {} things before, and what it made of them is not known",
                grouped(*calls)
            ),
            Self::NotesMissing(notes) => {
                write!(
                    f,
                    "{} notes of what the arbiter was told are missing from the recording",
                    grouped(*notes)
                )
            }
            Self::MessagesMissing(messages) => write!(
                f,
                "{} of the messages that the arbiter was told are not in the recording, or were changed in it",
                grouped(*messages)
            ),
            Self::NoConfiguration => f.write_str("the arbiter's configuration is missing from the recording"),
            Self::BadConfiguration(error) => f.write_str(error),
            Self::UnknownNote => f.write_str(
                "the recording says what the arbiter was told in words that this version does not know",
            ),
        }
    }
}

/// How the repetition of one arbiter's run ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every decision is the same, to the bit.
    Identical,
    /// The runs part.
    Parted(Parting),
    /// The same up to here, but the recording does not allow to go on.
    Stopped {
        /// Where.
        at: Place,
        /// Why.
        why: Obstacle,
    },
}

/// One arbiter's run, from its start to its end.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionReport {
    /// The arbiter's session, hexadecimal.
    pub session: String,
    /// Version of the program it ran in; empty if not known.
    pub version: String,
    /// That is another version than this program's.
    pub other_version: bool,
    /// Ticks repeated.
    pub ticks: u64,
    /// Messages that the arbiter was told.
    pub told: u64,
    /// Messages it said that are in the recording with the same bits.
    pub messages: u64,
    /// Messages it said that the recording does not have, by topic.
    pub unrecorded: BTreeMap<String, u64>,
    /// Recorded messages that it said after the last note of what it was told: the run was cut off there.
    pub after_the_end: u64,
    /// How it ended.
    pub outcome: Outcome,
}

/// What the whole comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All of it is there and the same.
    Identical,
    /// What could be repeated is the same, but not all could.
    Incomplete,
    /// Something is not the same.
    Parted,
    /// The recording does not say what the arbiter was told.
    NoSchedule,
}

/// What came of verifying a recording.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// What the whole comes to.
    pub verdict: Verdict,
    /// Each arbiter's run, in order.
    pub sessions: Vec<SessionReport>,
    /// Messages that the recorder itself knows to be missing.
    pub recorder_lost: u64,
    /// Messages of an arbiter that belong to none of the runs.
    pub unattributed: u64,
    /// What was wrong with the files.
    pub integrity: Integrity,
}

impl Report {
    pub(crate) fn new(
        sessions: Vec<SessionReport>,
        recorder_lost: u64,
        unattributed: u64,
        integrity: Integrity,
    ) -> Self {
        let any = |is: fn(&Outcome) -> bool| sessions.iter().any(|session| is(&session.outcome));
        let verdict = if sessions.is_empty() {
            Verdict::NoSchedule
        } else if any(|outcome| matches!(outcome, Outcome::Parted(_))) {
            Verdict::Parted
        } else if any(|outcome| matches!(outcome, Outcome::Stopped { .. }))
            || sessions.iter().any(|session| !session.unrecorded.is_empty())
            || unattributed > 0
        {
            Verdict::Incomplete
        } else {
            Verdict::Identical
        };
        Self { verdict, sessions, recorder_lost, unattributed, integrity }
    }
}

impl fmt::Display for SessionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ticks, messages) = (grouped(self.ticks), grouped(self.messages));
        match &self.outcome {
            Outcome::Identical => {
                write!(f, "verified: {ticks} ticks, {messages} messages, decisions identical")?;
            }
            Outcome::Parted(parting) => {
                write!(f, "{parting}\n  {ticks} ticks were repeated, {messages} messages are identical")?;
            }
            Outcome::Stopped { at, why } => write!(
                f,
                "cannot go on at {at}: {why}\n  up to there: {ticks} ticks, {messages} messages, decisions identical"
            )?,
        }
        for (topic, count) in &self.unrecorded {
            write!(f, "\n  not in the recording: {} of {topic}", grouped(*count))?;
        }
        if self.after_the_end > 0 {
            let count = grouped(self.after_the_end);
            write!(
                f,
                "\n  the run was cut off: {count} recorded messages after the last note of what it was told"
            )?;
        }
        if self.other_version {
            write!(f, "\n  note: it was recorded by version {}", self.version)?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.sessions.is_empty() {
            writeln!(
                f,
                "cannot be verified: the recording does not say what the arbiter was told (it is of an older version, or holds no arbiter)"
            )?;
        }
        for session in &self.sessions {
            if self.sessions.len() > 1 {
                write!(f, "arbiter {}: ", session.session)?;
            }
            writeln!(f, "{session}")?;
        }
        if self.unattributed > 0 && !self.sessions.is_empty() {
            writeln!(f, "{} messages belong to none of these runs", grouped(self.unattributed))?;
        }
        if self.recorder_lost > 0 {
            writeln!(f, "the recorder knew {} messages to be missing", grouped(self.recorder_lost))?;
        }
        if self.integrity.lost_bytes > 0 || self.integrity.undecodable_messages > 0 {
            writeln!(
                f,
                "the recording is damaged: {} bytes cannot be read",
                grouped(self.integrity.lost_bytes)
            )?;
        }
        Ok(())
    }
}

/// A number with commas between its thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        let texts = [0, 12, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "12", "999", "1,000", "1,234,567"]);
    }
}
