use std::{
    fs, io,
    path::{Path, PathBuf},
};

use retake_log::{MANIFEST, Manifest, State};

use crate::{DatasetError, Source};

/// What [`merge`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Recordings that were added.
    pub recordings: usize,
    /// Files of theirs that share their space with the originals.
    pub linked: usize,
    /// Files that had to be copied.
    pub copied: usize,
}

/// Puts recordings together into the folder `out`, each with what people said about it. Files are linked where the system can, and
/// copied otherwise; notes are always copied, so that what is said about one copy is not said about the other.
///
/// # Errors
/// If one is still being recorded, or there is something else of its name; nothing of that recording is then there. `progress` is
/// told each recording's name.
pub fn merge(out: &Path, sources: &[Source], mut progress: impl FnMut(&str)) -> Result<Merged, DatasetError> {
    fs::create_dir_all(out).map_err(DatasetError::io("create", out))?;
    for source in sources {
        if is_written(source)? {
            return Err(DatasetError::Refused(format!(
                "{} is still being recorded, or was cut off: finish it, or run `retake log repair` on it",
                source.recording.path().display()
            )));
        }
        let to = target(out, source);
        if to.exists() {
            return Err(DatasetError::Differ {
                first: source.recording.path().display().to_string(),
                second: to.display().to_string(),
                why: "there is already something of that name".into(),
            });
        }
    }
    let mut merged = Merged::default();
    for source in sources {
        progress(&source.name);
        let to = target(out, source);
        if source.recording.path().is_file() {
            place(source.recording.path(), &to, &mut merged)?;
            if source.notes.exists() {
                let notes = to.with_extension(crate::ANNOTATIONS);
                fs::copy(&source.notes, &notes).map_err(DatasetError::io("copy to", &notes))?;
            }
        } else {
            folder(source, &to, &mut merged)?;
        }
        merged.recordings += 1;
    }
    Ok(merged)
}

fn target(out: &Path, source: &Source) -> PathBuf {
    let single = source.recording.path().is_file();
    out.join(if single { format!("{}.mcap", source.name) } else { source.name.clone() })
}

fn is_written(source: &Source) -> Result<bool, DatasetError> {
    let path = source.recording.path();
    let manifest = if path.is_dir() { Manifest::read(path)? } else { None };
    Ok(manifest.is_some_and(|manifest| manifest.state == State::Recording))
}

/// First beside its place, and there only when it is whole.
fn folder(source: &Source, to: &Path, merged: &mut Merged) -> Result<(), DatasetError> {
    let beside = to.with_extension("merging");
    match fs::remove_dir_all(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(DatasetError::io("remove", &beside)(error));
        }
        Ok(()) | Err(_) => {}
    }
    fs::create_dir(&beside).map_err(DatasetError::io("create", &beside))?;
    for file in source.recording.files() {
        let name = file.file_name().unwrap_or_default();
        place(file, &beside.join(name), merged)?;
    }
    for small in [source.recording.path().join(MANIFEST), source.notes.clone()] {
        if small.exists() {
            let to = beside.join(small.file_name().unwrap_or_default());
            fs::copy(&small, &to).map_err(DatasetError::io("copy to", &to))?;
        }
    }
    fs::rename(&beside, to).map_err(DatasetError::io("rename to", to))
}

fn place(from: &Path, to: &Path, merged: &mut Merged) -> Result<(), DatasetError> {
    if fs::hard_link(from, to).is_ok() {
        merged.linked += 1;
        return Ok(());
    }
    fs::copy(from, to).map_err(DatasetError::io("copy to", to))?;
    merged.copied += 1;
    Ok(())
}
