//! The folder that is being written: begun, gone on with, and given its name when it is whole.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use crate::{
    LerobotError,
    episodes::FileNumber,
    export::remove,
    journal::{FILE, Journal, Progress},
    plan::Plan,
    set::{data_path, episodes_path, video_path},
    verify::{Due, check_set},
};

pub(crate) struct Opened {
    pub(crate) dir: PathBuf,
    pub(crate) journal: Journal,
    /// What is there already.
    pub(crate) done: Progress,
    /// Why what was there is not used.
    pub(crate) begun_anew: Option<String>,
}

/// The folder that becomes `out`.
pub(crate) fn partial(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    out.with_file_name(name)
}

/// Opens the folder for `plan`. What an interrupted export of the same left in it is used, if it is sound.
pub(crate) fn open(out: &Path, plan: &Plan) -> Result<Opened, LerobotError> {
    let dir = partial(out);
    let mut begun_anew = None;
    if dir.exists() {
        if !dir.join(FILE).is_file() {
            let why = "it is no interrupted export; remove it, or give another folder";
            return Err(LerobotError::file(&dir)(why));
        }
        match Journal::resume(&dir, plan.fingerprint)? {
            Ok((journal, done)) => match tidy(&dir, plan, &done) {
                Ok(()) => return Ok(Opened { dir, journal, done, begun_anew }),
                Err(error) => begun_anew = Some(error.to_string()),
            },
            Err(why) => begun_anew = Some(why),
        }
        remove(&dir)?;
    }
    fs::create_dir_all(&dir).map_err(LerobotError::io("create", &dir))?;
    let journal = Journal::begin(&dir, plan.fingerprint)?;
    Ok(Opened { dir, journal, done: Progress::default(), begun_anew })
}

/// Looks whether the complete sets are sound, and removes what was begun after them.
fn tidy(dir: &Path, plan: &Plan, done: &Progress) -> Result<(), LerobotError> {
    let is_video = plan.pictures == crate::Pictures::Video;
    let videos: &[String] = if is_video { &plan.cameras } else { &[] };
    let mut due =
        Due { fps: plan.fps, videos, tasks: done.tasks.len() as u64, first_row: 0, first_episode: 0 };
    for number in 0..done.sets {
        let found = check_set(dir, FileNumber(number), &due)?;
        due.first_row += found.rows;
        due.first_episode += found.episodes;
    }
    if (due.first_row, due.first_episode) != (done.rows, done.episodes) {
        let why = format!("{} rows are there, and its journal says {}", due.first_row, done.rows);
        return Err(LerobotError::file(dir)(why));
    }
    let next = FileNumber(done.sets);
    let begun = [data_path(dir, next), episodes_path(dir, next)];
    let videos = videos.iter().map(|camera| video_path(dir, camera, next));
    for path in begun.into_iter().chain(videos).filter(|path| path.exists()) {
        fs::remove_file(&path).map_err(LerobotError::io("remove", &path))?;
    }
    Ok(())
}

/// Gives the complete folder its name.
pub(crate) fn publish(dir: &Path, out: &Path) -> Result<(), LerobotError> {
    if out.symlink_metadata().is_ok() {
        return Err(LerobotError::Exists { path: out.to_owned() });
    }
    fs::rename(dir, out).map_err(LerobotError::io("rename to", out))?;
    // Only now, so that what a crash leaves here can be gone on with.
    let journal = out.join(FILE);
    fs::remove_file(&journal).map_err(LerobotError::io("remove", &journal))?;
    let above = out.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(above).and_then(|dir| dir.sync_all()).map_err(LerobotError::io("sync", above))
}
