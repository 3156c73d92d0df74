//! The video track of an MP4 file of whatever origin: where each frame's bytes are, and when each frame is shown.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
};

use shiguredo_mp4::{
    Decode as _,
    aux::SampleTableAccessor,
    bitstream::h264::LengthSize,
    boxes::{Avc1Box, HdlrBox, MoovBox, SampleEntry, TrakBox, UnknownBox},
};

use crate::{LerobotError, picture::Colour};

/// Tables that are larger are not believed: they would be of more than a million frames.
const MAX_TABLES: u64 = 64 << 20;
/// Nor is a file of more frames.
const MAX_FRAMES: u32 = 10_000_000;
/// Pixels of a frame, and bytes of one that is compressed.
pub(crate) const MAX_PIXELS: u32 = 4096 * 4096;
const MAX_BYTES: u32 = 64 << 20;

/// A file's video track.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) codec: Codec,
    /// Width and height.
    pub(crate) size: (u32, u32),
    /// Frames in the order in which they are decoded: where each begins in the file, and its bytes.
    pub(crate) samples: Vec<(u64, u32)>,
    /// When frames are shown, in seconds, in the order in which they are.
    pub(crate) times: Vec<f64>,
}

/// How frames are compressed, and what a decoder must know first.
#[derive(Debug)]
pub(crate) enum Codec {
    H264 {
        /// Parameter sets, each after a start code.
        parameters: Vec<u8>,
        /// Of the number that stands before each unit of a frame.
        length: LengthSize,
        colour: Colour,
    },
    /// It tells its colours in each picture.
    Av1,
}

/// The tables of the file, and where its data begin and end if there is one such box.
pub(crate) fn tables(file: &mut File, path: &Path) -> Result<(MoovBox, Option<(u64, u64)>), LerobotError> {
    let wrong = LerobotError::file(path);
    let length = file.metadata().map_err(LerobotError::io("read", path))?.len();
    let (mut at, mut data, mut tables) = (0, None, None);
    while at < length {
        let mut head = [0; 16];
        let due = usize::try_from((length - at).min(16)).unwrap_or(16);
        let begin = head.get_mut(..due).unwrap_or_default();
        let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(begin));
        read.map_err(LerobotError::io("read", path))?;
        let [a, b, c, d, kind @ .., _, _, _, _, _, _, _, _] = head;
        let [_, _, _, _, _, _, _, _, long @ ..] = head;
        let (size, body) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (length - at, 8),
            1 => (u64::from_be_bytes(long), 16),
            short => (u64::from(short), 8),
        };
        let end = at.checked_add(size).filter(|end| size >= body && *end <= length);
        let Some(end) = end else { return Err(wrong("it is cut off, or no MP4 file".into())) };
        match &kind {
            b"mdat" => data = Some((at + body, end)),
            b"moov" if size > MAX_TABLES => return Err(wrong(format!("its tables have {size} bytes"))),
            b"moov" => {
                let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
                let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut bytes));
                read.map_err(LerobotError::io("read", path))?;
                tables = Some(MoovBox::decode(&bytes).map_err(|error| wrong(error.to_string()))?.0);
            }
            _ => {}
        }
        at = end;
    }
    let tables = tables.ok_or_else(|| wrong("it has no frames, or no tables to find them".into()))?;
    Ok((tables, data))
}

impl Track {
    /// Reads the tables of the file at `path`.
    ///
    /// # Errors
    /// If it is damaged, or its first video track is compressed by something that [`crate::decoder`] cannot undo.
    pub(crate) fn read(file: &mut File, path: &Path) -> Result<Self, LerobotError> {
        let (tables, _) = tables(file, path)?;
        let length = file.metadata().map_err(LerobotError::io("read", path))?.len();
        Self::of(&tables, length).map_err(LerobotError::file(path))
    }

    fn of(tables: &MoovBox, length: u64) -> Result<Self, String> {
        let is_video = |track: &&TrakBox| track.mdia_box.hdlr_box.handler_type == HdlrBox::HANDLER_TYPE_VIDE;
        let track = tables.trak_boxes.iter().find(is_video).ok_or("there is no video in it")?;
        let table = &track.mdia_box.minf_box.stbl_box;
        let [entry] = table.stsd_box.entries.as_slice() else {
            return Err("its frames are of several kinds, or of none".into());
        };
        let codec = Codec::of(entry)?;
        let size = entry.video_resolution().map(|(width, height)| (u32::from(width), u32::from(height)));
        let size = size.filter(|(width, height)| (1..=MAX_PIXELS).contains(&(width * height)));
        let size = size.ok_or("its pictures have no size, or are too large")?;
        let samples = SampleTableAccessor::new(table).map_err(|error| error.to_string())?;
        if samples.sample_count() == 0 {
            return Err(
                "it has no frames; if it is a fragmented MP4, copy it into a plain one with ffmpeg".into()
            );
        }
        if samples.sample_count() > MAX_FRAMES {
            return Err(format!("it has {} frames", samples.sample_count()));
        }
        let scale = f64::from(track.mdia_box.mdhd_box.timescale.get());
        let start = start(tables, track);
        let (mut places, mut times) = (Vec::new(), Vec::new());
        for sample in samples.samples() {
            let (place, bytes) = (sample.data_offset(), sample.data_size());
            if bytes > MAX_BYTES || place.checked_add(bytes.into()).is_none_or(|end| end > length) {
                return Err(format!("frame {} is not where its tables say", sample.index()));
            }
            let shift = sample.composition_time_offset().unwrap_or(0) as f64;
            places.push((place, bytes));
            times.push((sample.timestamp() as f64 + shift) / scale - start);
        }
        times.sort_by(f64::total_cmp);
        Ok(Self { codec, size, samples: places, times })
    }
}

/// Seconds of the track's own time that are over when the file begins to be shown: the first edit that shows anything, and what is
/// empty before it.
fn start(tables: &MoovBox, track: &TrakBox) -> f64 {
    let edits = track.edts_box.as_ref().and_then(|edits| edits.elst_box.as_ref());
    let mut empty = 0.0;
    for edit in edits.into_iter().flat_map(|list| &list.entries) {
        if edit.media_time >= 0 {
            let media = edit.media_time as f64 / f64::from(track.mdia_box.mdhd_box.timescale.get());
            return media - empty;
        }
        empty += edit.edit_duration as f64 / f64::from(tables.mvhd_box.timescale.get());
    }
    0.0
}

impl Codec {
    fn of(entry: &SampleEntry) -> Result<Self, String> {
        let other = match entry {
            SampleEntry::Avc1(entry) => return Self::h264(entry),
            SampleEntry::Av01(entry) => {
                let about = &entry.av1c_box;
                let deep = about.high_bitdepth.get() != 0;
                let sampled = (about.chroma_subsampling_x.get(), about.chroma_subsampling_y.get());
                return match (deep, sampled, about.monochrome.get()) {
                    (false, (1, 1), 0) => Ok(Self::Av1),
                    (..) => Err(unknown("AV1 that is not 8 bits and 4:2:0")),
                };
            }
            SampleEntry::Hev1(_) | SampleEntry::Hvc1(_) => "H.265 (HEVC)".to_owned(),
            SampleEntry::Vp08(_) => "VP8".to_owned(),
            SampleEntry::Vp09(_) => "VP9".to_owned(),
            SampleEntry::Unknown(entry) => format!("{}", entry.box_type),
            SampleEntry::Opus(_)
            | SampleEntry::Mp4a(_)
            | SampleEntry::Flac(_)
            | SampleEntry::Stpp(_)
            | SampleEntry::Wvtt(_)
            | SampleEntry::Tx3g(_) => "no video".to_owned(),
        };
        Err(unknown(&other))
    }

    fn h264(entry: &Avc1Box) -> Result<Self, String> {
        let about = &entry.avcc_box;
        // Baseline, main and high. The profiles above them have more bits or more colour.
        if ![66, 77, 100].contains(&about.avc_profile_indication) {
            return Err(unknown(&format!("H.264 of profile {}", about.avc_profile_indication)));
        }
        let length = match about.length_size_minus_one.get() {
            0 => LengthSize::OneByte,
            1 => LengthSize::TwoBytes,
            _ => LengthSize::FourBytes,
        };
        let sets = about.sps_list.iter().chain(&about.pps_list);
        let parameters = sets.flat_map(|set| [&[0, 0, 0, 1], set.as_slice()].concat()).collect();
        Ok(Self::H264 { parameters, length, colour: colour(&entry.unknown_boxes) })
    }
}

/// Colours of H.264 as the file tells them in its box `colr` (ISO 14496-12, 12.1.5): primaries, transfer, matrix, range.
fn colour(boxes: &[UnknownBox]) -> Colour {
    let found = boxes.iter().find(|found| found.box_type.as_bytes() == b"colr");
    match found.map(|found| found.payload.as_slice()) {
        Some([b'n', b'c', b'l', b'x', _, _, _, _, high, low, range, ..]) => {
            Colour::new(u16::from_be_bytes([*high, *low]), range & 0x80 != 0)
        }
        _ => Colour::default(),
    }
}

fn unknown(what: &str) -> String {
    format!(
        "its video is {what}, which cannot be decoded here; 8-bit 4:2:0 in H.264 and AV1 can: re-encode each file with `ffmpeg -i \
         FILE.mp4 -an -c:v libx264 -bf 0 -pix_fmt yuv420p -crf 18 -fps_mode passthrough NEW.mp4` and put it in the place of the old \
         one, or leave pictures out with --no-pictures"
    )
}
