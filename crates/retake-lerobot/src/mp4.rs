//! H.264 in an MP4 file, laid out so that LeRobot can load it, and join it to its own files without encoding again.
//!
//! Every frame is shown one frame later than it is decoded, and an edit list takes that back: LeRobot's own files are so, and two
//! files can only be joined by copying if decoding times do not meet. The number of ticks per second is the one its muxer chooses.

use std::{
    fs::File,
    io::{BufWriter, Seek as _, SeekFrom, Write as _},
    num::{NonZeroU16, NonZeroU32},
    path::{Path, PathBuf},
};

use shiguredo_mp4::{
    Either, Encode as _, FixedPointNumber, LanguageCode, Mp4FileTime, Uint,
    boxes::{
        Avc1Box, AvccBox, Brand, CttsBox, CttsEntry, DinfBox, EdtsBox, ElstBox, ElstEntry, FtypBox, HdlrBox,
        MdhdBox, MdiaBox, MediaHeader, MinfBox, MoovBox, MvhdBox, SampleEntry, StblBox, StcoBox, StscBox,
        StscEntry, StsdBox, StssBox, StszBox, SttsBox, SttsEntry, TkhdBox, TrakBox, VisualSampleEntryFields,
        VmhdBox,
    },
};

use crate::{LerobotError, h264::Unit};

/// Ticks per second: `fps · 2^k`, the smallest that is at least 10,000. Returned with the ticks of one frame.
pub(crate) fn timescale(fps: NonZeroU32) -> (NonZeroU32, u32) {
    let (mut scale, mut delta) = (fps, 1);
    while scale.get() < 10_000 {
        (scale, delta) = (scale.saturating_mul(NonZeroU32::MIN.saturating_add(1)), delta * 2);
    }
    (scale, delta)
}

/// A video file being written. Frames go to the disk at once; the tables that find them are kept until the end.
#[derive(Debug)]
pub(crate) struct VideoWriter {
    path: PathBuf,
    file: BufWriter<File>,
    fps: NonZeroU32,
    width: u16,
    height: u16,
    parameters: Option<Parameters>,
    sizes: Vec<u32>,
    keys: Vec<NonZeroU32>,
    /// Where the frames begin, and how many bytes of them there are.
    start: u32,
    bytes: u64,
}

/// What a decoder must know first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parameters {
    sps: Vec<u8>,
    pps: Vec<u8>,
}

impl VideoWriter {
    /// Creates the file, which must not be there.
    pub(crate) fn create(path: &Path, fps: NonZeroU32, size: (u16, u16)) -> Result<Self, LerobotError> {
        let file = File::create_new(path).map_err(LerobotError::io("create", path))?;
        let mut file = BufWriter::with_capacity(1 << 20, file);
        let head = FtypBox {
            major_brand: Brand::ISOM,
            minor_version: 512,
            compatible_brands: vec![Brand::ISOM, Brand::ISO2, Brand::AVC1, Brand::MP41],
        };
        let mut head = head.encode_to_vec().map_err(LerobotError::file(path))?;
        // The size is filled in at the end.
        head.extend_from_slice(b"\0\0\0\0mdat");
        file.write_all(&head).map_err(LerobotError::io("write", path))?;
        let start = u32::try_from(head.len()).map_err(LerobotError::file(path))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            fps,
            width: size.0,
            height: size.1,
            parameters: None,
            sizes: Vec::new(),
            keys: Vec::new(),
            start,
            bytes: 0,
        })
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends a frame, given as its NAL units without start codes.
    pub(crate) fn frame<'a>(
        &mut self,
        units: impl IntoIterator<Item = Unit<'a>>,
    ) -> Result<(), LerobotError> {
        let number = u32::try_from(self.sizes.len() + 1).map_err(LerobotError::file(&self.path))?;
        let (mut sps, mut pps, mut key, mut size) = (None, None, false, 0u32);
        for unit in units {
            match unit.kind() {
                Unit::SPS => sps = Some(unit.0.to_vec()),
                Unit::PPS => pps = Some(unit.0.to_vec()),
                kind => {
                    key |= kind == Unit::KEY;
                    let length = u32::try_from(unit.0.len()).map_err(LerobotError::file(&self.path))?;
                    let written =
                        self.file.write_all(&length.to_be_bytes()).and_then(|()| self.file.write_all(unit.0));
                    written.map_err(LerobotError::io("write", &self.path))?;
                    size = size.saturating_add(length).saturating_add(4);
                }
            }
        }
        if let (Some(sps), Some(pps)) = (sps, pps) {
            let found = Parameters { sps, pps };
            // There is room for one description of the stream only.
            if self.parameters.get_or_insert_with(|| found.clone()) != &found {
                return Err(LerobotError::file(&self.path)("the encoder changed its parameters"));
            }
        }
        if size == 0 {
            return Err(LerobotError::file(&self.path)(format!("the encoder left out frame {number}")));
        }
        if key {
            self.keys.extend(NonZeroU32::new(number));
        }
        self.sizes.push(size);
        self.bytes += u64::from(size);
        Ok(())
    }

    /// Writes the tables, and makes the file durable.
    pub(crate) fn finish(mut self) -> Result<(), LerobotError> {
        let moov = self.moov()?.encode_to_vec().map_err(LerobotError::file(&self.path))?;
        let payload = u32::try_from(self.bytes + 8)
            .map_err(|_large| LerobotError::file(&self.path)("it has grown over 4 GiB"))?;
        let place = u64::from(self.start) - 8;
        let mut end = || {
            self.file.write_all(&moov)?;
            self.file.seek(SeekFrom::Start(place))?;
            self.file.write_all(&payload.to_be_bytes())?;
            self.file.flush()?;
            self.file.get_ref().sync_all()
        };
        end().map_err(LerobotError::io("write", &self.path))
    }

    fn moov(&self) -> Result<MoovBox, LerobotError> {
        let (scale, delta) = timescale(self.fps);
        let duration = self.sizes.len() as u64 * u64::from(delta);
        let sides = [self.width, self.height].map(i16::try_from);
        let [Ok(width), Ok(height)] = sides else {
            return Err(LerobotError::file(&self.path)("its pictures are too large"));
        };
        let epoch = Mp4FileTime::from_secs(0);
        let mvhd_box = MvhdBox {
            creation_time: epoch,
            modification_time: epoch,
            // The edit list counts in these, and would cut the last frame off if they were any coarser.
            timescale: scale,
            duration,
            rate: MvhdBox::DEFAULT_RATE,
            volume: MvhdBox::DEFAULT_VOLUME,
            matrix: MvhdBox::DEFAULT_MATRIX,
            next_track_id: 2,
        };
        let tkhd_box = TkhdBox {
            flag_track_enabled: true,
            flag_track_in_movie: true,
            flag_track_in_preview: false,
            flag_track_size_is_aspect_ratio: false,
            creation_time: epoch,
            modification_time: epoch,
            track_id: 1,
            duration,
            layer: TkhdBox::DEFAULT_LAYER,
            alternate_group: TkhdBox::DEFAULT_ALTERNATE_GROUP,
            volume: TkhdBox::DEFAULT_VIDEO_VOLUME,
            matrix: TkhdBox::DEFAULT_MATRIX,
            width: FixedPointNumber::new(width, 0),
            height: FixedPointNumber::new(height, 0),
        };
        let edit = ElstEntry {
            edit_duration: duration,
            media_time: i64::from(delta),
            media_rate: FixedPointNumber::new(1, 0),
        };
        let trak = TrakBox {
            tkhd_box,
            edts_box: Some(EdtsBox {
                elst_box: Some(ElstBox { entries: vec![edit] }),
                unknown_boxes: Vec::new(),
            }),
            mdia_box: MdiaBox {
                mdhd_box: MdhdBox {
                    creation_time: epoch,
                    modification_time: epoch,
                    timescale: scale,
                    duration,
                    language: LanguageCode::UNDEFINED,
                },
                hdlr_box: HdlrBox { handler_type: *b"vide", name: b"VideoHandler\0".to_vec() },
                minf_box: MinfBox {
                    media_header: Some(MediaHeader::Vmhd(VmhdBox::default())),
                    dinf_box: DinfBox::LOCAL_FILE,
                    stbl_box: self.tables(delta)?,
                    unknown_boxes: Vec::new(),
                },
                unknown_boxes: Vec::new(),
            },
            unknown_boxes: Vec::new(),
        };
        Ok(MoovBox { mvhd_box, trak_boxes: vec![trak], mvex_box: None, unknown_boxes: Vec::new() })
    }

    fn tables(&self, delta: u32) -> Result<StblBox, LerobotError> {
        let sample_count = u32::try_from(self.sizes.len()).map_err(LerobotError::file(&self.path))?;
        let one = NonZeroU32::MIN;
        Ok(StblBox {
            stsd_box: StsdBox { entries: vec![SampleEntry::Avc1(self.entry()?)] },
            stts_box: SttsBox { entries: vec![SttsEntry { sample_count, sample_delta: delta }] },
            ctts_box: Some(CttsBox {
                version: 0,
                entries: vec![CttsEntry { sample_count, sample_offset: i64::from(delta) }],
            }),
            cslg_box: None,
            stsc_box: StscBox {
                entries: vec![StscEntry {
                    first_chunk: one,
                    sample_per_chunk: sample_count,
                    sample_description_index: one,
                }],
            },
            stsz_box: StszBox::Variable { entry_sizes: self.sizes.clone() },
            stco_or_co64_box: Either::A(StcoBox { chunk_offsets: vec![self.start] }),
            stss_box: Some(StssBox { sample_numbers: self.keys.clone() }),
            sdtp_box: None,
            unknown_boxes: Vec::new(),
        })
    }

    fn entry(&self) -> Result<Avc1Box, LerobotError> {
        let none = || LerobotError::file(&self.path)("the encoder gave no parameters");
        let Parameters { sps, pps } = self.parameters.as_ref().ok_or_else(none)?;
        let [_, profile, compatibility, level, ..] = sps.as_slice() else { return Err(none()) };
        Ok(Avc1Box {
            visual: VisualSampleEntryFields {
                data_reference_index: NonZeroU16::MIN,
                width: self.width,
                height: self.height,
                horizresolution: VisualSampleEntryFields::DEFAULT_HORIZRESOLUTION,
                vertresolution: VisualSampleEntryFields::DEFAULT_VERTRESOLUTION,
                frame_count: VisualSampleEntryFields::DEFAULT_FRAME_COUNT,
                compressorname: VisualSampleEntryFields::NULL_COMPRESSORNAME,
                depth: VisualSampleEntryFields::DEFAULT_DEPTH,
            },
            avcc_box: AvccBox {
                avc_profile_indication: *profile,
                profile_compatibility: *compatibility,
                avc_level_indication: *level,
                length_size_minus_one: Uint::new(3),
                sps_list: vec![sps.clone()],
                pps_list: vec![pps.clone()],
                // 4:2:0, 8 bits.
                chroma_format: Some(Uint::new(1)),
                bit_depth_luma_minus8: Some(Uint::new(0)),
                bit_depth_chroma_minus8: Some(Uint::new(0)),
                sps_ext_list: Vec::new(),
            },
            unknown_boxes: Vec::new(),
        })
    }
}
