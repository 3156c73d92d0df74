//! What an export must hold, said without the exporter: straight from the recordings, for stock tools to judge an export by.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Write},
    ops::Range,
    path::Path,
};

use retake_dataset::{Annotations, Episode, Row, Rows, Source, Standing, scan};
use retake_labels::Class;
use retake_wire::pb::{Observation, RobotDescriptor};
use serde_json::{Map, Value as Json, json};

use crate::{Actions, Choose, Options, Pictures, RobomimicError};

/// Writes `EXPECTED.jsonl` into the folder `dir`, which must not be there, and each picture beside it: first a line that tells what
/// columns and demos there are, then one for each step in order, with the value of every dataset of its demo by its name there and
/// the files of its pictures. What is not a number is `null`. `next_obs` is not in it: it is `obs` one step on.
///
/// # Errors
/// As [`crate::export`], as far as recordings and the disk are concerned.
pub fn expected(sources: &[Source], options: &Options<'_>, dir: &Path) -> Result<(), RobomimicError> {
    fs::create_dir(dir).map_err(RobomimicError::io("create", dir))?;
    let rows_path = dir.join(".rows.jsonl");
    let rows = File::create_new(&rows_path).map_err(RobomimicError::io("create", &rows_path))?;
    let mut writing = Writing {
        options,
        dir,
        rows: BufWriter::new(rows),
        demos: Vec::new(),
        hz: 0.0,
        names: vec![],
        sources: 0,
    };
    for source in sources {
        writing.source(source)?;
    }
    let head =
        json!({ "format": 1, "fps": writing.hz, "features": writing.names, "episodes": writing.demos });
    let mut finish = || -> io::Result<()> {
        writing.rows.flush()?;
        let mut file = File::create_new(dir.join("EXPECTED.jsonl"))?;
        writeln!(file, "{head}")?;
        io::copy(&mut File::open(&rows_path)?, &mut file)?;
        file.sync_all()?;
        fs::remove_file(&rows_path)
    };
    finish().map_err(RobomimicError::io("write in", dir))
}

struct Writing<'a> {
    options: &'a Options<'a>,
    dir: &'a Path,
    rows: BufWriter<File>,
    demos: Vec<Json>,
    hz: f64,
    names: Vec<String>,
    /// Recordings so far.
    sources: usize,
}

/// A step as it is said: its class, its values by name, the files of its pictures.
type Step = (Class, BTreeMap<String, Json>, Map<String, Json>);

impl Writing<'_> {
    fn source(&mut self, source: &Source) -> Result<(), RobomimicError> {
        self.sources += 1;
        let scanned = scan(source, &self.options.rule, |_| {})?;
        let annotations = Annotations::read(source)?;
        let taken = |episode: &Episode| {
            let standing = annotations.of(episode);
            !episode.is_empty()
                && match self.options.choose {
                    Choose::Usable => !standing.discarded && episode.problems.is_empty(),
                    Choose::Keys(keys) => keys.contains(&episode.key),
                    Choose::Where(wanted) => wanted(episode, &standing),
                }
        };
        let episodes: Vec<Episode> = scanned.episodes.into_iter().filter(taken).collect();
        let cameras = if self.options.pictures == Pictures::Off { Vec::new() } else { scanned.cameras };
        let every = self.options.every.get();
        let mut steps: Vec<Vec<Step>> = episodes.iter().map(|_| Vec::new()).collect();
        for row in Rows::new(source, &episodes, &cameras) {
            let row = row?;
            let Some(episode) = episodes.get(row.episode).filter(|_| row.row % every == 0) else { continue };
            let step = self.step(episode, &row, &cameras)?;
            if let Some(steps) = steps.get_mut(row.episode) {
                steps.push(step);
            }
            // Attempts follow each other; one that is complete is said, and forgotten.
            if row.row + every >= episode.len() {
                let steps = steps.get_mut(row.episode).map(std::mem::take).unwrap_or_default();
                self.attempt(episode, &annotations.of(episode), &steps)?;
            }
        }
        Ok(())
    }

    fn step(&self, episode: &Episode, row: &Row, cameras: &[String]) -> Result<Step, RobomimicError> {
        let mut images = Map::new();
        for (camera, frame) in cameras.iter().zip(&row.frames) {
            let Some(frame) = frame else { continue };
            // Recordings that were made in lockstep have the same times.
            let name = format!("{}-{camera}-{}.jpg", self.sources, frame.captured_nanos);
            let path = self.dir.join(&name);
            if !path.exists() {
                fs::write(&path, &frame.jpeg).map_err(RobomimicError::io("write", &path))?;
            }
            images.insert(format!("observation.images.{camera}"), json!(name));
        }
        let labels = episode.labels.iter().filter_map(|group| group.get(row.row)).map(|label| label.class);
        let class = retake_labels::combined(labels.clone());
        let mut values = decided(&episode.robot, row, self.options.actions);
        if let Some(observation) = &row.observation {
            values.extend(observed(&episode.robot, observation));
        }
        for (group, class) in episode.robot.groups.iter().zip(labels) {
            values.insert(format!("label_{}", group.name), json!(class.number()));
        }
        // As Sirius' scripts number them, and what they have no number for as what is not learnt from.
        let (mode, intervention) = match class {
            Class::Demo => (-1, -1),
            Class::Policy => (0, 0),
            Class::PreIntervention | Class::Idle => (0, -10),
            Class::Rewind => (1, -10),
            Class::Recovery | Class::Correction => (1, 1),
        };
        values.insert("label".into(), json!(class.number()));
        values.insert("action_modes".into(), json!(mode));
        values.insert("intv_labels".into(), json!(intervention));
        if let Some(weigh) = self.options.weights {
            values.insert("weights".into(), json!(weigh(&episode.key, row.row)));
        }
        Ok((class, values, images))
    }

    /// The demo of a whole attempt, and with segments one for each stretch of a class after it.
    fn attempt(
        &mut self,
        episode: &Episode,
        standing: &Standing,
        steps: &[Step],
    ) -> Result<(), RobomimicError> {
        self.hz = episode.robot.control_hz / self.options.every.get() as f64;
        self.demo(episode, standing, steps, 0..steps.len())?;
        if !self.options.segments {
            return Ok(());
        }
        let mut start = 0;
        for end in 1..=steps.len() {
            let class = steps.get(start).map(|step| step.0);
            if steps.get(end).map(|step| step.0) != class {
                if class != Some(Class::Idle) {
                    self.demo(episode, standing, steps, start..end)?;
                }
                start = end;
            }
        }
        Ok(())
    }

    fn demo(
        &mut self,
        episode: &Episode,
        standing: &Standing,
        steps: &[Step],
        range: Range<usize>,
    ) -> Result<(), RobomimicError> {
        let round = standing.round.map_or(-1, i64::from);
        let demo = self.demos.len();
        self.demos.push(json!({
            "key": episode.key.to_string(), "length": range.len(), "task": episode.record.task,
            "columns": {
                "key": episode.key.to_string(), "verdict": standing.verdict, "round": round,
                "policy_version": episode.record.policy_version, "operator": episode.record.operator,
                "tags": standing.tags.iter().map(String::as_str).collect::<Vec<_>>().join(","),
            },
        }));
        for (frame, index) in range.clone().enumerate() {
            let Some((_, values, images)) = steps.get(index) else { continue };
            let mut values = values.clone();
            let (is_last, is_end) = (index + 1 == range.end, index + 1 == steps.len());
            values.insert("dones".into(), json!(u8::from(is_last)));
            values.insert("rewards".into(), json!(u8::from(is_end && standing.verdict == "success")));
            values.insert("round".into(), json!(round));
            if self.names.is_empty() {
                self.names = values.keys().cloned().collect();
            }
            let line = json!({ "episode": demo, "frame": frame, "values": values, "images": images });
            writeln!(self.rows, "{line}").map_err(RobomimicError::io("write in", self.dir))?;
        }
        Ok(())
    }
}

/// Numbers as `f32` holds them; what is not finite becomes `null`.
#[expect(clippy::cast_possible_truncation, reason = "most datasets of a demo are of f32")]
fn floats(numbers: impl IntoIterator<Item = f64>) -> Json {
    Json::Array(numbers.into_iter().map(|number| json!(f64::from(number as f32))).collect())
}

fn decided(robot: &RobotDescriptor, row: &Row, actions: Actions) -> BTreeMap<String, Json> {
    let nothing = |width: usize| vec![f64::NAN; width];
    let (mut command, mut proposal, mut limits) = (Vec::new(), Vec::new(), Vec::new());
    for (group, tick) in robot.groups.iter().zip(&row.tick.groups) {
        let width = group.lower.len();
        command.extend(tick.command.iter().copied());
        let said = tick.proposal.len() == width;
        proposal.extend(if said { tick.proposal.clone() } else { nothing(width) });
        limits.extend(group.lower.iter().copied().zip(group.upper.iter().copied()));
    }
    let units = |values: &[f64]| -> Vec<f64> {
        let scale = |(value, (low, high)): (&f64, &(f64, f64))| 2.0 * (value - low) / (high - low) - 1.0;
        match actions {
            Actions::Plain => values.to_vec(),
            Actions::Scaled => values.iter().zip(&limits).map(scale).collect(),
        }
    };
    let bounded = |value: f64| if actions == Actions::Scaled { value.clamp(-1.0, 1.0) } else { value };
    BTreeMap::from([
        ("actions".into(), floats(units(&command).into_iter().map(bounded))),
        ("policy_actions".into(), floats(units(&proposal))),
        ("commands".into(), json!(command)),
        ("tick".into(), json!(row.tick.tick)),
    ])
}

fn observed(robot: &RobotDescriptor, observation: &Observation) -> BTreeMap<String, Json> {
    let mut values = BTreeMap::from([("capture_ns".into(), json!(observation.captured_nanos))]);
    let groups = robot.groups.iter().zip(&observation.position).zip(&observation.velocity);
    for ((group, position), velocity) in groups {
        values.insert(format!("obs/{}_pos", group.name), floats(position.values.clone()));
        values.insert(format!("obs/{}_vel", group.name), floats(velocity.values.clone()));
    }
    let tool = observation.tool.unwrap_or_default();
    values.insert("obs/tool_pos".into(), floats([tool.x, tool.y, tool.z]));
    values.insert("obs/tool_quat".into(), floats([tool.qx, tool.qy, tool.qz, tool.qw]));
    let objects = observation.objects.iter();
    let objects: Vec<f64> = objects.flat_map(|p| [p.x, p.y, p.z, p.qx, p.qy, p.qz, p.qw]).collect();
    if !objects.is_empty() {
        values.insert("obs/object".into(), floats(objects));
    }
    values
}
