//! The small files of a dataset: what it is, its tasks, its statistics, and what only retake knows of it.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::Write as _,
    path::Path,
    sync::Arc,
};

use arrow_array::{Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use retake_labels::Class;
use serde_json::{Value as Json, json};

use crate::{LerobotError, Options, feature::Feature, journal::Progress, plan::Plan, table::TableWriter};

/// Pandas takes the column `task` for the index only if it is told so, and LeRobot reads tasks from the index.
const PANDAS: &str = r#"{"index_columns":["task"],"column_indexes":[],"columns":[{"name":"task_index","field_name":"task_index","pandas_type":"int64","numpy_type":"int64","metadata":null},{"name":"task","field_name":"task","pandas_type":"unicode","numpy_type":"object","metadata":null}]}"#;

/// Writes them all into `dir`, over those of an attempt at it that was interrupted.
pub(crate) fn write(
    dir: &Path,
    plan: &Plan,
    options: &Options<'_>,
    features: &[Feature],
    done: &Progress,
) -> Result<(), LerobotError> {
    let meta = dir.join("meta");
    let tasks = meta.join("tasks.parquet");
    for path in [tasks.as_path()].into_iter().filter(|path| path.exists()) {
        fs::remove_file(path).map_err(LerobotError::io("remove", path))?;
    }
    write_tasks(&tasks, &done.tasks)?;
    write_json(&meta.join("info.json"), &info(plan, options, features, done))?;
    let stats = done.stats.iter().map(|(name, summary)| (name.clone(), summary.json()));
    write_json(&meta.join("stats.json"), &Json::Object(stats.collect()))?;
    write_json(&meta.join("retake.json"), &retake(plan, options))
}

fn write_json(path: &Path, content: &Json) -> Result<(), LerobotError> {
    let text = serde_json::to_string_pretty(content).map_err(LerobotError::file(path))?;
    let written = File::create(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()
    });
    written.map_err(LerobotError::io("write", path))
}

fn write_tasks(path: &Path, tasks: &[String]) -> Result<(), LerobotError> {
    let fields =
        vec![Field::new("task_index", DataType::Int64, false), Field::new("task", DataType::Utf8, false)];
    // In the schema: where there is one, the file's own notes are not looked at.
    let metadata = HashMap::from([("pandas".to_owned(), PANDAS.to_owned())]);
    let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
    let numbers = (0..).zip(tasks).map(|(number, _)| number);
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        vec![Arc::new(Int64Array::from_iter_values(numbers)), Arc::new(StringArray::from_iter_values(tasks))],
    );
    let mut writer = TableWriter::create(path, schema)?;
    writer.write(&batch.map_err(LerobotError::file(path))?)?;
    writer.finish()
}

fn info(plan: &Plan, options: &Options<'_>, features: &[Feature], done: &Progress) -> Json {
    let size = |camera: usize| {
        let (width, height) = done.sizes.get(camera).copied().flatten().unwrap_or_default();
        (u32::try_from(height).unwrap_or(0), u32::try_from(width).unwrap_or(0))
    };
    let features: serde_json::Map<String, Json> =
        features.iter().map(|feature| (feature.name.clone(), feature.info(plan.fps, size))).collect();
    json!({
        "codebase_version": "v3.0",
        "robot_type": options.robot_type.unwrap_or(&plan.robot.robot),
        "total_episodes": done.episodes,
        "total_frames": done.rows,
        "total_tasks": done.tasks.len(),
        "chunks_size": crate::episodes::CHUNK,
        "data_files_size_in_mb": options.limits.data_bytes >> 20,
        "video_files_size_in_mb": options.limits.video_bytes >> 20,
        "fps": plan.fps,
        "splits": {"train": format!("0:{}", done.episodes)},
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
        "features": features,
    })
}

fn retake(plan: &Plan, options: &Options<'_>) -> Json {
    let classes: serde_json::Map<String, Json> =
        Class::ALL.iter().map(|class| (class.name().to_owned(), json!(class.number()))).collect();
    let sources: Vec<Json> = plan
        .sources
        .iter()
        .map(|(name, episodes)| json!({"recording": name, "episodes": episodes}))
        .collect();
    json!({
        "retake": env!("CARGO_PKG_VERSION"),
        "format": crate::FORMAT,
        "labels": {
            "version": retake_labels::VERSION,
            "pre_intervention_seconds": options.rule.pre_intervention.as_secs_f64(),
            "edge_seconds": options.rule.edge.as_secs_f64(),
            "classes": classes,
        },
        "verdicts": {"success": 1, "failure": 0, "none": -1},
        "owners": {"unspecified": 0, "policy": 1, "human": 2, "rewind": 3, "hold": 4, "shared": 5},
        "robot": plan.robot.robot,
        "control_hz": plan.robot.control_hz,
        "sources": sources,
        "left_out": plan.left_out.count,
        "options": options.told(),
        "columns": {
            "label.GROUP": "what the step is an example of: a number of `classes`",
            "label": "of all groups, the one that says most about a human",
            "label.verdict": "the attempt's: a number of `verdicts`",
            "intervention": "a human's hand is on the robot, in any group",
            "intervention_id": "number of the intervention within the attempt, from 1; 0 for none",
            "edge": "near a change of who drives, in any group",
            "owner.GROUP": "who drives: a number of `owners`",
            "policy_action": "what the policy wanted; NaN where it had nothing valid to say; no statistics",
            "capture_ns": "when the observation was made, nanoseconds of the driver's monotonic clock",
            "capture_ns.CAMERA": "when the picture was taken, same clock; equal in rows that repeat one",
            "tick": "the arbiter's number of the step",
            "weight": "for weighted training",
        },
        "episode_columns": {
            "round": "-1 where nobody said one",
            "seed": "its bits as a signed number",
        },
    })
}
