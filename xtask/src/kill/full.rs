//! A disk that is full.

use std::{
    ffi::CString,
    path::{Path, PathBuf},
};

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use retake_log::verify;
use retake_tests::{complaint, ticks_of};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use super::{Options, none, process::Process, sample::Sample, shared_out};
use crate::report::{Findings, Table};

const MOUNTED: &str = "\
Each run is a process of its own with a recorder under the load of `killed`, on a memory file system (tmpfs) of 3 to 7 MiB that is
mounted for it, with 1 MiB in reserve; the kernel itself refuses (ENOSPC). The process goes on until recording has stopped, and then
ends by itself. The recording is judged as the process left it, before any recovery.";
const COUNTED: &str = "\
Mounting is not allowed here: the disk is the local one behind a budget of 3 to 7 MiB for all files together, the reserve included, that
refuses with ENOSPC and leaves half of what did not fit. Otherwise each run is as with a mounted file system: a process of its own with
a recorder under the load of `killed`, 1 MiB in reserve, judged as it left the recording, before any recovery.";

/// Finished, but not everything was recorded.
const DATA_LOST: i32 = 3;
const RESERVE: u64 = 1 << 20;

#[derive(Debug, Default)]
struct Full {
    acknowledged: u64,
    kept: u64,
    taken: u64,
    bytes: u64,
    complaints: Vec<String>,
}

/// Unmounts when dropped.
#[derive(Debug)]
struct Mounted(PathBuf);

impl Mounted {
    /// A memory file system of `bytes` at `path`; `None` where that is not allowed.
    fn new(path: &Path, bytes: u64) -> Option<Self> {
        let options = CString::new(format!("size={bytes}")).ok()?;
        mount("tmpfs", path, "tmpfs", MountFlags::empty(), options.as_c_str()).ok()?;
        Some(Self(path.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = unmount(&self.0, UnmountFlags::DETACH);
    }
}

pub(super) fn run(options: &Options, sample: &Sample) -> anyhow::Result<Findings> {
    let runs = options.runs(60);
    let place = tempfile::tempdir()?;
    let mountable = Mounted::new(place.path(), 1 << 20).is_some();
    let found = shared_out("full", runs, options.parallel, |number| {
        once(options.seed.wrapping_add(number), number, mountable, sample)
    })?;
    let sum = |of: fn(&Full) -> u64| found.iter().map(of).sum::<u64>();
    let complaints: Vec<String> = found.iter().flat_map(|run| run.complaints.clone()).collect();
    let mut table = Table::new(&["disk", "runs", "ticks taken", "acknowledged", "kept", "MB kept"]);
    let megabytes = sum(|run| run.bytes) / 1_000_000;
    let disk = if mountable { "tmpfs" } else { "budget" };
    let (taken, told) = (sum(|run| run.taken), sum(|run| run.acknowledged));
    let figures = [taken, told, sum(|run| run.kept), megabytes].map(crate::report::Cell::Count);
    let mut row = vec![disk.into(), found.len().into()];
    row.extend(figures);
    table.row(row);
    Ok(Findings {
        compared: if mountable { MOUNTED } else { COUNTED },
        remarks: Vec::new(),
        tables: vec![table],
        bounds: vec![none(
            "full disks after which something acknowledged is lost, the recording is not closed and whole, its end was not told by \
             notices and watermark, or the exit code is not 3",
            &complaints,
        )],
    })
}

fn once(seed: u64, number: u64, mountable: bool, sample: &Sample) -> anyhow::Result<Full> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let dir = tempfile::tempdir()?;
    let room: u64 = random.random_range(3 << 20..7 << 20);
    let mut more =
        vec![format!("--reserve={RESERVE}"), format!("--segment={}", random.random_range(1..4) << 20)];
    let mounted = if mountable { Mounted::new(dir.path(), room) } else { None };
    if mounted.is_none() {
        more.push(format!("--room={room}"));
    }
    let (status, heard) = Process::start(dir.path(), "run", &more)?.end()?;
    let path = dir.path().join("run");
    let ticks = ticks_of(&path);
    let found = verify(&path, &mut |_| {})?;
    let mut wrong: Vec<String> = complaint(&ticks, heard.last()).into_iter().collect();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            wrong.push(what);
        }
    };
    expect(status.code() == Some(DATA_LOST), format!("it ended with {status}"));
    expect(found.whole && found.state == "closed", format!("it is {}: {:?}", found.state, found.files));
    expect(!heard.recording && !heard.contented, "the last watermark says that all is well".to_owned());
    let told = |code: &str| heard.notices.iter().any(|notice| notice == code);
    expect(told("recorder_disk_full") && told("recorder_stopped"), format!("notices: {:?}", heard.notices));
    let lost = heard.report.is_some_and(|(lost, errors)| lost > 0 && errors > 0);
    expect(lost, format!("its report says {:?}", heard.report));
    let taken = heard.taken.map_or(0, |(tick, _)| tick);
    expect(
        taken > ticks.len() as u64,
        format!("{} ticks kept of {taken} taken: it was never full", ticks.len()),
    );
    if number.is_multiple_of(6) {
        sample.add(&format!("full-{number}"), &path)?;
    }
    Ok(Full {
        acknowledged: heard.last(),
        kept: ticks.len() as u64,
        taken,
        bytes: found.files.iter().map(|file| file.bytes).sum(),
        complaints: wrong.into_iter().map(|what| format!("seed {seed}: {what}")).collect(),
    })
}
