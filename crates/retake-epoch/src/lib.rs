//! Epochs that no restart repeats.
//!
//! A robot's driver refuses commands of an epoch older than the newest it has seen. So an arbiter that starts must begin above
//! everything that an earlier one used, also after a crash, and also when the clock was set back. [`reserve`] keeps, in a file
//! per robot, a bound that is raised and on disk before the arbiter may use what lies below it.
//!
//! Nothing here is done while the robot is driven: it is read and written once, before the start.

use std::{
    env,
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use retake_units::{Epoch, WallTime};

/// Epochs reserved for one run. Each change of authority uses one: at a thousand in a second this lasts for seven weeks.
const BLOCK: u64 = 1 << 32;
const BOUND: &str = "epoch";
const NEXT: &str = "epoch.new";
const LOCK: &str = "lock";

/// The arbiter may not start.
#[derive(Debug, thiserror::Error)]
pub enum EpochError {
    /// Another arbiter of this robot runs on this machine.
    #[error("another arbiter of this robot is running on this machine: {path} is locked; stop it first")]
    InUse {
        /// The lock.
        path: PathBuf,
    },
    /// The file holds something else.
    #[error(
        "{path} is damaged, so it is not known which epochs were used with this robot: stop the robot's driver, remove the file, and start both again"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Every epoch has been used.
    #[error(
        "{path} says that no epoch is left: stop the robot's driver, remove the file, and start both again"
    )]
    Exhausted {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error(
        "cannot {what} {path}: {source}; without it a restart could repeat an epoch, so make it writable, or set state_dir"
    )]
    Io {
        /// The operation.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing says where state is kept.
    #[error(
        "neither XDG_STATE_HOME nor HOME is set: set state_dir to a directory in which the last epoch is kept"
    )]
    NoDirectory,
}

/// Epochs that are this arbiter's alone. No other arbiter of the robot can start on this machine while it lives.
#[derive(Debug)]
pub struct Reserved {
    first: Epoch,
    _lock: File,
}

impl Reserved {
    /// The first of them: higher than any that was used with the robot before.
    pub const fn first(&self) -> Epoch {
        self.first
    }
}

/// Where a robot's state is kept unless the deployment says otherwise: `$XDG_STATE_HOME/retake/ROBOT`, or
/// `~/.local/state/retake/ROBOT`.
///
/// # Errors
/// If neither variable is set.
pub fn default_dir(robot: &str) -> Result<PathBuf, EpochError> {
    dir_from(env::var_os("XDG_STATE_HOME"), env::var_os("HOME"), robot)
}

fn dir_from(state: Option<OsString>, home: Option<OsString>, robot: &str) -> Result<PathBuf, EpochError> {
    // The specification says that a relative path is to be ignored.
    let absolute = |value: OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
    let state = state
        .and_then(absolute)
        .or_else(|| home.and_then(absolute).map(|home| home.join(".local/state")))
        .ok_or(EpochError::NoDirectory)?;
    Ok(state.join("retake").join(robot))
}

/// Reserves epochs for an arbiter that starts at `now`, with what is known of earlier ones in `dir`.
///
/// The time of day, in nanoseconds, is the least: if the file is lost, the epochs still go up.
///
/// # Errors
/// If another arbiter holds the directory, or the bound cannot be read, raised and put on disk. Then nothing may start.
pub fn reserve(dir: &Path, now: WallTime) -> Result<Reserved, EpochError> {
    reserve_by(dir, now, &mut |_| Ok(()))
}

/// What is done to the disk, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Directory,
    Lock,
    Read,
    Create,
    Write,
    Sync,
    Rename,
    SyncDirectory,
}

/// As [`reserve`]; `before` is asked before each step, and what it refuses is not done.
fn reserve_by(
    dir: &Path,
    now: WallTime,
    before: &mut dyn FnMut(Step) -> io::Result<()>,
) -> Result<Reserved, EpochError> {
    let [bound, next, lock] = [BOUND, NEXT, LOCK].map(|name| dir.join(name));
    before(Step::Directory).and_then(|()| fs::create_dir_all(dir)).map_err(failed("create", dir))?;
    let held = before(Step::Lock)
        .and_then(|()| OpenOptions::new().create(true).truncate(false).write(true).open(&lock))
        .map_err(failed("open", &lock))?;
    match held.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(EpochError::InUse { path: lock }),
        Err(TryLockError::Error(source)) => return Err(failed("lock", &lock)(source)),
    }
    before(Step::Read).map_err(failed("read", &bound))?;
    let first = stored(&bound)?.unwrap_or(0).max(now.nanos()).max(1);
    let Some(raised) = first.checked_add(BLOCK) else { return Err(EpochError::Exhausted { path: bound }) };
    before(Step::Create).map_err(failed("create", &next))?;
    let mut file = File::create(&next).map_err(failed("create", &next))?;
    before(Step::Write)
        .and_then(|()| file.write_all(text(raised).as_bytes()))
        .map_err(failed("write", &next))?;
    before(Step::Sync).and_then(|()| file.sync_all()).map_err(failed("sync", &next))?;
    before(Step::Rename).and_then(|()| fs::rename(&next, &bound)).map_err(failed("rename", &next))?;
    before(Step::SyncDirectory).and_then(|()| File::open(dir)?.sync_all()).map_err(failed("sync", dir))?;
    Ok(Reserved { first: Epoch(first), _lock: held })
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EpochError {
    move |source| EpochError::Io { what, path: path.to_owned(), source }
}

/// Twice, so that a change of either is noticed.
fn text(bound: u64) -> String {
    format!("{bound}\n{bound}\n")
}

/// Everything used so far is below this; `None` if nothing was stored.
fn stored(path: &Path) -> Result<Option<u64>, EpochError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed("read", path)(source)),
    };
    let found = std::str::from_utf8(&bytes).ok().and_then(|text| text.lines().next()?.parse().ok());
    match found {
        Some(bound) if text(bound).as_bytes() == bytes => Ok(Some(bound)),
        Some(_) | None => Err(EpochError::Damaged { path: path.to_owned() }),
    }
}

#[cfg(test)]
mod tests;
