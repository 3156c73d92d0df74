//! A LeRobot dataset of whatever origin, row by row.

use std::{
    collections::VecDeque,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, Float32Array, Float64Array, Int64Array, LargeStringArray, ListArray,
    RecordBatch, StringArray, StructArray, cast::AsArray as _, types::Int64Type,
};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use serde_json::Value as Json;

use crate::{LerobotError, verify::json};

/// Rows that are decoded together. They may hold pictures.
const BATCH: usize = 32;

/// A dataset that is being read.
#[derive(Debug)]
pub struct Dataset {
    /// Rows a second.
    pub fps: u32,
    /// Kind of robot, if it is said.
    pub robot_type: Option<String>,
    /// Attempts and rows in it.
    pub episodes: u64,
    /// Rows in it.
    pub rows: u64,
    /// Names of the values of `observation.state` and `action`; empty where they are not named.
    pub state_names: Vec<String>,
    /// Names of the values of `action`.
    pub action_names: Vec<String>,
    /// Cameras whose pictures stand in the rows.
    pub images: Vec<String>,
    /// Cameras whose pictures are videos: [`crate::Videos`] decodes them.
    pub videos: Vec<String>,
    tasks: Vec<Arc<str>>,
    files: VecDeque<PathBuf>,
    reading: Option<(PathBuf, ParquetRecordBatchReader)>,
    batch: Option<(RecordBatch, usize)>,
    /// Attempts and rows so far.
    given: (u64, u64),
    ended: bool,
}

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadRow {
    /// Number of its attempt, from 0.
    pub episode: u64,
    /// What was to be done in the attempt, in words.
    pub task: Arc<str>,
    /// Seconds since the attempt began.
    pub timestamp: f64,
    /// `observation.state`.
    pub state: Vec<f64>,
    /// `action`.
    pub action: Vec<f64>,
    /// Per camera of [`Dataset::images`], the bytes of a picture's file: JPEG or PNG.
    pub images: Vec<Vec<u8>>,
}

/// Opens the LeRobotDataset v3.0 in the folder `dir`, ours or another. Rows follow one by one from the iterator, attempt by attempt;
/// a few of them are in memory at a time.
///
/// # Errors
/// If there is none, it is of another version, empty, damaged, or lacks `observation.state` or `action`. The iterator's errors name the
/// file that cannot be read, and are its last.
pub fn read(dir: &Path) -> Result<Dataset, LerobotError> {
    let path = dir.join("meta/info.json");
    if !path.is_file() {
        return Err(LerobotError::file(dir)("it is no LeRobot dataset: it has no meta/info.json"));
    }
    let info = json(&path)?;
    let wrong = LerobotError::file(&path);
    let version = info.get("codebase_version").and_then(Json::as_str).unwrap_or("none");
    if version != "v3.0" {
        let why = format!(
            "it is of version {version}; LeRobot's convert_dataset_v21_to_v30 makes v3.0 of older ones"
        );
        return Err(wrong(why));
    }
    let number = |key: &str| {
        let found = info.get(key).and_then(Json::as_f64).filter(|value| *value >= 0.0);
        found
            .map(|value| crate::stats::whole(value).unsigned_abs())
            .ok_or_else(|| wrong(format!("it has no {key}")))
    };
    let (episodes, rows) = (number("total_episodes")?, number("total_frames")?);
    if episodes == 0 || rows == 0 {
        return Err(wrong("the dataset is empty".into()));
    }
    let none = || wrong("it has no features".into());
    let features = info.get("features").and_then(Json::as_object).ok_or_else(none)?;
    let names = |feature: &str| -> Result<Vec<String>, LerobotError> {
        let found = features.get(feature).ok_or_else(|| wrong(format!("there is no {feature} in it")))?;
        let names = found.get("names").and_then(Json::as_array);
        Ok(names.into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect())
    };
    let of_type = |dtype: &str| -> Vec<String> {
        let is_it = |feature: &Json| feature.get("dtype").and_then(Json::as_str) == Some(dtype);
        features.iter().filter(|(_, feature)| is_it(feature)).map(|(name, _)| name.clone()).collect()
    };
    Ok(Dataset {
        fps: u32::try_from(number("fps")?).map_err(|_large| wrong("it has no usable fps".into()))?,
        robot_type: info.get("robot_type").and_then(Json::as_str).map(str::to_owned),
        episodes,
        rows,
        state_names: names("observation.state")?,
        action_names: names("action")?,
        images: of_type("image"),
        videos: of_type("video"),
        tasks: tasks(&dir.join("meta/tasks.parquet"))?,
        files: files_below(&dir.join("data"))?.into(),
        reading: None,
        batch: None,
        given: (0, 0),
        ended: false,
    })
}

/// The files `*/*.parquet` in a folder, in order.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>, LerobotError> {
    let list = |dir: &Path| -> Result<Vec<PathBuf>, LerobotError> {
        let entries = fs::read_dir(dir).map_err(LerobotError::io("list", dir))?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        let mut paths = paths.collect::<Result<Vec<_>, _>>().map_err(LerobotError::io("list", dir))?;
        paths.sort();
        Ok(paths)
    };
    let mut files = Vec::new();
    for chunk in list(folder)?.into_iter().filter(|path| path.is_dir()) {
        files.extend(
            list(&chunk)?.into_iter().filter(|path| path.extension().is_some_and(|end| end == "parquet")),
        );
    }
    if files.is_empty() { Err(LerobotError::file(folder)("there are no rows in it")) } else { Ok(files) }
}

fn open(path: &Path) -> Result<ParquetRecordBatchReader, LerobotError> {
    let file = File::open(path).map_err(LerobotError::io("open", path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(LerobotError::file(path))?;
    builder.with_batch_size(BATCH).build().map_err(LerobotError::file(path))
}

/// Tasks by their numbers. Pandas calls the column of an index without a name `__index_level_0__`.
fn tasks(path: &Path) -> Result<Vec<Arc<str>>, LerobotError> {
    let mut tasks = Vec::new();
    for batch in open(path)? {
        let batch = batch.map_err(LerobotError::file(path))?;
        let column = ["task", "__index_level_0__"].iter().find_map(|name| batch.column_by_name(name));
        let column = column.ok_or_else(|| LerobotError::file(path)("it has no tasks"))?;
        for row in 0..batch.num_rows() {
            let any = column.as_any();
            let short = any.downcast_ref::<StringArray>().map(|texts| texts.value(row));
            let text = short.or_else(|| any.downcast_ref::<LargeStringArray>().map(|texts| texts.value(row)));
            tasks.push(text.ok_or_else(|| LerobotError::file(path)("its tasks are no text"))?.into());
        }
    }
    Ok(tasks)
}

impl Dataset {
    /// The next batch of rows and where it is from; none after the last.
    fn refill(&mut self) -> Result<bool, LerobotError> {
        while self.batch.is_none() {
            if self.reading.is_none() {
                let Some(path) = self.files.pop_front() else { return Ok(false) };
                let reader = open(&path)?;
                self.reading = Some((path, reader));
            }
            let Some((path, reader)) = &mut self.reading else { return Ok(false) };
            match reader.next() {
                Some(batch) => {
                    let batch = batch.map_err(LerobotError::file(path))?;
                    self.batch = (batch.num_rows() > 0).then_some((batch, 0));
                }
                None => self.reading = None,
            }
        }
        Ok(true)
    }

    fn row(&mut self) -> Result<Option<ReadRow>, LerobotError> {
        if !self.refill()? {
            return if self.given == (self.episodes, self.rows) {
                Ok(None)
            } else {
                let (episodes, rows) = self.given;
                Err(LerobotError::Refused(format!(
                    "the dataset is cut off: it has {episodes} episodes and {rows} rows, and says {} and {}",
                    self.episodes, self.rows
                )))
            };
        }
        let (Some((batch, row)), Some((path, _))) = (self.batch.take(), &self.reading) else {
            return Ok(None);
        };
        let wrong = LerobotError::file(path);
        let index = int(&batch, "episode_index", row).map_err(&wrong)?;
        let (episodes, rows) = self.given;
        // The next one begins, or the one before goes on.
        if index == episodes.cast_signed() {
            self.given.0 += 1;
        } else if index + 1 != episodes.cast_signed() {
            return Err(wrong(format!("episode {index} follows where {episodes} is due")));
        }
        let number = int(&batch, "task_index", row).map_err(&wrong)?;
        let task = usize::try_from(number).ok().and_then(|number| self.tasks.get(number));
        let task = task.ok_or_else(|| wrong(format!("there is no task {number}")))?;
        let found = row_of(&batch, row, &self.images, (self.given.0 - 1, task)).map_err(&wrong)?;
        self.given.1 = rows + 1;
        self.batch = (row + 1 < batch.num_rows()).then_some((batch, row + 1));
        Ok(Some(found))
    }
}

impl Iterator for Dataset {
    type Item = Result<ReadRow, LerobotError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.row().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

fn row_of(
    batch: &RecordBatch,
    row: usize,
    images: &[String],
    (episode, task): (u64, &Arc<str>),
) -> Result<ReadRow, String> {
    let picture = |name: &String| -> Result<Vec<u8>, String> {
        let column = named(batch, name)?.as_any().downcast_ref::<StructArray>();
        let bytes = column.and_then(|column| column.column_by_name("bytes"));
        let bytes = bytes.and_then(|bytes| bytes.as_binary_opt::<i32>()).filter(|bytes| !bytes.is_null(row));
        Ok(bytes.ok_or_else(|| format!("{name} has no bytes in row {row}"))?.value(row).to_vec())
    };
    let time = vector(named(batch, "timestamp")?, row);
    Ok(ReadRow {
        episode,
        task: Arc::clone(task),
        timestamp: time.and_then(|time| time.first().copied()).ok_or("its timestamps are no numbers")?,
        state: vector(named(batch, "observation.state")?, row).ok_or("observation.state is no vector")?,
        action: vector(named(batch, "action")?, row).ok_or("action is no vector")?,
        images: images.iter().map(picture).collect::<Result<_, _>>()?,
    })
}

fn named<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, String> {
    batch.column_by_name(name).ok_or_else(|| format!("it has no column {name}"))
}

pub(crate) fn int(batch: &RecordBatch, name: &str, row: usize) -> Result<i64, String> {
    let column: Option<&Int64Array> = named(batch, name)?.as_primitive_opt::<Int64Type>();
    Ok(column.ok_or_else(|| format!("{name} is no integer"))?.value(row))
}

/// Numbers in a list, of either kind and precision, or by themselves.
fn vector(column: &ArrayRef, row: usize) -> Option<Vec<f64>> {
    let any = column.as_any();
    if column.is_null(row) {
        return None;
    }
    if let Some(list) = any.downcast_ref::<FixedSizeListArray>() {
        return numbers(&list.value(row));
    }
    if let Some(list) = any.downcast_ref::<ListArray>() {
        return numbers(&list.value(row));
    }
    numbers(&column.slice(row, 1))
}

fn numbers(values: &ArrayRef) -> Option<Vec<f64>> {
    let any = values.as_any();
    if values.null_count() > 0 {
        return None;
    }
    if let Some(single) = any.downcast_ref::<Float32Array>() {
        return Some(single.values().iter().copied().map(f64::from).collect());
    }
    any.downcast_ref::<Float64Array>().map(|double| double.values().to_vec())
}
