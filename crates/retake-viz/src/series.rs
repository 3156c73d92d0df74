//! What each group did, tick by tick, and who owned it.

use rerun::{Scalars, SeriesLines, StateChange, StateConfiguration};
use retake_wire::pb;

use crate::{
    logger::Sink,
    paint::{DRIVERS, Driver, PHASES, VALUES, driver, faint, phase},
};

/// Root of the strips that show who drives.
pub(crate) const AUTHORITY: &str = "authority";
/// The same as plots, because the state timeline of Rerun 0.36 does not scroll with live data and plots do.
pub(crate) const BANDS: &str = "bands";
/// Root of the plots, one branch per group.
pub(crate) const GROUPS: &str = "groups";
/// What the operator asks for.
pub(crate) const TWIST: &str = "operator/twist";

/// What of a group is plotted, how thick and how strong.
const KINDS: [(&str, f32, u8); 3] = [("measured", 2.2, 255), ("command", 1.0, 200), ("proposal", 1.0, 90)];
const AXES: [&str; 6] = ["x", "y", "z", "roll", "pitch", "yaw"];

/// Names of the groups, and what was last said of each, so that states are logged when they change.
#[derive(Debug, Default)]
pub(crate) struct SeriesLog {
    groups: Vec<String>,
    owners: Vec<Option<&'static str>>,
    phase: Option<&'static str>,
    episode: Option<u64>,
    driving: bool,
}

impl SeriesLog {
    pub(crate) fn describe(&mut self, sink: &mut Sink, descriptor: &pb::RobotDescriptor) {
        self.groups = descriptor.groups.iter().map(|group| group.name.clone()).collect();
        self.owners = vec![None; self.groups.len()];
        for group in &descriptor.groups {
            let drivers = StateConfiguration::new()
                .with_values(DRIVERS.map(|driver| driver.word))
                .with_colors(DRIVERS.map(|driver| driver.colour));
            sink.log_static(&format!("{AUTHORITY}/{}", group.name), &drivers);
            let band = SeriesLines::new().with_names([group.name.as_str()]).with_widths([14.0]);
            sink.log_static(&format!("{BANDS}/{}", group.name), &band);
            for (kind, width, opacity) in KINDS {
                let count = group.lower.len().max(group.joints.len()).max(1);
                let name = |index: usize| {
                    let value = group.joints.get(index).unwrap_or(&group.name);
                    if kind == "measured" { value.clone() } else { format!("{value} {kind}") }
                };
                let lines = SeriesLines::new()
                    .with_names((0..count).map(name))
                    .with_colors((0..count).map(|index| faint(VALUES[index % VALUES.len()], opacity)))
                    .with_widths((0..count).map(|_| width));
                sink.log_static(&format!("{GROUPS}/{}/{kind}", group.name), &lines);
            }
        }
        let phases = StateConfiguration::new()
            .with_values(PHASES.map(|(_, word, _)| word))
            .with_colors(PHASES.map(|(.., colour)| colour));
        sink.log_static(&format!("{AUTHORITY}/episode"), &phases);
        let axes = SeriesLines::new().with_names(AXES).with_colors(VALUES.into_iter().take(AXES.len()));
        sink.log_static(TWIST, &axes);
    }

    /// Owners and phase, logged only where they changed.
    pub(crate) fn authority(&mut self, sink: &mut Sink, record: &pb::TickRecord) {
        for ((name, said), group) in self.groups.iter().zip(&mut self.owners).zip(&record.groups) {
            let Driver { word, colour } = driver(group.owner(), record.stopped);
            if said.replace(word) != Some(word) {
                sink.log(&format!("{AUTHORITY}/{name}"), &StateChange::single(word));
                sink.log(&format!("{BANDS}/{name}"), &SeriesLines::update_fields().with_colors([colour]));
            }
        }
        let word = phase(record.phase());
        let new_episode = self.episode.replace(record.episode) != Some(record.episode);
        if self.phase.replace(word) != Some(word) || new_episode {
            sink.log(&format!("{AUTHORITY}/episode"), &StateChange::single(word));
        }
    }

    pub(crate) fn tick(&mut self, sink: &mut Sink, record: &pb::TickRecord) {
        let rows = (1..=self.groups.len()).rev();
        for ((name, group), row) in self.groups.iter().zip(&record.groups).zip(rows) {
            sink.log(&format!("{BANDS}/{name}"), &Scalars::single(row as f64));
            let values = [&group.measured, &group.command, &group.proposal];
            for ((kind, ..), values) in KINDS.iter().zip(values) {
                if !values.is_empty() {
                    sink.log(&format!("{GROUPS}/{name}/{kind}"), &Scalars::new(values.iter().copied()));
                }
            }
        }
        // A line at zero for hours says nothing; one zero after the last motion closes it.
        let driving = record.twist.iter().any(|axis| *axis != 0.0);
        if driving || self.driving {
            sink.log(TWIST, &Scalars::new(record.twist.iter().copied()));
        }
        self.driving = driving;
    }
}
