//! Whether the manifest agrees with the files.

use std::path::Path;

use super::FileVerification;
use crate::{Manifest, State};

/// Files that the manifest lists and that are not there.
pub(super) fn missing(manifest: &Manifest, dir: &Path) -> Vec<String> {
    let gone = manifest.segments.iter().filter(|entry| !dir.join(&entry.file).is_file());
    gone.map(|entry| format!("{} is missing; the manifest lists it with {} bytes", entry.file, entry.bytes))
        .collect()
}

/// Notes what the manifest says otherwise about one file.
pub(super) fn compare(manifest: &Manifest, found: &mut FileVerification) {
    let Some(entry) = manifest.segments.iter().find(|entry| entry.file == found.file) else {
        // While it is recorded, and after a crash, the last file is not listed yet.
        if manifest.state != State::Recording {
            found.manifest.push("the manifest does not list it".to_owned());
        }
        return;
    };
    found.cut_bytes = entry.cut_bytes;
    if entry.bytes != found.bytes {
        found.manifest.push(format!("the manifest says {} bytes", entry.bytes));
    }
    if entry.messages != found.messages {
        found.manifest.push(format!("the manifest says {} messages", entry.messages));
    }
}
