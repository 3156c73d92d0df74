//! Real disks that are full or may not be written to: it is told at once, what was acknowledged is kept, and the exit code says that
//! something was lost.

use std::{
    ffi::CString,
    path::{Path, PathBuf},
};

use rustix::{
    mount::{MountFlags, UnmountFlags, mount, unmount},
    process::Signal,
};
use tempfile::TempDir;

use crate::{
    deployment::{Launched, Plan},
    process::{alone, names_in, retake, wait_for},
    story::told,
};

/// A memory file system, unmounted when dropped.
struct Mounted(PathBuf);

impl Mounted {
    /// `None`, with a word about it, where mounting is not allowed.
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    fn new(path: &Path, bytes: u64, flags: MountFlags) -> Option<Self> {
        std::fs::create_dir_all(path).unwrap();
        let options = CString::new(format!("size={bytes}")).unwrap();
        match mount("tmpfs", path, "tmpfs", flags, options.as_c_str()) {
            Ok(()) => Some(Self(path.to_owned())),
            Err(error) => {
                eprintln!("skipped: mounting is not allowed here ({error})");
                None
            }
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _gone = unmount(&self.0, UnmountFlags::DETACH);
    }
}

/// Closed from the reserve, whole, and without a hole.
#[track_caller]
fn assert_closed(recording: &Path) {
    let info = told(recording).info;
    assert_eq!((info.state.as_str(), info.missing_ticks), ("closed", 0), "{info:?}");
    assert!(info.ticks > 10 && info.integrity.is_whole(), "{info:?}");
}

const DEMO: [&str; 9] =
    ["demo", "--policy", "expert", "--operator", "none", "--episodes", "100000", "--record", "rec"];

#[test]
fn a_demo_on_a_full_disk_says_so_and_ends_with_its_own_code() {
    let dir = TempDir::new().unwrap();
    // The reserve is 16 MiB.
    let Some(_mounted) = Mounted::new(&dir.path().join("rec"), 17 << 20, MountFlags::empty()) else { return };
    let ended = retake(
        dir.path(),
        &[&DEMO[..], &["--lockstep", "--no-cameras", "--seconds", "90", "--json"]].concat(),
    );
    assert_eq!(ended.status.code(), Some(3), "{ended:?}");
    assert!(
        ended.err.contains("no space left") && ended.err.contains("not everything was recorded"),
        "{ended:?}"
    );
    let summary: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert!(summary["messages_lost"].as_u64() > Some(0), "{summary}");
    assert_closed(&dir.path().join(summary["recording"].as_str().unwrap()));
}

#[test]
fn a_disk_that_has_no_room_at_all_or_is_read_only_is_refused_before_anything_starts() {
    let dir = TempDir::new().unwrap();
    let rec = dir.path().join("rec");
    let more = ["--lockstep", "--seconds", "1"];
    for (flags, words) in
        [(MountFlags::empty(), "no space left"), (MountFlags::RDONLY, "Read-only file system")]
    {
        let Some(_mounted) = Mounted::new(&rec, 4 << 20, flags) else { return };
        let ended = retake(dir.path(), &[&DEMO[..], &more].concat());
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        ended.assert_refused(&["cannot record in rec", words]);
    }
}

#[test]
fn a_deployment_on_a_full_disk_tells_while_it_runs_and_ends_with_its_own_code() {
    let _alone = alone();
    let place = TempDir::new().unwrap();
    let Some(mounted) = Mounted::new(&place.path().join("full"), 17 << 20, MountFlags::empty()) else {
        return;
    };
    let plan = Plan { task: "nut-on-peg", policy: "expert", operator: "none", episodes: None };
    let recordings = mounted.0.display().to_string();
    let launched = Launched::start_as(&plan, |text| {
        let (before, after) = text.split_once("\ndir = \"").unwrap();
        let (_own, after) = after.split_once('"').unwrap();
        format!("{before}\ndir = \"{recordings}\"{after}")
    });
    wait_for("the recorder's cry", || {
        launched.err().contains("[recorder] recorder: recording has stopped").then_some(())
    });
    launched.signal(Signal::INT);
    let (ended, _dir) = launched.end();
    assert_eq!(ended.status.code(), Some(3), "{ended:?}");
    assert!(ended.err.contains("recorder: stopped, and not everything was recorded"), "{ended:?}");
    let names = names_in(&mounted.0);
    assert_closed(&mounted.0.join(&names[0]));
}
