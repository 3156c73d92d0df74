//! What an export must hold, said without the exporter: straight from the recordings, for stock tools to judge an export by.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
};

use retake_dataset::{Annotations, Episode, Row, Rows, Source, Standing, scan};
use retake_labels::{Class, Label};
use serde_json::{Map, Value as Json, json};

use crate::{LerobotError, Options, Pictures};

/// Writes `EXPECTED.jsonl` into the folder `dir`, which must not be there, and each picture beside it: first a line that tells what
/// columns and episodes there are, then one for each row in order, with the value of every column and the files of its pictures.
/// Values that are not numbers are `null`. The columns that only count or repeat (`index`, `timestamp` and so on) are not in it.
///
/// # Errors
/// As [`crate::export`], as far as recordings and the disk are concerned.
pub fn expected(sources: &[Source], options: &Options<'_>, dir: &Path) -> Result<(), LerobotError> {
    fs::create_dir(dir).map_err(LerobotError::io("create", dir))?;
    let path = dir.join("EXPECTED.jsonl");
    let rows_path = dir.join(".rows.jsonl");
    let rows = File::create_new(&rows_path).map_err(LerobotError::io("create", &rows_path))?;
    let mut writing = Writing {
        options,
        dir,
        rows: BufWriter::new(rows),
        episodes: Vec::new(),
        fps: 0,
        names: vec![],
        sources: 0,
    };
    for source in sources {
        let scanned = scan(source, &options.rule, |_| {})?;
        let annotations = Annotations::read(source)?;
        let chosen = scanned.episodes.into_iter().filter(|episode| {
            !episode.is_empty() && (options.choose)(episode, &annotations.of(episode)).is_ok()
        });
        let chosen: Vec<Episode> = chosen.collect();
        let none = options.pictures == Pictures::None;
        let cameras = if none { Vec::new() } else { scanned.cameras };
        writing.source(source, &chosen, &annotations, &cameras)?;
    }
    let head = json!({
        "format": 1, "fps": writing.fps, "features": writing.names, "episodes": writing.episodes,
    });
    writing.rows.flush().map_err(LerobotError::io("write", &rows_path))?;
    let write = || -> std::io::Result<()> {
        let mut file = File::create_new(&path)?;
        writeln!(file, "{head}")?;
        std::io::copy(&mut File::open(&rows_path)?, &mut file)?;
        file.sync_all()?;
        fs::remove_file(&rows_path)
    };
    write().map_err(LerobotError::io("write", &path))
}

struct Writing<'a> {
    options: &'a Options<'a>,
    dir: &'a Path,
    rows: BufWriter<File>,
    episodes: Vec<Json>,
    fps: u64,
    names: Vec<String>,
    /// Recordings so far.
    sources: usize,
}

impl Writing<'_> {
    fn source(
        &mut self,
        source: &Source,
        episodes: &[Episode],
        annotations: &Annotations,
        cameras: &[String],
    ) -> Result<(), LerobotError> {
        let before = self.episodes.len();
        self.sources += 1;
        let every = usize::try_from(self.options.every).unwrap_or(usize::MAX).max(1);
        for episode in episodes {
            let standing = annotations.of(episode);
            self.episodes.push(json!({
                "key": episode.key.to_string(),
                "length": episode.len().div_ceil(every),
                "task": task(episode, self.options),
                "columns": columns(episode, &standing, self.options),
            }));
            self.fps = (1..=1000)
                .find(|fps| {
                    (episode.robot.control_hz - *fps as f64 * f64::from(self.options.every)).abs() < 1e-6
                })
                .unwrap_or(0);
        }
        for row in Rows::new(source, episodes, cameras) {
            let row = row?;
            let Some(episode) = episodes.get(row.episode).filter(|_| row.row % every == 0) else { continue };
            self.row(before, episode, &annotations.of(episode), &row, cameras)?;
        }
        Ok(())
    }

    fn row(
        &mut self,
        before: usize,
        episode: &Episode,
        standing: &Standing,
        row: &Row,
        cameras: &[String],
    ) -> Result<(), LerobotError> {
        let weight = self.options.weights.map_or(1.0, |weights| (weights.of)(&episode.key, row.row));
        let mut values = values(episode, standing, row, weight);
        let mut images = Map::new();
        for (camera, frame) in cameras.iter().zip(&row.frames) {
            let Some(frame) = frame else { continue };
            values.insert(format!("capture_ns.{camera}"), json!(frame.captured_nanos));
            // Recordings that were made in lockstep have the same times.
            let name = format!("{}-{camera}-{}.jpg", self.sources, frame.captured_nanos);
            let path = self.dir.join(&name);
            if !path.exists() {
                fs::write(&path, &frame.jpeg).map_err(LerobotError::io("write", &path))?;
            }
            images.insert(format!("observation.images.{camera}"), json!(name));
        }
        if self.options.twin {
            values.retain(|name, _| name.starts_with("observation.") || name == "action");
        }
        if self.names.is_empty() {
            self.names = values.keys().cloned().collect();
        }
        let every = usize::try_from(self.options.every).unwrap_or(usize::MAX);
        let line = json!({
            "episode": before + row.episode, "frame": row.row / every, "task": task(episode, self.options),
            "key": episode.key.to_string(), "values": values, "images": images,
        });
        writeln!(self.rows, "{line}").map_err(LerobotError::io("write", self.dir))
    }
}

fn task(episode: &Episode, options: &Options<'_>) -> String {
    let own = if episode.record.task.is_empty() { &episode.robot.task } else { &episode.record.task };
    options.task.unwrap_or(own).to_owned()
}

fn columns(episode: &Episode, standing: &Standing, options: &Options<'_>) -> Json {
    let by_hand =
        |class: Class| matches!(class, Class::Demo | Class::Rewind | Class::Recovery | Class::Correction);
    json!({
        "key": episode.key.to_string(),
        "verdict": standing.verdict,
        "discarded": standing.discarded,
        "policy_version": episode.record.policy_version,
        "operator": episode.record.operator,
        "protocol": episode.record.protocol,
        "seed": episode.record.seed.cast_signed(),
        "interventions": episode.interventions(),
        "recoveries": episode.recoveries(),
        "human_seconds": episode.seconds_of(by_hand),
        "tags": standing.tags,
        "round": standing.round.or(options.round).map_or(-1, i64::from),
    })
}

/// Numbers as `f32` holds them; what is not finite becomes `null`.
#[expect(clippy::cast_possible_truncation, reason = "vectors in LeRobot are of f32")]
fn floats(numbers: impl IntoIterator<Item = f64>) -> Json {
    let numbers = numbers.into_iter().map(|number| json!(f64::from(number as f32)));
    Json::Array(numbers.collect())
}

fn values(episode: &Episode, standing: &Standing, row: &Row, weight: f32) -> BTreeMap<String, Json> {
    let mut values = BTreeMap::new();
    let mut put = |name: &str, value: Json| _ = values.insert(name.to_owned(), value);
    let ticks = &row.tick.groups;
    put("observation.state", floats(ticks.iter().flat_map(|group| group.measured.clone())));
    put("action", floats(ticks.iter().flat_map(|group| group.command.clone())));
    let wanted = ticks.iter().flat_map(|group| {
        let nothing = vec![f64::NAN; group.measured.len()];
        if group.proposal.len() == group.measured.len() { group.proposal.clone() } else { nothing }
    });
    put("policy_action", floats(wanted));
    if let Some(observation) = &row.observation {
        put("capture_ns", json!(observation.captured_nanos));
        let poses = observation.objects.iter();
        let poses: Vec<f64> = poses.flat_map(|p| [p.x, p.y, p.z, p.qx, p.qy, p.qz, p.qw]).collect();
        if !poses.is_empty() {
            put("observation.environment_state", floats(poses));
        }
    }
    let labels: Vec<Label> = episode.labels.iter().filter_map(|group| group.get(row.row)).copied().collect();
    for ((group, label), tick) in episode.robot.groups.iter().zip(&labels).zip(ticks) {
        put(&format!("label.{}", group.name), json!(label.class.number()));
        put(&format!("owner.{}", group.name), json!(tick.owner));
    }
    put("label", json!(retake_labels::combined(labels.iter().map(|label| label.class)).number()));
    put("intervention", json!(labels.iter().any(|label| label.class.is_intervention())));
    put("intervention_id", json!(labels.iter().map(|label| label.intervention).max()));
    put("edge", json!(labels.iter().any(|label| label.edge)));
    put("tick", json!(row.tick.tick));
    put("weight", json!([weight]));
    let verdict = match standing.verdict.as_str() {
        "success" => 1,
        "failure" => 0,
        _ => -1,
    };
    put("label.verdict", json!(verdict));
    values
}
