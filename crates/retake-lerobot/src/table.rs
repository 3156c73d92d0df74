//! The rows of an attempt, column by column, and the parquet files they go to.

use std::{fs::File, path::Path, sync::Arc};

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, FixedSizeListArray, Float32Array, Int64Array, RecordBatch,
    StringArray, StructArray,
};
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use parquet::{
    arrow::ArrowWriter, basic::Compression, errors::ParquetError, file::properties::WriterProperties,
};
use retake_dataset::Frame;

use crate::{
    LerobotError,
    feature::{Feature, Kind, Place, Value, What, value},
    stats::Summary,
};

/// Pictures in rows are written out when there are so many bytes of them, even within an attempt.
const PICTURE_BYTES: usize = 64 << 20;

#[derive(Debug)]
enum Values {
    Floats(Vec<f32>, usize),
    Ints(Vec<i64>),
    Bools(Vec<bool>),
    Jpegs(Vec<Arc<Frame>>),
}

/// The columns of an attempt that is being read.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<(What, Values)>,
    schema: SchemaRef,
    /// Bytes of pictures since the last batch.
    pictures: usize,
    /// Rows that [`Table::batch`] has not given yet begin here, where there are pictures.
    batched: usize,
    rows: usize,
}

/// Name and type in the data files.
fn field(feature: &Feature) -> Option<Field> {
    let (name, required) = (feature.name.as_str(), false);
    Some(match feature.kind {
        Kind::Floats(1) => Field::new(name, DataType::Float32, required),
        Kind::Floats(width) => {
            let item = Arc::new(Field::new("item", DataType::Float32, required));
            Field::new(name, DataType::FixedSizeList(item, i32::try_from(width).ok()?), required)
        }
        Kind::Int => Field::new(name, DataType::Int64, required),
        Kind::Bool => Field::new(name, DataType::Boolean, required),
        Kind::Jpeg => Field::new(name, DataType::Struct(jpeg_fields()), required),
        Kind::Video => return None,
    })
}

fn jpeg_fields() -> Fields {
    let fields = [Field::new("bytes", DataType::Binary, false), Field::new("path", DataType::Utf8, true)];
    Fields::from_iter(fields)
}

impl Table {
    pub(crate) fn new(features: &[Feature]) -> Self {
        let values = |feature: &Feature| {
            let values = match feature.kind {
                Kind::Floats(width) => Values::Floats(Vec::new(), width),
                Kind::Int => Values::Ints(Vec::new()),
                Kind::Bool => Values::Bools(Vec::new()),
                Kind::Jpeg => Values::Jpegs(Vec::new()),
                Kind::Video => return None,
            };
            Some((feature.what, values))
        };
        let fields: Vec<Field> = features.iter().filter_map(field).collect();
        Self {
            columns: features.iter().filter_map(values).collect(),
            schema: Arc::new(Schema::new(fields)),
            pictures: 0,
            batched: 0,
            rows: 0,
        }
    }

    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Takes in a row.
    pub(crate) fn push(&mut self, at: &Place<'_>) -> Result<(), LerobotError> {
        let wrong =
            |why: String| LerobotError::attempt(&at.episode.key, format!("row {}: {why}", at.row.row));
        for (what, values) in &mut self.columns {
            match (values, value(*what, at)?) {
                (Values::Floats(all, width), Some(Value::Floats(more))) if more.len() == *width => {
                    // A policy may have wanted nothing; all else must be numbers.
                    if *what != What::Proposal && !more.iter().all(|value| value.is_finite()) {
                        return Err(wrong(format!("{what:?} is not finite as a 32-bit number")));
                    }
                    all.extend(more);
                }
                (Values::Ints(all), Some(Value::Int(more))) => all.push(more),
                (Values::Bools(all), Some(Value::Bool(more))) => all.push(more),
                (Values::Jpegs(all), None) => {
                    let camera = if let What::Picture(camera) = what { *camera } else { usize::MAX };
                    let frame = at.row.frames.get(camera).and_then(Option::as_ref);
                    let frame =
                        frame.ok_or_else(|| wrong("it has no picture; leave the attempt out".into()))?;
                    self.pictures += frame.jpeg.len();
                    all.push(Arc::clone(frame));
                }
                (_, found) => {
                    return Err(wrong(format!("{what:?} is not as the robot is described: {found:?}")));
                }
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Enough pictures are waiting that they should be written.
    pub(crate) fn is_full(&self) -> bool {
        self.pictures > PICTURE_BYTES
    }

    /// The rows since the last batch. Their numbers are kept for [`Table::stats`], their pictures are not.
    pub(crate) fn batch(&mut self) -> Result<RecordBatch, String> {
        let from = self.batched;
        let arrays = self.columns.iter_mut().map(|(_, values)| values.array(from));
        let arrays = arrays.collect::<Result<Vec<ArrayRef>, String>>()?;
        (self.batched, self.pictures) = (self.rows, 0);
        RecordBatch::try_new(self.schema(), arrays).map_err(|error| error.to_string())
    }

    /// Statistics of all numeric columns, in the order of `features`.
    pub(crate) fn stats(&self, features: &[Feature]) -> Vec<(String, Summary)> {
        let wanted = features.iter().filter(|feature| feature.kind != Kind::Video);
        let mut all = Vec::new();
        for (feature, (_, values)) in wanted.zip(&self.columns).filter(|(feature, _)| feature.has_stats()) {
            let summary = match values {
                Values::Floats(values, width) => Summary::floats(values, *width),
                Values::Ints(values) => Summary::ints(values),
                Values::Bools(values) => Summary::bools(values),
                Values::Jpegs(_) => continue,
            };
            all.push((feature.name.clone(), summary));
        }
        all
    }

    /// Forgets all rows, to begin another attempt.
    pub(crate) fn clear(&mut self) {
        for (_, values) in &mut self.columns {
            match values {
                Values::Floats(all, _) => all.clear(),
                Values::Ints(all) => all.clear(),
                Values::Bools(all) => all.clear(),
                Values::Jpegs(all) => all.clear(),
            }
        }
        (self.rows, self.batched, self.pictures) = (0, 0, 0);
    }
}

impl Values {
    fn array(&mut self, from: usize) -> Result<ArrayRef, String> {
        Ok(match self {
            Self::Floats(all, 1) => Arc::new(Float32Array::from_iter_values(all.iter().skip(from).copied())),
            Self::Floats(all, width) => {
                let items = Float32Array::from_iter_values(all.iter().skip(from * *width).copied());
                let item = Arc::new(Field::new("item", DataType::Float32, false));
                let size = i32::try_from(*width).map_err(|error| error.to_string())?;
                let list = FixedSizeListArray::try_new(item, size, Arc::new(items), None);
                Arc::new(list.map_err(|error| error.to_string())?)
            }
            Self::Ints(all) => Arc::new(Int64Array::from_iter_values(all.iter().skip(from).copied())),
            Self::Bools(all) => Arc::new(BooleanArray::from(all.get(from..).unwrap_or_default().to_vec())),
            Self::Jpegs(frames) => {
                let bytes = BinaryArray::from_iter_values(frames.iter().map(|frame| frame.jpeg.as_slice()));
                let paths = StringArray::new_null(frames.len());
                frames.clear();
                let parts: Vec<ArrayRef> = vec![Arc::new(bytes), Arc::new(paths)];
                Arc::new(StructArray::try_new(jpeg_fields(), parts, None).map_err(|error| error.to_string())?)
            }
        })
    }
}

/// A parquet file being written.
#[derive(Debug)]
pub(crate) struct TableWriter {
    path: std::path::PathBuf,
    writer: ArrowWriter<File>,
}

impl TableWriter {
    /// Creates the file, which must not be there.
    pub(crate) fn create(path: &Path, schema: SchemaRef) -> Result<Self, LerobotError> {
        let file = File::create_new(path).map_err(LerobotError::io("create", path))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(format!("retake {}", env!("CARGO_PKG_VERSION")))
            .set_max_row_group_row_count(None)
            .build();
        let writer =
            ArrowWriter::try_new(file, schema, Some(properties)).map_err(LerobotError::file(path))?;
        Ok(Self { path: path.to_owned(), writer })
    }

    /// Writes `batch` as a row group of its own.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), LerobotError> {
        let mut write = || -> Result<(), ParquetError> {
            self.writer.write(batch)?;
            self.writer.flush()
        };
        write().map_err(LerobotError::file(&self.path))
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.writer.bytes_written() as u64
    }

    /// Writes the footer, and makes the file durable.
    pub(crate) fn finish(self) -> Result<(), LerobotError> {
        let file = self.writer.into_inner().map_err(LerobotError::file(&self.path))?;
        file.sync_all().map_err(LerobotError::io("sync", &self.path))
    }
}
