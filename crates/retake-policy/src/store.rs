//! Checkpoints beside each other, one of which is announced.
//!
//! A store is a folder of checkpoints with a file `serving.json` that names the one to serve and those that were served before.
//! Announcing is a file and no message, so that it survives whoever serves: a policy node that is started again comes up with what
//! was announced last. The file is replaced as a whole.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use retake_learn::{LearnError, Manifest, Policy};
use serde::{Deserialize, Serialize};

const SERVING: &str = "serving.json";
const MANIFEST: &str = "manifest.json";
/// A larger file is not one of ours.
const MAX_BYTES: u64 = 1 << 20;
/// Versions one can go back to.
const FORMER: usize = 100;

/// What is served.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Serving {
    /// Name of the announced checkpoint's folder.
    pub version: String,
    /// What was announced before it, newest last.
    #[serde(default)]
    pub former: Vec<String>,
}

/// A folder of checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    dir: PathBuf,
}

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refused.
    #[error("cannot {what} {path}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is not as it should be.
    #[error("{path} is damaged or no announcement ({why}); announce a checkpoint again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Nothing is there.
    #[error("no checkpoint of {0} is announced; `retake policy announce {0}/NAME` announces one")]
    Nothing(PathBuf),
    /// There is nothing to go back to.
    #[error("nothing was announced in {0} before the present version")]
    NoFormer(PathBuf),
    /// It is no checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] LearnError),
}

impl Store {
    /// The store in a folder.
    pub fn at(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// The store that a checkpoint is in.
    pub fn of(checkpoint: &Path) -> Self {
        let parent = checkpoint.parent().filter(|parent| !parent.as_os_str().is_empty());
        Self::at(parent.unwrap_or(Path::new(".")))
    }

    /// Folder of a checkpoint.
    pub fn path(&self, version: &str) -> PathBuf {
        self.dir.join(version)
    }

    /// What is announced; none if nothing was ever.
    ///
    /// # Errors
    /// If the file cannot be read, or is damaged.
    pub fn serving(&self) -> Result<Option<Serving>, StoreError> {
        let path = self.dir.join(SERVING);
        match fs::metadata(&path) {
            Ok(about) if about.len() > MAX_BYTES => {
                return Err(StoreError::Damaged { path, why: "it is too large".into() });
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StoreError::Io { what: "read", path, source }),
        }
        let bytes =
            fs::read(&path).map_err(|source| StoreError::Io { what: "read", path: path.clone(), source })?;
        let serving: Serving = serde_json::from_slice(&bytes)
            .map_err(|error| StoreError::Damaged { path: path.clone(), why: error.to_string() })?;
        // A name, and not a way out of the folder.
        let plain = |name: &String| Path::new(name).file_name().is_some_and(|last| last == name.as_str());
        if std::iter::once(&serving.version).chain(&serving.former).all(plain) {
            Ok(Some(serving))
        } else {
            Err(StoreError::Damaged { path, why: "it names no folder beside it".into() })
        }
    }

    /// Announces a checkpoint of the store, after having read it whole: it is served from the next episode on.
    ///
    /// # Errors
    /// If it is no checkpoint, or the announcement cannot be written. Then what was announced still is.
    pub fn announce(&self, version: &str) -> Result<Manifest, StoreError> {
        let (_, manifest) = Policy::load(&self.path(version))?;
        let mut serving = self.serving()?.unwrap_or_default();
        if serving.version != version {
            let before = std::mem::replace(&mut serving.version, version.to_owned());
            serving.former.extend(Some(before).filter(|before| !before.is_empty()));
            let old = serving.former.len().saturating_sub(FORMER);
            serving.former.drain(..old);
            self.write(&serving)?;
        }
        Ok(manifest)
    }

    /// Goes back to what was announced before, and says what that is.
    ///
    /// # Errors
    /// If there is nothing, it is no longer a checkpoint, or the announcement cannot be written. Then nothing changes.
    pub fn back(&self) -> Result<String, StoreError> {
        let mut serving = self.serving()?.ok_or_else(|| StoreError::Nothing(self.dir.clone()))?;
        serving.version = serving.former.pop().ok_or_else(|| StoreError::NoFormer(self.dir.clone()))?;
        Policy::load(&self.path(&serving.version))?;
        self.write(&serving)?;
        Ok(serving.version)
    }

    /// Names of the checkpoints, sorted.
    ///
    /// # Errors
    /// If the folder cannot be listed.
    pub fn versions(&self) -> Result<Vec<String>, StoreError> {
        let listed = |source| StoreError::Io { what: "list", path: self.dir.clone(), source };
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(listed)? {
            let path = entry.map_err(listed)?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            names.extend(name.filter(|name| !name.starts_with('.') && path.join(MANIFEST).is_file()));
        }
        names.sort();
        Ok(names)
    }

    fn write(&self, serving: &Serving) -> Result<(), StoreError> {
        let path = self.dir.join(SERVING);
        let io = |what| move |source| StoreError::Io { what, path: self.dir.join(SERVING), source };
        let mut file = tempfile::NamedTempFile::new_in(&self.dir).map_err(io("write"))?;
        let text = serde_json::to_vec_pretty(serving).map_err(std::io::Error::other).map_err(io("write"))?;
        file.write_all(&text).and_then(|()| file.as_file().sync_all()).map_err(io("write"))?;
        file.persist(&path).map_err(|error| io("replace")(error.error))?;
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(io("sync"))
    }
}

/// Whether a folder is a checkpoint itself.
pub(crate) fn is_checkpoint(dir: &Path) -> bool {
    dir.join(MANIFEST).is_file()
}
