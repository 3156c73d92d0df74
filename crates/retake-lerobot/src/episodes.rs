//! What is kept of each attempt: where its rows and pictures are, its statistics, and what is known and said about it.

use std::{path::Path, sync::Arc};

use arrow_array::{
    ArrayRef, RecordBatch,
    builder::{
        ArrayBuilder, BooleanBuilder, Float64Builder, Int64Builder, ListBuilder, PrimitiveBuilder,
        StringBuilder,
    },
    types::{Float64Type, Int64Type},
};
use arrow_schema::{Field, Schema};
use retake_dataset::{Episode, Standing};
use retake_labels::Class;

use crate::{
    LerobotError,
    stats::{Form, Summary, whole},
    table::TableWriter,
};

/// An attempt that has been exported.
#[derive(Clone, Debug)]
pub(crate) struct EpisodeMeta {
    pub(crate) index: u64,
    pub(crate) task: String,
    pub(crate) length: u64,
    /// Its first row in the dataset, and in its files.
    pub(crate) first_row: u64,
    pub(crate) first_in_file: u64,
    pub(crate) about: About,
    pub(crate) stats: Vec<(String, Summary)>,
}

/// The columns that LeRobot does not have.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) key: String,
    pub(crate) verdict: String,
    pub(crate) discarded: bool,
    pub(crate) policy_version: String,
    pub(crate) operator: String,
    pub(crate) protocol: String,
    pub(crate) seed: i64,
    pub(crate) interventions: i64,
    pub(crate) recoveries: i64,
    pub(crate) human_seconds: f64,
    pub(crate) tags: Vec<String>,
    pub(crate) round: i64,
}

impl About {
    pub(crate) fn of(episode: &Episode, standing: &Standing, round: Option<u32>) -> Self {
        let record = &episode.record;
        Self {
            key: episode.key.to_string(),
            verdict: standing.verdict.clone(),
            discarded: standing.discarded,
            policy_version: record.policy_version.clone(),
            operator: record.operator.clone(),
            protocol: record.protocol.clone(),
            seed: record.seed.cast_signed(),
            interventions: episode.interventions().into(),
            recoveries: i64::try_from(episode.recoveries()).unwrap_or(i64::MAX),
            human_seconds: episode.seconds_of(|class| class.is_intervention() || class == Class::Demo),
            tags: standing.tags.iter().cloned().collect(),
            round: standing.round.or(round).map_or(-1, i64::from),
        }
    }
}

/// Files that belong together have the same numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileNumber(pub(crate) u32);

/// Files in a folder.
pub(crate) const CHUNK: u32 = 1000;

impl FileNumber {
    pub(crate) fn chunk(self) -> u32 {
        self.0 / CHUNK
    }

    pub(crate) fn file(self) -> u32 {
        self.0 % CHUNK
    }

    /// `chunk-CCC/file-FFF.EXTENSION`.
    pub(crate) fn path(self, extension: &str) -> String {
        format!("chunk-{:03}/file-{:03}.{extension}", self.chunk(), self.file())
    }
}

/// Writes what is known of the attempts of one set of files.
pub(crate) fn write(
    path: &Path,
    number: FileNumber,
    (fps, cameras): (u32, &[String]),
    episodes: &[EpisodeMeta],
) -> Result<(), LerobotError> {
    let mut columns = places(number, (fps, cameras), episodes);
    columns.extend(abouts(episodes));
    for (feature, of_first) in episodes.first().map_or(&[][..], |first| &first.stats) {
        let summaries: Vec<&Summary> = episodes
            .iter()
            .filter_map(|episode| episode.stats.iter().find(|(name, _)| name == feature))
            .map(|(_, summary)| summary)
            .collect();
        columns.extend(statistics(feature, of_first, &summaries));
    }
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(name, array.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(LerobotError::file(path))?;
    let mut writer = TableWriter::create(path, schema)?;
    writer.write(&batch)?;
    writer.finish()
}

type Column = (String, ArrayRef);

fn ints(name: &str, episodes: &[EpisodeMeta], of: impl Fn(&EpisodeMeta) -> i64) -> Column {
    let mut builder = Int64Builder::new();
    episodes.iter().for_each(|episode| builder.append_value(of(episode)));
    (name.to_owned(), Arc::new(builder.finish()))
}

fn floats(name: &str, episodes: &[EpisodeMeta], of: impl Fn(&EpisodeMeta) -> f64) -> Column {
    let mut builder = Float64Builder::new();
    episodes.iter().for_each(|episode| builder.append_value(of(episode)));
    (name.to_owned(), Arc::new(builder.finish()))
}

fn texts(name: &str, episodes: &[EpisodeMeta], of: impl Fn(&EpisodeMeta) -> &str) -> Column {
    let mut builder = StringBuilder::new();
    episodes.iter().for_each(|episode| builder.append_value(of(episode)));
    (name.to_owned(), Arc::new(builder.finish()))
}

fn text_lists(name: &str, episodes: &[EpisodeMeta], of: impl Fn(&EpisodeMeta) -> &[String]) -> Column {
    let mut builder = ListBuilder::new(StringBuilder::new());
    for episode in episodes {
        of(episode).iter().for_each(|text| builder.values().append_value(text));
        builder.append(true);
    }
    (name.to_owned(), Arc::new(builder.finish()))
}

fn places(number: FileNumber, (fps, cameras): (u32, &[String]), episodes: &[EpisodeMeta]) -> Vec<Column> {
    let (chunk, file) = (i64::from(number.chunk()), i64::from(number.file()));
    let mut columns = vec![
        ints("episode_index", episodes, |episode| episode.index.cast_signed()),
        text_lists("tasks", episodes, |episode| std::slice::from_ref(&episode.task)),
        ints("length", episodes, |episode| episode.length.cast_signed()),
        ints("data/chunk_index", episodes, |_| chunk),
        ints("data/file_index", episodes, |_| file),
        ints("dataset_from_index", episodes, |episode| episode.first_row.cast_signed()),
        ints("dataset_to_index", episodes, |episode| (episode.first_row + episode.length).cast_signed()),
        ints("meta/episodes/chunk_index", episodes, |_| chunk),
        ints("meta/episodes/file_index", episodes, |_| file),
    ];
    for camera in cameras {
        let name = |what: &str| format!("videos/observation.images.{camera}/{what}");
        // One division each, as LeRobot divides: a sum would be off in the last digit.
        let seconds = |frames: u64| frames as f64 / f64::from(fps);
        columns.push(ints(&name("chunk_index"), episodes, |_| chunk));
        columns.push(ints(&name("file_index"), episodes, |_| file));
        columns.push(floats(&name("from_timestamp"), episodes, |episode| seconds(episode.first_in_file)));
        columns.push(floats(&name("to_timestamp"), episodes, |episode| {
            seconds(episode.first_in_file + episode.length)
        }));
    }
    columns
}

fn abouts(episodes: &[EpisodeMeta]) -> Vec<Column> {
    let mut discarded = BooleanBuilder::new();
    episodes.iter().for_each(|episode| discarded.append_value(episode.about.discarded));
    vec![
        texts("key", episodes, |episode| &episode.about.key),
        texts("verdict", episodes, |episode| &episode.about.verdict),
        ("discarded".into(), Arc::new(discarded.finish())),
        texts("policy_version", episodes, |episode| &episode.about.policy_version),
        texts("operator", episodes, |episode| &episode.about.operator),
        texts("protocol", episodes, |episode| &episode.about.protocol),
        ints("seed", episodes, |episode| episode.about.seed),
        ints("interventions", episodes, |episode| episode.about.interventions),
        ints("recoveries", episodes, |episode| episode.about.recoveries),
        floats("human_seconds", episodes, |episode| episode.about.human_seconds),
        text_lists("tags", episodes, |episode| &episode.about.tags),
        ints("round", episodes, |episode| episode.about.round),
    ]
}

/// The columns `stats/FEATURE/STATISTIC`.
fn statistics(feature: &str, first: &Summary, summaries: &[&Summary]) -> Vec<Column> {
    let mut columns = Vec::new();
    for (index, (name, _)) in first.all().into_iter().enumerate() {
        let rows = summaries.iter().map(|summary| summary.all().swap_remove(index).1);
        let exact = matches!(name, "min" | "max");
        let array: ArrayRef = match first.form {
            Form::Picture => nested(rows),
            Form::Int if exact => lists(PrimitiveBuilder::<Int64Type>::new(), rows, |to, value| {
                to.append_value(whole(value));
            }),
            Form::Bool if exact => {
                lists(BooleanBuilder::new(), rows, |to, value| to.append_value(value > 0.5))
            }
            Form::Float | Form::Int | Form::Bool => {
                lists(PrimitiveBuilder::<Float64Type>::new(), rows, |to, value| to.append_value(value))
            }
        };
        columns.push((format!("stats/{feature}/{name}"), array));
    }
    let counts = summaries.iter().map(|summary| vec![summary.count as f64]);
    let counts =
        lists(PrimitiveBuilder::<Int64Type>::new(), counts, |to, value| to.append_value(whole(value)));
    columns.push((format!("stats/{feature}/count"), counts));
    columns
}

fn lists<B: ArrayBuilder>(
    values: B,
    rows: impl Iterator<Item = Vec<f64>>,
    append: impl Fn(&mut B, f64),
) -> ArrayRef {
    let mut builder = ListBuilder::new(values);
    for row in rows {
        row.into_iter().for_each(|value| append(builder.values(), value));
        builder.append(true);
    }
    Arc::new(builder.finish())
}

/// Channel, row and column of a picture's statistics: [3][1][1].
fn nested(rows: impl Iterator<Item = Vec<f64>>) -> ArrayRef {
    let mut builder = ListBuilder::new(ListBuilder::new(ListBuilder::new(Float64Builder::new())));
    for row in rows {
        for value in row {
            builder.values().values().values().append_value(value);
            builder.values().values().append(true);
            builder.values().append(true);
        }
        builder.append(true);
    }
    Arc::new(builder.finish())
}
