//! What was written, read again.

use std::{
    fs::{self, File},
    io::Read as _,
    path::Path,
};

use arrow_array::{
    Array, BooleanArray, FixedSizeListArray, Float32Array, Float64Array, Int64Array, RecordBatch,
    StringArray, StructArray,
    cast::AsArray as _,
    types::{Float32Type, Float64Type, Int64Type},
};
use parquet::arrow::{
    ProjectionMask,
    arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder},
};
use serde_json::Value as Json;

use crate::{
    LerobotError,
    episodes::FileNumber,
    feature::timestamp,
    mp4_read,
    set::{data_path, episodes_path, video_path},
};

/// The small files of a dataset are not larger.
const MAX_JSON: u64 = 64 << 20;
/// Rows that are looked at together.
const BATCH: usize = 1024;

/// What a dataset was found to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Attempts.
    pub episodes: u64,
    /// Rows.
    pub rows: u64,
    /// Sets of files.
    pub sets: u32,
    /// Frames of all videos.
    pub frames: u64,
    /// Bytes of rows and videos.
    pub bytes: u64,
}

/// What a set of files must hold.
pub(crate) struct Due<'a> {
    pub(crate) fps: u32,
    pub(crate) videos: &'a [String],
    pub(crate) tasks: u64,
    pub(crate) first_row: u64,
    pub(crate) first_episode: u64,
}

/// Reads all of a dataset that [`crate::export`] wrote: every row, and the tables of every video. Rows must be numbered without a gap
/// and have a value in each column, videos must have a frame for each row, at its time, and everything must add up.
/// Neither file type has checksums here, so a value that was changed into another sound one goes unnoticed.
///
/// # Errors
/// The first thing that is wrong, and in which file.
pub fn verify(out: &Path) -> Result<Verified, LerobotError> {
    let path = out.join("meta/info.json");
    let info = json(&path)?;
    let wrong = LerobotError::file(&path);
    if info.get("codebase_version").and_then(Json::as_str) != Some("v3.0") {
        return Err(wrong("it is not of a LeRobot dataset of version v3.0".to_owned()));
    }
    let number =
        |key: &str| info.get(key).and_then(Json::as_u64).ok_or_else(|| wrong(format!("it has no {key}")));
    let features =
        info.get("features").and_then(Json::as_object).ok_or_else(|| wrong("it has no features".into()))?;
    let is_video = |feature: &Json| feature.get("dtype").and_then(Json::as_str) == Some("video");
    let cameras = features.iter().filter(|(_, feature)| is_video(feature));
    let cameras: Vec<String> = cameras
        .map(|(name, _)| name.strip_prefix("observation.images.").unwrap_or(name).to_owned())
        .collect();
    let columns = features.iter().filter(|(_, feature)| !is_video(feature)).map(|(name, _)| name.clone());
    let columns: Vec<String> = columns.collect();
    let fps = u32::try_from(number("fps")?).map_err(|_large| wrong("its fps is too large".into()))?;
    let mut due =
        Due { fps, videos: &cameras, tasks: number("total_tasks")?, first_row: 0, first_episode: 0 };
    let mut found = Verified::default();
    while data_path(out, FileNumber(found.sets)).exists() {
        let set = FileNumber(found.sets);
        check_columns(&data_path(out, set), &columns)?;
        let held = check_set(out, set, &due)?;
        due.first_row += held.rows;
        due.first_episode += held.episodes;
        found.frames += held.frames;
        found.bytes += held.bytes;
        found.sets += 1;
    }
    (found.rows, found.episodes) = (due.first_row, due.first_episode);
    if (number("total_frames")?, number("total_episodes")?) != (found.rows, found.episodes) {
        return Err(wrong("it does not say how many rows and episodes there are".into()));
    }
    check_tasks(&out.join("meta/tasks.parquet"), due.tasks)?;
    json(&out.join("meta/stats.json"))?;
    Ok(found)
}

pub(crate) fn json(path: &Path) -> Result<Json, LerobotError> {
    let mut text = String::new();
    let file = File::open(path).map_err(LerobotError::io("open", path))?;
    file.take(MAX_JSON).read_to_string(&mut text).map_err(LerobotError::io("read", path))?;
    serde_json::from_str(&text).map_err(LerobotError::file(path))
}

fn open(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, LerobotError> {
    let file = File::open(path).map_err(LerobotError::io("open", path))?;
    ParquetRecordBatchReaderBuilder::try_new(file).map_err(LerobotError::file(path))
}

fn check_columns(path: &Path, due: &[String]) -> Result<(), LerobotError> {
    let builder = open(path)?;
    let mut found: Vec<&String> = builder.schema().fields().iter().map(|field| field.name()).collect();
    let mut due: Vec<&String> = due.iter().collect();
    found.sort();
    due.sort();
    if found == due {
        Ok(())
    } else {
        Err(LerobotError::file(path)("its columns are not those of info.json"))
    }
}

fn check_tasks(path: &Path, due: u64) -> Result<(), LerobotError> {
    let mut next = 0;
    for batch in rows(path, open(path)?)? {
        let batch = batch.map_err(LerobotError::file(path))?;
        for number in ints(&batch, "task_index").map_err(LerobotError::file(path))?.values() {
            if *number != next {
                return Err(LerobotError::file(path)("its tasks are not in order"));
            }
            next += 1;
        }
    }
    if next.unsigned_abs() == due { Ok(()) } else { Err(LerobotError::file(path)("it has not all tasks")) }
}

fn rows(
    path: &Path,
    builder: ParquetRecordBatchReaderBuilder<File>,
) -> Result<ParquetRecordBatchReader, LerobotError> {
    builder.with_batch_size(BATCH).build().map_err(LerobotError::file(path))
}

/// Reads a set of files, which must hold what is `due`.
pub(crate) fn check_set(dir: &Path, number: FileNumber, due: &Due<'_>) -> Result<Verified, LerobotError> {
    let path = data_path(dir, number);
    let lengths = check_episodes(&episodes_path(dir, number), number, due)?;
    let mut cursor = Cursor { lengths: &lengths, due, episode: 0, frame: 0, rows: 0, task: -1 };
    for batch in rows(&path, open(&path)?)? {
        let batch = batch.map_err(LerobotError::file(&path))?;
        cursor.batch(&batch).map_err(LerobotError::file(&path))?;
    }
    let due_rows: u64 = lengths.iter().sum();
    if cursor.rows != due_rows {
        let why = format!("it has {} rows, and its episodes have {due_rows}", cursor.rows);
        return Err(LerobotError::file(&path)(why));
    }
    let size =
        |path: &Path| fs::metadata(path).map(|about| about.len()).map_err(LerobotError::io("read", path));
    let mut found =
        Verified { episodes: lengths.len() as u64, rows: due_rows, sets: 1, frames: 0, bytes: size(&path)? };
    for camera in due.videos {
        let path = video_path(dir, camera, number);
        let video = mp4_read::check(&path, due.fps)?;
        if video.frames != due_rows {
            let why = format!("it has {} frames, and there are {due_rows} rows", video.frames);
            return Err(LerobotError::file(&path)(why));
        }
        found.frames += video.frames;
        found.bytes += size(&path)?;
    }
    Ok(found)
}

/// The lengths of a set's episodes, after what else is said of them was found right.
fn check_episodes(path: &Path, number: FileNumber, due: &Due<'_>) -> Result<Vec<u64>, LerobotError> {
    let builder = open(path)?;
    let wanted = builder.schema().fields().iter().enumerate();
    // Without the statistics, which are most of it.
    let wanted: Vec<usize> =
        wanted.filter(|(_, field)| !field.name().starts_with("stats/")).map(|(index, _)| index).collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
    let mut lengths: Vec<u64> = Vec::new();
    let mut before = 0;
    for batch in rows(path, builder.with_projection(mask))? {
        let batch = batch.map_err(LerobotError::file(path))?;
        for row in 0..batch.num_rows() {
            let place = Place { number, due, row, episode: lengths.len() as u64, before };
            let length = place.check(&batch).map_err(LerobotError::file(path))?;
            before += length;
            lengths.push(length);
        }
    }
    if lengths.is_empty() { Err(LerobotError::file(path)("it has no episodes")) } else { Ok(lengths) }
}

/// A row of the episodes' file.
struct Place<'a> {
    number: FileNumber,
    due: &'a Due<'a>,
    row: usize,
    /// Episodes, and their rows, that are before it in the set.
    episode: u64,
    before: u64,
}

impl Place<'_> {
    fn check(&self, batch: &RecordBatch) -> Result<u64, String> {
        let int = |name: &str| -> Result<i64, String> { Ok(ints(batch, name)?.value(self.row)) };
        let length = u64::try_from(int("length")?).map_err(|_negative| "an episode has no length")?;
        let first = self.due.first_row + self.before;
        let (chunk, file) = (i64::from(self.number.chunk()), i64::from(self.number.file()));
        let mut due = vec![
            ("episode_index".to_owned(), (self.due.first_episode + self.episode).cast_signed()),
            ("dataset_from_index".to_owned(), first.cast_signed()),
            ("dataset_to_index".to_owned(), (first + length).cast_signed()),
            ("data/chunk_index".to_owned(), chunk),
            ("data/file_index".to_owned(), file),
        ];
        for camera in self.due.videos {
            due.push((format!("videos/observation.images.{camera}/chunk_index"), chunk));
            due.push((format!("videos/observation.images.{camera}/file_index"), file));
        }
        for (name, due) in due {
            let found = int(&name)?;
            if found != due {
                return Err(format!("row {}: {name} is {found}, not {due}", self.row));
            }
        }
        for camera in self.due.videos {
            for (edge, frames) in [("from", self.before), ("to", self.before + length)] {
                let name = format!("videos/observation.images.{camera}/{edge}_timestamp");
                let found =
                    column::<Float64Array>(batch, &name, |column| column.as_primitive_opt::<Float64Type>())?;
                let due = frames as f64 / f64::from(self.due.fps);
                if (found.value(self.row) - due).abs() > 1e-9 {
                    return Err(format!("row {}: {name} is {}, not {due}", self.row, found.value(self.row)));
                }
            }
        }
        let key = column::<StringArray>(batch, "key", |column| column.as_string_opt::<i32>())?;
        if key.value(self.row).is_empty() { Err("an episode has no key".into()) } else { Ok(length) }
    }
}

/// Where in a set's rows one has come to.
struct Cursor<'a> {
    lengths: &'a [u64],
    due: &'a Due<'a>,
    episode: usize,
    frame: u64,
    rows: u64,
    task: i64,
}

impl Cursor<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), String> {
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            check_values(field.name(), column)?;
        }
        let index = ints(batch, "index")?;
        let episode = ints(batch, "episode_index")?;
        let frame = ints(batch, "frame_index")?;
        let task = ints(batch, "task_index")?;
        let time =
            column::<Float32Array>(batch, "timestamp", |column| column.as_primitive_opt::<Float32Type>())?;
        for row in 0..batch.num_rows() {
            if self.lengths.get(self.episode) == Some(&self.frame) {
                (self.episode, self.frame) = (self.episode + 1, 0);
            }
            if self.frame == 0 {
                self.task = task.value(row);
            }
            let due = (
                (self.due.first_row + self.rows).cast_signed(),
                (self.due.first_episode + self.episode as u64).cast_signed(),
                self.frame.cast_signed(),
                self.task,
            );
            let found = (index.value(row), episode.value(row), frame.value(row), task.value(row));
            if found != due || !(0..self.due.tasks.cast_signed()).contains(&self.task) {
                return Err(format!("index, episode, frame and task are {found:?}, not {due:?}"));
            }
            if time.value(row).to_bits() != timestamp(due.2, self.due.fps).to_bits() {
                return Err(format!("row {}: its time is {}", due.0, time.value(row)));
            }
            (self.frame, self.rows) = (self.frame + 1, self.rows + 1);
        }
        Ok(())
    }
}

/// No value may be missing; what a policy wanted may be not a number, and nothing else.
fn check_values(name: &str, column: &dyn Array) -> Result<(), String> {
    let is_whole = |column: &dyn Array| column.null_count() == 0;
    let numbers =
        column.as_any().downcast_ref::<FixedSizeListArray>().map_or(column, |list| list.values().as_ref());
    let bytes =
        column.as_any().downcast_ref::<StructArray>().and_then(|picture| picture.column_by_name("bytes"));
    if !is_whole(column) || !is_whole(numbers) || bytes.is_some_and(|bytes| !is_whole(bytes)) {
        return Err(format!("a value of {name} is missing"));
    }
    let floats = numbers.as_any().downcast_ref::<Float32Array>();
    if name != "policy_action" && floats.is_some_and(|values| !values.values().iter().all(|v| v.is_finite()))
    {
        return Err(format!("a value of {name} is no number"));
    }
    let known = floats.is_some()
        || bytes.is_some()
        || numbers.as_any().is::<Int64Array>()
        || numbers.as_any().is::<BooleanArray>();
    if known { Ok(()) } else { Err(format!("{name} has a type that we do not write")) }
}

fn column<'a, A>(
    batch: &'a RecordBatch,
    name: &str,
    of: impl Fn(&'a dyn Array) -> Option<&'a A>,
) -> Result<&'a A, String> {
    let found = batch.column_by_name(name).ok_or_else(|| format!("it has no column {name}"))?;
    of(found.as_ref()).ok_or_else(|| format!("{name} is of another type"))
}

fn ints<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a Int64Array, String> {
    column(batch, name, |column| column.as_primitive_opt::<Int64Type>())
}
