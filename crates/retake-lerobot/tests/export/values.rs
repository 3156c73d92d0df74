//! What an export holds is what was recorded.

use std::{collections::BTreeMap, fs::File, path::Path};

use arrow_array::{
    Array, ArrayRef, BooleanArray, Float32Array, Int64Array, ListArray, RecordBatch, StringArray,
    StructArray, cast::AsArray as _, types::Float32Type,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use retake_dataset::{Word, annotate, scan};
use retake_lerobot::{Options, Pictures, expected, export, verify};
use retake_units::WallTime;
use serde_json::{Value as Json, json};

use crate::made::{Making, ROWS, files, recording};

fn read(path: &Path) -> Vec<RecordBatch> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    builder.build().unwrap().map(Result::unwrap).collect()
}

/// Numbers as text do not always come back the same to the last bit of an `f64`; to that of an `f32` they do.
fn due(value: &Json) -> Json {
    let single =
        |value: &Json| if value.is_f64() { json!(value.as_f64().unwrap() as f32) } else { value.clone() };
    match value {
        Json::Array(values) => Json::Array(values.iter().map(single).collect()),
        other => other.clone(),
    }
}

fn at(column: &ArrayRef, row: usize) -> Json {
    let any = column.as_any();
    let float = |value: f32| if value.is_finite() { json!(value) } else { Json::Null };
    if let Some(ints) = any.downcast_ref::<Int64Array>() {
        json!(ints.value(row))
    } else if let Some(bools) = any.downcast_ref::<BooleanArray>() {
        json!(bools.value(row))
    } else if let Some(floats) = any.downcast_ref::<Float32Array>() {
        json!([float(floats.value(row))])
    } else {
        let list = column.as_fixed_size_list().value(row);
        let values = list.as_primitive::<Float32Type>().values().iter().copied();
        Json::Array(values.map(float).collect())
    }
}

/// Compares an export with the lines of an expectation; the number of rows that were equal.
fn compare(out: &Path, lines: &str, columns: usize) -> usize {
    let mut lines = lines.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
    let head = lines.next().unwrap();
    assert_eq!(head["features"].as_array().unwrap().len(), columns);
    let mut compared = 0;
    for batch in read(&out.join("data/chunk-000/file-000.parquet")) {
        let named: BTreeMap<String, &ArrayRef> =
            batch.schema().fields().iter().map(|field| field.name().clone()).zip(batch.columns()).collect();
        for row in 0..batch.num_rows() {
            let line = lines.next().unwrap();
            assert_eq!(at(named["episode_index"], row), line["episode"]);
            assert_eq!(at(named["frame_index"], row), line["frame"]);
            assert_eq!(at(named["index"], row), json!(compared));
            for (name, value) in line["values"].as_object().unwrap() {
                assert_eq!(at(named[name], row), due(value), "{name} of row {compared}");
            }
            // The others are the five that LeRobot always has, and pictures.
            assert!(named.len() <= columns + 6);
            compared += 1;
        }
    }
    assert!(lines.next().is_none());
    compared
}

#[test]
fn every_value_is_the_recorded_one() {
    let dir = tempfile::tempdir().unwrap();
    let sources = recording(dir.path(), "first", Making::default());
    let (out, due) = (dir.path().join("out"), dir.path().join("due"));
    let options = Options::default();
    let mut told = Vec::new();
    let exported = export(&sources, &options, &out, |done, rows| told.push((done, rows))).unwrap();
    let rows = usize::try_from(3 * ROWS).unwrap();
    assert_eq!(told.len(), rows);
    assert_eq!(told.last(), Some(&(3 * ROWS, 3 * ROWS)));
    assert_eq!((exported.verified.episodes, exported.verified.rows, exported.verified.frames), (3, 180, 180));
    assert_eq!(exported.verified, verify(&out).unwrap());
    assert_eq!((exported.resumed_rows, exported.begun_anew, exported.left_out.count), (0, None, 0));
    expected(&sources, &options, &due).unwrap();
    let lines = std::fs::read_to_string(due.join("EXPECTED.jsonl")).unwrap();
    assert_eq!(compare(&out, &lines, 17), rows);
    assert!(!dir.path().join("out.partial").exists());
    assert!(files(&out).iter().all(|(path, _)| !path.to_string_lossy().contains("retake-export")));
}

#[test]
fn labels_and_owners_are_those_of_the_attempt() {
    let dir = tempfile::tempdir().unwrap();
    let sources = recording(dir.path(), "first", Making::default());
    let out = dir.path().join("out");
    let options = Options { pictures: Pictures::None, ..Options::default() };
    export(&sources, &options, &out, |_, _| {}).unwrap();
    let batches = read(&out.join("data/chunk-000/file-000.parquet"));
    let all = |name: &str| -> Vec<Json> {
        let column = |batch: &RecordBatch| batch.column_by_name(name).unwrap().clone();
        batches
            .iter()
            .flat_map(|batch| (0..batch.num_rows()).map(|row| at(&column(batch), row)).collect::<Vec<_>>())
            .collect()
    };
    // 0.75 s at 50 Hz before row 30 is more than all rows before it.
    let class = |row: u64| match row {
        0..30 => 2,
        30..35 => 3,
        35..45 => 5,
        _ => 1,
    };
    let due: Vec<Json> = (0..3 * ROWS).map(|row| json!(class(row % ROWS))).collect();
    assert_eq!(all("label"), due);
    assert_eq!(all("label.gripper"), due);
    let by_hand: Vec<Json> = (0..3 * ROWS).map(|row| json!((30..45).contains(&(row % ROWS)))).collect();
    assert_eq!(all("intervention"), by_hand);
    assert_eq!(all("owner.arm")[29..36], [1, 3, 3, 3, 3, 3, 2].map(|owner| json!(owner)));
    assert_eq!(all("policy_action")[30], json!([null, null, null]));
    assert_eq!(all("weight")[0], json!([1.0]));
    assert!(!out.join("videos").exists());
}

#[test]
fn what_people_said_goes_with_each_attempt_and_decides_what_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let sources = recording(dir.path(), "first", Making::default());
    let scanned = scan(&sources[0], &Options::default().rule, |_| {}).unwrap();
    let say = |episode: usize, word: Word| {
        let who = ("bert", WallTime::from_nanos(1_795_442_702_000_000_000));
        annotate(&sources[0], &[&scanned.episodes[episode]], who, &word).unwrap();
    };
    say(0, Word { discarded: Some(true), ..Word::default() });
    say(
        1,
        Word { tag: vec!["slow".into()], round: Some(4), verdict: Some("failure".into()), ..Word::default() },
    );
    let out = dir.path().join("out");
    let options = Options { round: Some(2), pictures: Pictures::None, ..Options::default() };
    let exported = export(&sources, &options, &out, |_, _| {}).unwrap();
    assert_eq!(exported.left_out.told, [("first/1".to_owned(), "it was discarded".to_owned())]);
    let batch = read(&out.join("meta/episodes/chunk-000/file-000.parquet")).remove(0);
    let texts = |name: &str| -> Vec<String> {
        let column = batch.column_by_name(name).unwrap().as_any().downcast_ref::<StringArray>().unwrap();
        column.iter().map(|text| text.unwrap().to_owned()).collect()
    };
    let ints = |name: &str| -> Vec<i64> {
        batch.column_by_name(name).unwrap().as_any().downcast_ref::<Int64Array>().unwrap().values().to_vec()
    };
    assert_eq!(texts("key"), ["first/2", "first/3"]);
    assert_eq!(texts("verdict"), ["failure", "success"]);
    assert_eq!(texts("operator"), ["anna", "anna"]);
    assert_eq!(ints("round"), [4, 2]);
    assert_eq!(ints("seed"), [42, 43]);
    assert_eq!(ints("interventions"), [1, 1]);
    let tags = batch.column_by_name("tags").unwrap().as_any().downcast_ref::<ListArray>().unwrap();
    assert_eq!((tags.value(0).len(), tags.value(1).len()), (1, 0));
    // Each has its own task, in the order in which they were met.
    let tasks = read(&out.join("meta/tasks.parquet")).remove(0);
    let tasks = tasks.column_by_name("task").unwrap().as_any().downcast_ref::<StringArray>().unwrap().clone();
    assert_eq!(tasks.iter().flatten().collect::<Vec<_>>(), ["place the cube", "pick the cube"]);
}

#[test]
fn every_second_row_at_half_the_rate_and_only_their_columns_for_a_twin() {
    let dir = tempfile::tempdir().unwrap();
    let sources = recording(dir.path(), "first", Making::default());
    let (out, due) = (dir.path().join("out"), dir.path().join("due"));
    let options = Options { every: 2, twin: true, task: Some("anything"), ..Options::default() };
    let exported = export(&sources, &options, &out, |_, _| {}).unwrap();
    assert_eq!((exported.verified.rows, exported.verified.frames), (90, 90));
    expected(&sources, &options, &due).unwrap();
    let lines = std::fs::read_to_string(due.join("EXPECTED.jsonl")).unwrap();
    assert_eq!(compare(&out, &lines, 3), 90);
    let info: Json =
        serde_json::from_str(&std::fs::read_to_string(out.join("meta/info.json")).unwrap()).unwrap();
    assert_eq!((&info["fps"], &info["total_tasks"]), (&json!(25), &json!(1)));
    assert_eq!(info["features"]["action"]["names"], json!(["arm.shoulder", "arm.elbow", "gripper.opening"]));
    let none = Options { every: 3, ..Options::default() };
    let refused = export(&sources, &none, &dir.path().join("third"), |_, _| {}).unwrap_err().to_string();
    assert!(refused.contains("whole number of rows a second"), "{refused}");
}

#[test]
fn pictures_in_rows_are_the_recorded_files() {
    let dir = tempfile::tempdir().unwrap();
    let sources = recording(dir.path(), "first", Making { side: 63, ..Making::default() });
    let (out, due) = (dir.path().join("out"), dir.path().join("due"));
    let options = Options { pictures: Pictures::Image, ..Options::default() };
    export(&sources, &options, &out, |_, _| {}).unwrap();
    expected(&sources, &options, &due).unwrap();
    let lines = std::fs::read_to_string(due.join("EXPECTED.jsonl")).unwrap();
    let mut lines = lines.lines().skip(1).map(|line| serde_json::from_str::<Json>(line).unwrap());
    for batch in read(&out.join("data/chunk-000/file-000.parquet")) {
        let column = batch.column_by_name("observation.images.scene").unwrap();
        let bytes = column.as_any().downcast_ref::<StructArray>().unwrap().column(0).as_binary::<i32>();
        for jpeg in bytes {
            let line = lines.next().unwrap();
            let name = line["images"]["observation.images.scene"].as_str().unwrap();
            assert_eq!(jpeg.unwrap(), std::fs::read(due.join(name)).unwrap());
        }
    }
    assert!(lines.next().is_none());
    // An odd side cannot be a video.
    let refused = export(&sources, &Options::default(), &dir.path().join("video"), |_, _| {});
    assert!(refused.unwrap_err().to_string().contains("63×63: export images"));
}
