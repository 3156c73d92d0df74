//! The few file operations that recordings are written with, behind a trait so that tests can make them fail.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write},
    path::Path,
};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use crate::LogError;

/// Where recordings are written.
pub trait Disk: Send + fmt::Debug {
    /// Creates a file that does not exist yet, for appending.
    ///
    /// # Errors
    /// What the system says.
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// What the system says.
    fn sync_dir(&mut self, path: &Path) -> io::Result<()>;

    /// Puts a whole small file in place, durably, so that a reader sees the old one or the new one.
    ///
    /// # Errors
    /// What the system says.
    fn replace(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Creates a file of `bytes` whose space is really taken.
    ///
    /// # Errors
    /// What the system says.
    fn reserve(&mut self, path: &Path, bytes: u64) -> io::Result<()>;

    /// Bytes that may still be written below `path`, if the system tells.
    fn free_bytes(&self, path: &Path) -> Option<u64>;

    /// The same disk, for another thread.
    fn second(&self) -> Box<dyn Disk>;

    /// How many syncs of files and names, and small files put in place, were begun. A disk that returns from them only when they are
    /// done need not count.
    fn begun(&self) -> u64 {
        0
    }

    /// How many of those that were begun are done, in their order.
    ///
    /// # Errors
    /// Once, what failed. Those begun after it were not tried, and do not count as begun.
    fn synced(&mut self) -> Result<u64, LogError> {
        Ok(0)
    }

    /// As [`Self::synced`], when all are done or one has failed.
    ///
    /// # Errors
    /// As [`Self::synced`].
    fn wait(&mut self) -> Result<u64, LogError> {
        Ok(0)
    }
}

/// A file that only grows.
pub trait DiskFile: Send + fmt::Debug {
    /// Appends all of `bytes`; after an error an unknown part of them is there.
    ///
    /// # Errors
    /// What the system says.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file back to `len`.
    ///
    /// # Errors
    /// What the system says.
    fn cut(&mut self, len: u64) -> io::Result<()>;

    /// Returns when all that was appended survives a power cut.
    ///
    /// # Errors
    /// What the system says; after that nothing is known about what was appended since the last success.
    fn sync(&mut self) -> io::Result<()>;

    /// The same file, for another thread.
    ///
    /// # Errors
    /// What the system says.
    fn second(&self) -> io::Result<Box<dyn DiskFile>>;
}

/// The real thing.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalDisk;

impl Disk for LocalDisk {
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(LocalFile(OpenOptions::new().append(true).create_new(true).open(path)?)))
    }

    fn sync_dir(&mut self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn replace(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let beside = path.with_extension("tmp");
        let mut file = create_again(&beside, b"{")?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        path.parent().map_or(Ok(()), |dir| self.sync_dir(dir))
    }

    fn reserve(&mut self, path: &Path, bytes: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
        match fallocate(&file, FallocateFlags::empty(), 0, bytes) {
            Ok(()) => Ok(()),
            // Some file systems cannot preallocate; zeros take the space as well.
            Err(rustix::io::Errno::OPNOTSUPP) => fill(file, bytes),
            Err(errno) => Err(errno.into()),
        }
    }

    fn free_bytes(&self, path: &Path) -> Option<u64> {
        statvfs(path).ok().map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn second(&self) -> Box<dyn Disk> {
        Box::new(*self)
    }
}

/// Creates a directory, with those above it, and makes the names of all that are new durable: otherwise a power cut could
/// take everything in them.
pub(crate) fn create_dirs(dir: &Path, disk: &mut dyn Disk) -> Result<(), LogError> {
    let is_new = |dir: &&Path| !dir.as_os_str().is_empty() && !dir.exists();
    let new: Vec<&Path> = dir.ancestors().take_while(is_new).collect();
    fs::create_dir_all(dir).map_err(LogError::write("create", dir))?;
    for dir in new {
        let above = dir.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        disk.sync_dir(above).map_err(LogError::write("sync", above))?;
    }
    Ok(())
}

/// Creates a working file where an earlier run may have left its own. What does not begin as ours does is not touched.
///
/// # Errors
/// If something else is in the way, or what the system says.
pub(crate) fn create_again(path: &Path, begins: &[u8]) -> io::Result<File> {
    match fs::symlink_metadata(path) {
        Ok(about) => {
            let mut head = Vec::new();
            if about.is_file() {
                File::open(path)?.take(begins.len() as u64).read_to_end(&mut head)?;
            }
            // A leftover may be as short as it likes.
            if !about.is_file() || !begins.starts_with(&head) {
                return Err(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    "something that is not ours has that name; move it away",
                ));
            }
            fs::remove_file(path)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // Never through a link that somebody put there meanwhile.
    OpenOptions::new().write(true).create_new(true).open(path)
}

fn fill(mut file: File, bytes: u64) -> io::Result<()> {
    io::copy(&mut io::repeat(0).take(bytes), &mut file)?;
    file.sync_data()
}

#[derive(Debug)]
struct LocalFile(File);

impl DiskFile for LocalFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn second(&self) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(Self(self.0.try_clone()?)))
    }
}
