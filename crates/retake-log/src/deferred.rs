//! A disk whose syncs another thread waits for, so that a slow one keeps nobody from appending.

use std::{
    collections::VecDeque,
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use crate::{Disk, DiskFile, LogError};

enum Job {
    File { path: PathBuf, file: Box<dyn DiskFile> },
    Names(PathBuf),
    Small { path: PathBuf, bytes: Vec<u8> },
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    begun: u64,
    done: u64,
    /// The first that failed. Nothing after it is tried before somebody has heard of it.
    failed: Option<LogError>,
    /// Nothing follows.
    ended: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, job: Job) {
        let mut state = self.lock();
        state.begun += 1;
        if state.ended {
            state.failed = Some(died());
        } else {
            state.jobs.push_back(job);
        }
        drop(state);
        self.changed.notify_all();
    }

    fn waited(&self, until: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let waiting = |state: &mut State| !until(state);
        self.changed.wait_while(self.lock(), waiting).unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what was begun, one after the other, until nothing follows.
    fn work(&self, disk: &mut dyn Disk) {
        loop {
            let mut state = self.waited(|state| state.ended || state.has_work());
            let Some(job) = state.jobs.pop_front().filter(|_| state.failed.is_none()) else {
                if state.ended {
                    return;
                }
                continue;
            };
            drop(state);
            let result = job.run(disk);
            let mut state = self.lock();
            match result {
                Ok(()) => state.done += 1,
                Err(error) => state.failed = Some(error),
            }
            drop(state);
            self.changed.notify_all();
        }
    }
}

/// Tells of the thread's end, however it comes: who waits for it must not wait for ever.
struct Ends(Arc<Shared>);

impl Drop for Ends {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.ended = true;
        if std::thread::panicking() {
            state.failed = Some(died());
        }
        drop(state);
        self.0.changed.notify_all();
    }
}

fn died() -> LogError {
    LogError::io("sync", Path::new("the recording"))(io::Error::other("the thread that syncs has died"))
}

impl State {
    fn has_work(&self) -> bool {
        self.failed.is_none() && !self.jobs.is_empty()
    }

    /// How many are done; or, once, what failed. What was begun after that is forgotten, and counts neither as done nor as begun.
    fn progress(&mut self) -> Result<u64, LogError> {
        let Some(error) = self.failed.take() else { return Ok(self.done) };
        self.jobs.clear();
        self.begun = self.done;
        Err(error)
    }
}

impl Job {
    fn run(self, disk: &mut dyn Disk) -> Result<(), LogError> {
        match self {
            // Of a file that could not be synced nothing is known any more, whatever the reason.
            Self::File { path, mut file } => file.sync().map_err(LogError::io("sync", &path)),
            Self::Names(path) => disk.sync_dir(&path).map_err(LogError::write("sync", &path)),
            Self::Small { path, bytes } => {
                disk.replace(&path, &bytes).map_err(LogError::write("write", &path))
            }
        }
    }
}

/// Another disk, on which syncs of files and names, and small files, are done in their order by a thread of its own. Each returns at
/// once; [`Disk::synced`] tells how many are done.
pub struct DeferredDisk {
    disk: Box<dyn Disk>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for DeferredDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeferredDisk").field("disk", &self.disk).finish_non_exhaustive()
    }
}

impl DeferredDisk {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn new(disk: Box<dyn Disk>) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (mut far, work) = (disk.second(), Ends(Arc::clone(&shared)));
        let thread =
            std::thread::Builder::new().name("sync".to_owned()).spawn(move || work.0.work(&mut *far))?;
        Ok(Self { disk, shared, thread: Some(thread) })
    }
}

impl Drop for DeferredDisk {
    /// Waits until all that was begun is done.
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // If it panicked nobody is told that anything is durable.
            let _ = thread.join();
        }
    }
}

impl Disk for DeferredDisk {
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = self.disk.create(path)?;
        Ok(Box::new(DeferredFile { path: path.to_owned(), file, shared: Arc::clone(&self.shared) }))
    }

    fn sync_dir(&mut self, path: &Path) -> io::Result<()> {
        self.shared.begin(Job::Names(path.to_owned()));
        Ok(())
    }

    fn replace(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.shared.begin(Job::Small { path: path.to_owned(), bytes: bytes.to_vec() });
        Ok(())
    }

    fn reserve(&mut self, path: &Path, bytes: u64) -> io::Result<()> {
        self.disk.reserve(path, bytes)
    }

    fn free_bytes(&self, path: &Path) -> Option<u64> {
        self.disk.free_bytes(path)
    }

    fn second(&self) -> Box<dyn Disk> {
        self.disk.second()
    }

    fn begun(&self) -> u64 {
        self.shared.lock().begun
    }

    fn synced(&mut self) -> Result<u64, LogError> {
        self.shared.lock().progress()
    }

    fn wait(&mut self) -> Result<u64, LogError> {
        self.shared.waited(|state| state.failed.is_some() || state.done >= state.begun).progress()
    }
}

#[derive(Debug)]
struct DeferredFile {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    shared: Arc<Shared>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl DiskFile for DeferredFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.append(bytes)
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.file.cut(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        let file = self.file.second()?;
        self.shared.begin(Job::File { path: self.path.clone(), file });
        Ok(())
    }

    fn second(&self) -> io::Result<Box<dyn DiskFile>> {
        self.file.second()
    }
}
