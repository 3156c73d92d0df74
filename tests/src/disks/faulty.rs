//! A disk that refuses what it is told to refuse.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use retake_log::{Disk, DiskFile, LocalDisk};

/// What can be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// A new file.
    Create,
    /// More bytes.
    Append,
    /// Making them durable.
    Sync,
    /// Making names durable.
    SyncDir,
    /// The manifest.
    Replace,
    /// Shortening a file after an append failed.
    Cut,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Create, Self::Append, Self::Sync, Self::SyncDir, Self::Replace, Self::Cut];
}

/// Which operations fail, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultPlan {
    /// What fails; all appends of that time fail as well if it is a cut, because a cut follows only on one of them.
    pub operation: Operation,
    /// The first that fails, counted from 0 over all files.
    pub first: u64,
    /// How many fail in a row.
    pub times: u64,
    /// The system's number of the error.
    pub errno: i32,
    /// A failing append leaves this share of its bytes, in percent.
    pub short: usize,
    /// Bytes that all files together may take, the reserve included; no bound if none.
    pub room: Option<u64>,
}

/// What is known of one file.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    len: u64,
    synced: u64,
    /// An append or a sync failed, for another reason than a full disk.
    failed: bool,
    /// Whoever appends was told of it at once, and not when they next asked.
    told: bool,
}

#[derive(Debug, Default)]
struct State {
    counts: BTreeMap<Operation, u64>,
    fired: u64,
    files: BTreeMap<PathBuf, Known>,
    /// Names that a power cut would leave.
    names: Vec<PathBuf>,
    reserve: Option<(PathBuf, u64)>,
    violations: Vec<String>,
}

/// The local disk with faults.
#[derive(Clone, Debug)]
pub struct FaultyDisk {
    plan: FaultPlan,
    state: Arc<Mutex<State>>,
}

impl FaultyDisk {
    /// A disk that follows `plan`.
    #[must_use]
    pub fn new(plan: FaultPlan) -> Self {
        Self { plan, state: Arc::default() }
    }

    /// Operations that were refused so far.
    #[must_use]
    pub fn fired(&self) -> u64 {
        self.state.lock().unwrap().fired
    }

    /// Files that were written to, or synced again, after they had failed.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.state.lock().unwrap().violations.clone()
    }

    /// Takes away everything that was not made durable.
    pub fn cut_power(&self) {
        let state = self.state.lock().unwrap();
        for (path, known) in &state.files {
            if state.names.contains(path) && path.exists() {
                fs::OpenOptions::new().write(true).open(path).unwrap().set_len(known.synced).unwrap();
            } else {
                // It may be gone already.
                drop(fs::remove_file(path));
            }
        }
    }

    /// The error, if this operation is to fail.
    fn meet(&self, operation: Operation) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        let count = state.counts.entry(operation).or_default();
        let number = *count;
        *count += 1;
        let range = self.plan.first..self.plan.first.saturating_add(self.plan.times);
        let planned = self.plan.operation == operation
            || (self.plan.operation == Operation::Cut && operation == Operation::Append);
        // A cut is rare: each of them fails once it is to fail at all.
        let meant = planned && (range.contains(&number) || operation == Operation::Cut);
        if !meant {
            return Ok(());
        }
        state.fired += 1;
        Err(io::Error::from_raw_os_error(self.plan.errno))
    }

    /// The error, if `more` bytes do not fit.
    fn room(&self, more: u64) -> io::Result<()> {
        let Some(room) = self.plan.room else { return Ok(()) };
        let mut state = self.state.lock().unwrap();
        let reserved =
            state.reserve.as_ref().filter(|(path, _)| path.exists()).map_or(0, |(_, bytes)| *bytes);
        let taken: u64 = state.files.values().map(|known| known.len).sum();
        if taken + reserved + more <= room {
            return Ok(());
        }
        state.fired += 1;
        Err(io::ErrorKind::StorageFull.into())
    }
}

impl Disk for FaultyDisk {
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.meet(Operation::Create)?;
        let file = LocalDisk.create(path)?;
        self.state.lock().unwrap().files.insert(path.to_owned(), Known::default());
        Ok(Box::new(FaultyFile { file, path: path.to_owned(), disk: self.clone(), far: None }))
    }

    fn sync_dir(&mut self, path: &Path) -> io::Result<()> {
        self.meet(Operation::SyncDir)?;
        let mut state = self.state.lock().unwrap();
        let there: Vec<PathBuf> =
            state.files.keys().filter(|file| file.parent() == Some(path)).cloned().collect();
        state.names.extend(there);
        Ok(())
    }

    fn replace(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.meet(Operation::Replace)?;
        fs::write(path, bytes)
    }

    fn reserve(&mut self, path: &Path, bytes: u64) -> io::Result<()> {
        self.room(bytes)?;
        self.state.lock().unwrap().reserve = Some((path.to_owned(), bytes));
        fs::write(path, [])
    }

    fn free_bytes(&self, path: &Path) -> Option<u64> {
        LocalDisk.free_bytes(path)
    }

    fn second(&self) -> Box<dyn Disk> {
        Box::new(self.clone())
    }
}

#[derive(Debug)]
struct FaultyFile {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    disk: FaultyDisk,
    /// The handle of a sync that another thread does, and whether something had failed before that was begun.
    far: Option<bool>,
}

impl FaultyFile {
    fn known(&self, change: impl FnOnce(&mut Known)) {
        let mut state = self.disk.state.lock().unwrap();
        change(state.files.entry(self.path.clone()).or_default());
    }

    /// Appends part of what fails, as disks do.
    fn fail(&mut self, bytes: &[u8], error: io::Error) -> io::Error {
        let part = &bytes[..bytes.len() * self.disk.plan.short.min(100) / 100];
        self.file.append(part).unwrap();
        let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        self.known(|known| {
            known.len += part.len() as u64;
            known.failed |= !full;
            known.told |= !full;
        });
        error
    }

    fn read(&self) -> Known {
        self.disk.state.lock().unwrap().files.get(&self.path).copied().unwrap_or_default()
    }

    fn violates(&self, what: &str) {
        let text = format!("{what} after a failure: {}", self.path.display());
        self.disk.state.lock().unwrap().violations.push(text);
    }
}

impl DiskFile for FaultyFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.read().told {
            self.violates("append");
        }
        let len = bytes.len() as u64;
        if let Err(error) = self.disk.meet(Operation::Append).and_then(|()| self.disk.room(len)) {
            return Err(self.fail(bytes, error));
        }
        self.file.append(bytes)?;
        self.known(|known| known.len += len);
        Ok(())
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.disk.meet(Operation::Cut)?;
        self.file.cut(len)?;
        self.known(|known| (known.len, known.synced) = (len, known.synced.min(len)));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.far.unwrap_or_else(|| self.read().failed) {
            self.violates("sync");
        }
        if let Err(error) = self.disk.meet(Operation::Sync) {
            self.known(|known| (known.failed, known.told) = (true, known.told || self.far.is_none()));
            return Err(error);
        }
        self.known(|known| known.synced = known.len);
        Ok(())
    }

    fn second(&self) -> io::Result<Box<dyn DiskFile>> {
        let file = self.file.second()?;
        let far = Some(self.read().failed);
        Ok(Box::new(Self { file, path: self.path.clone(), disk: self.disk.clone(), far }))
    }
}
