//! Disks that fail.

use std::{
    io::{self, ErrorKind},
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use retake_log::{Disk, DiskFile, LocalDisk};

/// What the disk does.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// Has room for so many bytes of segments, until the reserve is given back.
    FullAfter(u64),
    /// Fails these syncs of segments, counted over all of them.
    FailSyncs(Range<u64>),
    /// Fails these appends, and leaves half of each in the file.
    FailAppends(Range<u64>),
}

#[derive(Debug, Default)]
struct Counts {
    bytes: AtomicU64,
    appends: AtomicU64,
    syncs: AtomicU64,
}

#[derive(Debug)]
pub(crate) struct TroubledDisk {
    trouble: Trouble,
    counts: Arc<Counts>,
}

impl TroubledDisk {
    pub(crate) fn new(trouble: Trouble) -> Self {
        Self { trouble, counts: Arc::default() }
    }
}

impl Disk for TroubledDisk {
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = LocalDisk.create(path)?;
        let reserve = path.with_file_name(".reserve");
        Ok(Box::new(TroubledFile {
            file,
            reserve,
            trouble: self.trouble.clone(),
            counts: Arc::clone(&self.counts),
        }))
    }
    fn sync_dir(&mut self, path: &Path) -> io::Result<()> {
        LocalDisk.sync_dir(path)
    }
    fn replace(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        LocalDisk.replace(path, bytes)
    }
    fn reserve(&mut self, path: &Path, bytes: u64) -> io::Result<()> {
        LocalDisk.reserve(path, bytes)
    }
    fn free_bytes(&self, path: &Path) -> Option<u64> {
        LocalDisk.free_bytes(path)
    }
    fn second(&self) -> Box<dyn Disk> {
        Box::new(Self { trouble: self.trouble.clone(), counts: Arc::clone(&self.counts) })
    }
}

#[derive(Debug)]
struct TroubledFile {
    file: Box<dyn DiskFile>,
    reserve: PathBuf,
    trouble: Trouble,
    counts: Arc<Counts>,
}

impl DiskFile for TroubledFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let half = &bytes[..bytes.len() / 2];
        match &self.trouble {
            Trouble::FailAppends(which)
                if which.contains(&self.counts.appends.fetch_add(1, Ordering::Relaxed)) =>
            {
                self.file.append(half)?;
                Err(io::Error::other("injected"))
            }
            Trouble::FullAfter(room) if self.reserve.exists() => {
                let len = bytes.len() as u64;
                if self.counts.bytes.load(Ordering::Relaxed) + len > *room {
                    self.file.append(half)?;
                    return Err(ErrorKind::StorageFull.into());
                }
                self.counts.bytes.fetch_add(len, Ordering::Relaxed);
                self.file.append(bytes)
            }
            Trouble::FullAfter(_) | Trouble::FailSyncs(_) | Trouble::FailAppends(_) => {
                self.file.append(bytes)
            }
        }
    }
    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.file.cut(len)
    }
    fn sync(&mut self) -> io::Result<()> {
        match &self.trouble {
            Trouble::FailSyncs(which)
                if which.contains(&self.counts.syncs.fetch_add(1, Ordering::Relaxed)) =>
            {
                Err(io::Error::other("injected"))
            }
            Trouble::FullAfter(_) | Trouble::FailSyncs(_) | Trouble::FailAppends(_) => self.file.sync(),
        }
    }
    fn second(&self) -> io::Result<Box<dyn DiskFile>> {
        let (reserve, trouble) = (self.reserve.clone(), self.trouble.clone());
        Ok(Box::new(Self { file: self.file.second()?, reserve, trouble, counts: Arc::clone(&self.counts) }))
    }
}

/// Unmounts when dropped.
pub(crate) struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.0, rustix::mount::UnmountFlags::DETACH);
    }
}

/// Mounts a memory file system of `bytes` on `path`; `None` where that is not allowed.
pub(crate) fn small_tmpfs(path: &Path, bytes: u64) -> Option<Mounted> {
    let options = std::ffi::CString::new(format!("size={bytes}")).ok()?;
    let flags = rustix::mount::MountFlags::empty();
    rustix::mount::mount("tmpfs", path, "tmpfs", flags, options.as_c_str()).ok()?;
    Some(Mounted(path.to_owned()))
}
