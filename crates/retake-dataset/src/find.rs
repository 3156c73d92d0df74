use std::{
    fs,
    path::{Path, PathBuf},
};

use retake_log::{LogError, Recording};

use crate::DatasetError;

/// A recording of a dataset.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name: the folder's, or the file's without `.mcap`.
    pub name: String,
    /// Where what people say about it is kept.
    pub notes: PathBuf,
    /// The recording.
    pub recording: Recording,
}

/// The recordings at `path`, by name: a recording itself, one `.mcap` file, or a folder with recordings in it.
///
/// # Errors
/// If there are none, or the system refuses to look.
pub fn find(path: &Path) -> Result<Vec<Source>, DatasetError> {
    match Recording::open(path) {
        Ok(recording) => return Ok(vec![source(path, recording)]),
        Err(LogError::NotARecording { .. }) if path.is_dir() => {}
        Err(error) => return Err(error.into()),
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(DatasetError::io("list", path))? {
        let inside = entry.map_err(DatasetError::io("list", path))?.path();
        let hidden = inside.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
        let single = inside.extension().is_some_and(|extension| extension == "mcap");
        if hidden || !(inside.is_dir() || single) {
            continue;
        }
        match Recording::open(&inside) {
            Ok(recording) => found.push(source(&inside, recording)),
            Err(LogError::NotARecording { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if found.is_empty() {
        return Err(DatasetError::Empty { path: path.to_owned() });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn source(path: &Path, recording: Recording) -> Source {
    // `.` and `..` have no name of their own.
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let single = path.is_file();
    let name = if single { real.file_stem() } else { real.file_name() };
    let name = name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let notes = if single { path.with_extension(crate::ANNOTATIONS) } else { path.join(crate::ANNOTATIONS) };
    Source { name, notes, recording }
}

/// The recordings at all of `paths`, each once.
///
/// # Errors
/// As [`find`]; and if two of them have the same name, for then attempts cannot be told apart.
pub fn select(paths: &[PathBuf]) -> Result<Vec<Source>, DatasetError> {
    let mut all: Vec<Source> = Vec::new();
    for path in paths {
        for source in find(path)? {
            let same = all.iter().find(|known| known.name == source.name);
            let real = |source: &Source| source.recording.path().canonicalize().ok();
            match same {
                Some(known) if real(known) == real(&source) => {}
                Some(known) => {
                    return Err(DatasetError::Differ {
                        first: known.recording.path().display().to_string(),
                        second: source.recording.path().display().to_string(),
                        why: "they have the same name; rename one of the folders".into(),
                    });
                }
                None => all.push(source),
            }
        }
    }
    Ok(all)
}
