//! The pictures of a dataset whose cameras are videos, row by row.
//!
//! The frame of a row is the one shown `timestamp` seconds after `videos/CAMERA/from_timestamp` of its attempt in `meta/episodes`, in the
//! file that the attempt's `chunk_index` and `file_index` name: as in LeRobot's `LeRobotDataset._query_videos`.

use std::{
    collections::VecDeque,
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use arrow_array::{Array as _, Float64Array, RecordBatch, cast::AsArray as _, types::Float64Type};
use parquet::arrow::{ProjectionMask, arrow_reader::ParquetRecordBatchReaderBuilder};

use crate::{
    LerobotError, Rgb,
    decoder::Decoder,
    read::{files_below, int},
    track::Track,
};

/// A frame that is this many frames away from where a row says it is belongs to another row, or to none.
const FAR: f64 = 0.25;

/// The videos of a dataset. Frames are decoded one after the other as rows ask for them: a file is decoded once if its rows come in
/// order, and no more pictures are kept than a decoder needs.
#[derive(Debug)]
pub struct Videos {
    fps: u32,
    cameras: Vec<Camera>,
}

#[derive(Debug)]
struct Camera {
    folder: PathBuf,
    /// Where each attempt is.
    spans: Vec<Span>,
    open: Option<Playing>,
}

/// Chunk and file, and the second of it at which an attempt begins.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    file: (i64, i64),
    from: f64,
}

/// A file that is being decoded.
#[derive(Debug)]
struct Playing {
    number: (i64, i64),
    path: PathBuf,
    file: File,
    track: Track,
    decoder: Decoder,
    /// Frames taken from the file; pictures taken from those.
    taken: usize,
    shown: usize,
    ready: VecDeque<Rgb>,
    /// The last picture shown.
    picture: Rgb,
}

impl Videos {
    /// The videos of `cameras` in the dataset in `dir`, which has `fps` rows a second: [`crate::Dataset::videos`] and
    /// [`crate::Dataset::fps`].
    ///
    /// # Errors
    /// If the dataset does not say where the cameras' frames are.
    pub fn open(dir: &Path, cameras: &[String], fps: u32) -> Result<Self, LerobotError> {
        if let Some(name) = cameras.iter().find(|name| name.contains(['/', '\\']) || name.starts_with('.')) {
            return Err(LerobotError::file(dir)(format!("{name} is no name of a camera")));
        }
        let mut spans = vec![Vec::new(); cameras.len()];
        let files = if cameras.is_empty() { Vec::new() } else { files_below(&dir.join("meta/episodes"))? };
        for path in files {
            spans_of(&path, cameras, &mut spans)?;
        }
        let folder = |name: &String| dir.join("videos").join(name);
        let camera = |(name, spans)| Camera { folder: folder(name), spans, open: None };
        Ok(Self { fps, cameras: cameras.iter().zip(spans).map(camera).collect() })
    }

    /// The pictures of the row at `timestamp` seconds of attempt number `episode`, one for each camera.
    ///
    /// # Errors
    /// If a file is missing, damaged, of a codec that cannot be decoded, or has no frame at that time; each names the file.
    pub fn at(&mut self, episode: u64, timestamp: f64) -> Result<Vec<&Rgb>, LerobotError> {
        self.cameras.iter_mut().map(|camera| camera.at(episode, timestamp, self.fps)).collect()
    }
}

/// The place in `times`, which grow, of the one that is nearest to `due`, and that time.
fn nearest(times: &[f64], due: f64) -> (usize, f64) {
    let after = times.partition_point(|time| *time < due);
    let at = |place: usize| (place, times.get(place).copied().unwrap_or(f64::INFINITY));
    let (before, after) = (at(after.saturating_sub(1)), at(after));
    if due - before.1 < after.1 - due { before } else { after }
}

fn spans_of(path: &Path, cameras: &[String], spans: &mut [Vec<Span>]) -> Result<(), LerobotError> {
    let file = File::open(path).map_err(LerobotError::io("open", path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(LerobotError::file(path))?;
    let fields = builder.schema().fields().iter().enumerate();
    // Without the statistics, which are most of it.
    let is_wanted = |name: &str| name == "episode_index" || name.starts_with("videos/");
    let wanted: Vec<usize> =
        fields.filter(|(_, field)| is_wanted(field.name())).map(|(index, _)| index).collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
    for batch in builder.with_projection(mask).build().map_err(LerobotError::file(path))? {
        let batch = batch.map_err(LerobotError::file(path))?;
        for row in 0..batch.num_rows() {
            episode(&batch, row, cameras, spans).map_err(LerobotError::file(path))?;
        }
    }
    Ok(())
}

fn episode(
    batch: &RecordBatch,
    row: usize,
    cameras: &[String],
    spans: &mut [Vec<Span>],
) -> Result<(), String> {
    let index = int(batch, "episode_index", row)?;
    for (camera, spans) in cameras.iter().zip(spans) {
        if u64::try_from(index) != Ok(spans.len() as u64) {
            return Err(format!("episode {index} follows where {} is due", spans.len()));
        }
        spans.push(span(batch, camera, row)?);
    }
    Ok(())
}

fn span(batch: &RecordBatch, camera: &str, row: usize) -> Result<Span, String> {
    let number = |what: &str| int(batch, &format!("videos/{camera}/{what}_index"), row);
    let name = format!("videos/{camera}/from_timestamp");
    let column: Option<&Float64Array> =
        batch.column_by_name(&name).and_then(|column| column.as_primitive_opt::<Float64Type>());
    let from = column.filter(|column| !column.is_null(row)).map(|column| column.value(row));
    let from = from.filter(|from| from.is_finite()).ok_or_else(|| format!("it has no {name}"))?;
    Ok(Span { file: (number("chunk")?, number("file")?), from })
}

impl Camera {
    fn at(&mut self, episode: u64, timestamp: f64, fps: u32) -> Result<&Rgb, LerobotError> {
        let span = usize::try_from(episode).ok().and_then(|index| self.spans.get(index).copied());
        let unknown =
            || LerobotError::file(&self.folder)(format!("episode {episode} is not in meta/episodes"));
        let span = span.ok_or_else(unknown)?;
        let playing = match self.open.take() {
            Some(open) if open.number == span.file => open,
            _ => Playing::open(&self.folder, span.file)?,
        };
        let due = span.from + timestamp;
        let (frame, time) = nearest(&playing.track.times, due);
        if (time - due).abs() * f64::from(fps) > FAR {
            return Err(LerobotError::file(&playing.path)(format!(
                "the row at {timestamp:.4} s of episode {episode} belongs to second {due:.4} of the video, and the nearest frame to \
                 second {time:.4}: rows and frames do not go together"
            )));
        }
        // Decoders only go forwards.
        let playing =
            if frame + 1 < playing.shown { Playing::open(&self.folder, span.file)? } else { playing };
        self.open.insert(playing).picture(frame)
    }
}

impl Playing {
    fn open(folder: &Path, number: (i64, i64)) -> Result<Self, LerobotError> {
        let path = folder.join(format!("chunk-{:03}/file-{:03}.mp4", number.0, number.1));
        let mut file = File::open(&path).map_err(LerobotError::io("open", &path))?;
        let track = Track::read(&mut file, &path)?;
        let decoder = Decoder::new(&track.codec).map_err(LerobotError::file(&path))?;
        let (ready, picture) = (VecDeque::new(), Rgb::default());
        Ok(Self { number, path, file, track, decoder, taken: 0, shown: 0, ready, picture })
    }

    /// Goes on to the picture at place `due` in the order in which they are shown.
    fn picture(&mut self, due: usize) -> Result<&Rgb, LerobotError> {
        while self.shown <= due {
            while self.ready.is_empty() {
                self.decode()?;
            }
            let Some(picture) = self.ready.pop_front() else { break };
            let size = self.track.size;
            if (u32::try_from(picture.size.0), u32::try_from(picture.size.1)) != (Ok(size.0), Ok(size.1)) {
                let why =
                    format!("frame {} is {:?} pixels, and the video {size:?}", self.shown, picture.size);
                return Err(LerobotError::file(&self.path)(why));
            }
            self.picture = picture;
            self.shown += 1;
        }
        Ok(&self.picture)
    }

    fn decode(&mut self) -> Result<(), LerobotError> {
        let damaged = |place: usize, why: String| {
            LerobotError::file(&self.path)(format!("frame {place} cannot be decoded, it is damaged: {why}"))
        };
        let Some((place, bytes)) = self.track.samples.get(self.taken).copied() else {
            self.decoder.finish(&mut self.ready).map_err(|why| damaged(self.taken, why))?;
            return if self.ready.is_empty() {
                let why =
                    format!("of its {} frames only {} can be decoded", self.track.samples.len(), self.shown);
                Err(LerobotError::file(&self.path)(why))
            } else {
                Ok(())
            };
        };
        let mut frame = vec![0; usize::try_from(bytes).unwrap_or(0)];
        let read = self.file.seek(SeekFrom::Start(place)).and_then(|_| self.file.read_exact(&mut frame));
        read.map_err(LerobotError::io("read", &self.path))?;
        self.decoder.take(frame, &mut self.ready).map_err(|why| damaged(self.taken, why))?;
        self.taken += 1;
        Ok(())
    }
}
