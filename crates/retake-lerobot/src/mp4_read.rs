//! The tables of a video file, read again.

use std::{fs::File, path::Path};

use shiguredo_mp4::{
    Either,
    boxes::{MoovBox, SampleEntry, StblBox, StszBox, TrakBox},
};

use crate::{LerobotError, mp4::timescale, track::tables};

/// What the tables of a video say, after they have been found to agree with each other and with what LeRobot needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Video {
    pub(crate) frames: u64,
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) key_frames: u64,
    pub(crate) profile: u8,
    /// Where the frames begin and end in the file.
    pub(crate) place: (u64, u64),
}

/// Reads and checks the file at `path`, whose frames must be `fps` a second.
pub(crate) fn check(path: &Path, fps: u32) -> Result<Video, LerobotError> {
    let wrong = LerobotError::file(path);
    let mut file = File::open(path).map_err(LerobotError::io("open", path))?;
    let (tables, data) = tables(&mut file, path)?;
    let data = data.ok_or_else(|| wrong("it has no frames".into()))?;
    let [track] = tables.trak_boxes.as_slice() else { return Err(wrong("it has not one track".into())) };
    let video = table(track, data).map_err(wrong)?;
    times(&tables, track, fps, video.frames).map_err(LerobotError::file(path))?;
    Ok(video)
}

/// Where frames are.
fn table(track: &TrakBox, data: (u64, u64)) -> Result<Video, String> {
    let tables = &track.mdia_box.minf_box.stbl_box;
    let [SampleEntry::Avc1(entry)] = tables.stsd_box.entries.as_slice() else {
        return Err("it is not H.264".into());
    };
    let StszBox::Variable { entry_sizes } = &tables.stsz_box else {
        return Err("its frames are all equal".into());
    };
    let frames = entry_sizes.len() as u64;
    let bytes: u64 = entry_sizes.iter().copied().map(u64::from).sum();
    let start = match &tables.stco_or_co64_box {
        Either::A(chunks) => chunks.chunk_offsets.iter().copied().map(u64::from).collect::<Vec<_>>(),
        Either::B(chunks) => chunks.chunk_offsets.clone(),
    };
    let chunked = tables.stsc_box.entries.first().map(|entry| u64::from(entry.sample_per_chunk));
    if start != [data.0] || chunked != Some(frames) || data.0 + bytes != data.1 {
        return Err("its frames are not where its tables say".into());
    }
    if entry.avcc_box.sps_list.len() != 1 || entry.avcc_box.pps_list.len() != 1 {
        return Err("it has no parameters for a decoder".into());
    }
    let keys = tables.stss_box.as_ref().map_or(&[][..], |keys| &keys.sample_numbers);
    if keys.first().map(|key| key.get()) != Some(1) {
        return Err("it does not begin with a key frame".into());
    }
    Ok(Video {
        frames,
        width: entry.visual.width,
        height: entry.visual.height,
        key_frames: keys.len() as u64,
        profile: entry.avcc_box.avc_profile_indication,
        place: data,
    })
}

/// When frames are shown: one after the other from 0 on, as many a second as they should.
fn times(tables: &MoovBox, track: &TrakBox, fps: u32, frames: u64) -> Result<(), String> {
    let fps = std::num::NonZeroU32::new(fps).ok_or("no frames a second")?;
    let (scale, delta) = timescale(fps);
    let due = frames * u64::from(delta);
    let media = &track.mdia_box.mdhd_box;
    let StblBox { stts_box, ctts_box, .. } = &track.mdia_box.minf_box.stbl_box;
    let steps: Vec<_> =
        stts_box.entries.iter().map(|entry| (u64::from(entry.sample_count), entry.sample_delta)).collect();
    let shifts: Vec<_> = ctts_box.iter().flat_map(|shifts| &shifts.entries).collect();
    let shifts: Vec<_> =
        shifts.iter().map(|entry| (u64::from(entry.sample_count), entry.sample_offset)).collect();
    let edits: Vec<_> = track
        .edts_box
        .iter()
        .filter_map(|edits| edits.elst_box.as_ref())
        .flat_map(|list| &list.entries)
        .collect();
    let edits: Vec<_> = edits.iter().map(|edit| (edit.edit_duration, edit.media_time)).collect();
    let is_right = (media.timescale, media.duration) == (scale, due)
        && (tables.mvhd_box.timescale, tables.mvhd_box.duration) == (scale, due)
        && steps == [(frames, delta)]
        && shifts == [(frames, i64::from(delta))]
        && edits == [(due, i64::from(delta))];
    if is_right {
        Ok(())
    } else {
        Err(format!("its times are not those of {frames} frames at {fps} a second"))
    }
}
