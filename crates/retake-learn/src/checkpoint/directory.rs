use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::LearnError;

/// What is done to the disk, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Beside,
    Write,
    Sync,
    Replace,
}

/// Called before each step; tests make it fail.
pub(crate) type Before<'a> = dyn FnMut(Step) -> io::Result<()> + 'a;

/// Makes `dir` hold exactly these files. Until all of them are on disk it is left as it was.
pub(super) fn write(
    dir: &Path,
    files: impl Iterator<Item = (&'static str, Vec<u8>)>,
    before: &mut Before<'_>,
) -> Result<(), LearnError> {
    let (parent, name) = place(dir)?;
    let former = former(dir)?;
    before(Step::Beside)
        .and_then(|()| fs::create_dir_all(&parent))
        .map_err(LearnError::io("create", &parent))?;
    // Removed again when this function is left, whatever it holds then.
    let beside = tempfile::Builder::new()
        .prefix(&format!(".{name}."))
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir_in(&parent)
        .map_err(LearnError::io("create a directory in", &parent))?;
    for (name, bytes) in files {
        let path = beside.path().join(name);
        let mut file = before(Step::Write)
            .and_then(|()| File::create_new(&path))
            .map_err(LearnError::io("create", &path))?;
        file.write_all(&bytes).map_err(LearnError::io("write", &path))?;
        before(Step::Sync).and_then(|()| file.sync_all()).map_err(LearnError::io("sync", &path))?;
    }
    sync(beside.path())?;
    // A former checkpoint changes places with the new one, which is then the temporary directory's fate.
    let how = if former { RenameFlags::EXCHANGE } else { RenameFlags::NOREPLACE };
    before(Step::Replace)
        .and_then(|()| Ok(renameat_with(CWD, beside.path(), CWD, dir, how)?))
        .map_err(LearnError::io("rename to", dir))?;
    if !former {
        // It is no longer there under its first name.
        let _ = beside.keep();
    }
    sync(&parent)
}

fn sync(dir: &Path) -> Result<(), LearnError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(LearnError::io("sync", dir))
}

fn place(dir: &Path) -> Result<(PathBuf, String), LearnError> {
    let name = dir.file_name().map(|name| name.to_string_lossy().into_owned());
    let Some(name) = name else {
        return Err(LearnError::checkpoint(
            dir,
            "a checkpoint needs a name of its own; give a directory to create",
        ));
    };
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    Ok((parent.unwrap_or(Path::new(".")).to_owned(), name))
}

/// Whether there is a checkpoint to replace. Something else is never replaced, since that would delete it.
fn former(dir: &Path) -> Result<bool, LearnError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(LearnError::io("read", dir)(error)),
    };
    let names = entries.map(|entry| entry.map(|entry| entry.file_name())).collect::<Result<Vec<_>, _>>();
    let names = names.map_err(LearnError::io("read", dir))?;
    // A damaged one is one, too.
    let ours = [super::MANIFEST, super::POLICY, super::TRAINING];
    if names.iter().any(|name| name == super::POLICY)
        || names.iter().all(|name| ours.iter().any(|our| name == our))
    {
        return Ok(true);
    }
    Err(LearnError::checkpoint(dir, "it holds something else, which is not replaced; give another directory"))
}

/// Reads a file of at most `most` bytes.
pub(super) fn read(path: &Path, most: u64) -> Result<Vec<u8>, LearnError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(LearnError::io("open", path))?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(LearnError::io("read", path))?;
    if bytes.len() as u64 > most {
        return Err(LearnError::checkpoint(path, format!("it is longer than {most} bytes")));
    }
    Ok(bytes)
}
