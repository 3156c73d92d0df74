//! What is wrong with a dataset.

use std::sync::Arc;

use retake_wire::pb::RobotDescriptor;
use serde::Serialize;

use crate::{Annotations, DatasetError, Scan, Source};

/// Something that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The recording or the attempt.
    pub about: String,
    /// What, in words.
    pub what: String,
    /// It cannot be used for training as it is. Otherwise it is worth knowing.
    pub serious: bool,
}

/// Looks at recordings one after the other.
#[derive(Clone, Debug, Default)]
pub struct Validator {
    robot: Option<(String, Arc<RobotDescriptor>)>,
}

impl Validator {
    /// What is wrong with a recording, by itself and beside those before it.
    ///
    /// # Errors
    /// If what people said about it cannot be read.
    pub fn look(&mut self, source: &Source, scan: &Scan) -> Result<Vec<Finding>, DatasetError> {
        let mut found = Vec::new();
        let mut tell = |about: &str, serious: bool, what: String| {
            found.push(Finding { about: about.to_owned(), what, serious });
        };
        for fault in &scan.integrity.faults {
            let place = format!("{}, byte {}: {} bytes lost", fault.file, fault.offset, fault.bytes);
            tell(&source.name, true, format!("{place}: {}", fault.reason));
        }
        if scan.integrity.undecodable_messages > 0 {
            let count = scan.integrity.undecodable_messages;
            tell(&source.name, true, format!("{count} messages are not what their topic promises"));
        }
        if scan.episodes.is_empty() {
            tell(&source.name, false, "no attempt ran in it".into());
        }
        let annotations = Annotations::read(source)?;
        for episode in &scan.episodes {
            let about = episode.key.to_string();
            for problem in &episode.problems {
                tell(&about, true, problem.clone());
            }
            if !episode.ended {
                tell(&about, false, "its end is not recorded".into());
            }
            let standing = annotations.of(episode);
            if standing.verdict.is_empty() && !standing.discarded {
                tell(&about, false, "nobody has said how it went: `retake dataset label` does".into());
            }
            if episode.frames_dropped > 0 {
                tell(&about, false, format!("{} camera frames were lost", episode.frames_dropped));
            }
            if let Some(what) = self.differs(&about, &episode.robot) {
                tell(&about, true, what);
            }
        }
        Ok(found)
    }

    fn differs(&mut self, about: &str, robot: &Arc<RobotDescriptor>) -> Option<String> {
        let (first, known) = self.robot.get_or_insert_with(|| (about.to_owned(), Arc::clone(robot)));
        difference(known, robot).map(|what| format!("its robot is not that of {first}: {what}"))
    }
}

/// In what two robots differ so that their steps do not go together; none if they do.
pub fn difference(one: &RobotDescriptor, other: &RobotDescriptor) -> Option<String> {
    let groups = |robot: &RobotDescriptor| -> Vec<(String, usize)> {
        robot.groups.iter().map(|group| (group.name.clone(), group.lower.len())).collect()
    };
    if groups(one) != groups(other) {
        return Some(format!("groups {:?} and {:?}", groups(one), groups(other)));
    }
    let same_rate = (one.control_hz - other.control_hz).abs() < 1e-9;
    (!same_rate).then(|| format!("{} and {} steps a second", one.control_hz, other.control_hz))
}
