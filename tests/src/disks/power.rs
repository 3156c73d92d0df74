//! A power cut at any byte of a recording, and what recovery makes of what is left.
//!
//! What was synced is there. Of what was appended after the last sync there may be all, nothing, a part, or zeros where data
//! was to be.

use std::{collections::BTreeMap, fs, path::Path};

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use retake_log::{MANIFEST, recover, verify};

use super::{Op, complaint, ticks_in, ticks_of};

/// A recovered recording is read through from end to end after so many cuts; after all others only what recovery touched.
const WHOLE_EVERY: u64 = 64;
const TOLD: usize = 10;

/// What was found at all cuts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CutTally {
    /// Cuts that were made.
    pub cuts: u64,
    /// Of those, with everything that was appended still there …
    pub torn: u64,
    /// … with only what was synced …
    pub synced: u64,
    /// … and with zeros instead of some of what was not.
    pub zeroed: u64,
    /// Recoveries that were verified and read through in full.
    pub read_through: u64,
    /// Most acknowledged ticks at any cut.
    pub acknowledged: u64,
    /// Bytes of the recording.
    pub bytes: u64,
    /// What must not have happened; the first few.
    pub faults: Vec<String>,
    /// How often.
    pub failed: u64,
}

impl CutTally {
    /// Adds what another found.
    pub fn add(&mut self, other: Self) {
        self.cuts += other.cuts;
        self.torn += other.torn;
        self.synced += other.synced;
        self.zeroed += other.zeroed;
        self.read_through += other.read_through;
        self.acknowledged = self.acknowledged.max(other.acknowledged);
        self.bytes = self.bytes.max(other.bytes);
        self.failed += other.failed;
        self.faults.extend(other.faults);
        self.faults.truncate(TOLD);
    }
}

/// A file as it is in memory and on the disk.
#[derive(Clone, Debug, Default)]
struct OnDisk {
    name: String,
    content: Vec<u8>,
    synced: usize,
    named: bool,
}

/// What survives of the newest file beyond what was synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// As many bytes as were appended.
    Everything,
    Nothing,
    /// All, but with zeros in some of it, and perhaps behind it.
    Zeros,
}

/// Which bytes a power cut is tried at: every so many, shared out among several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Each byte if this is 1.
    pub every: u64,
    /// This one of them …
    pub part: u64,
    /// … of so many.
    pub of: u64,
}

impl Share {
    const fn has(self, number: u64) -> bool {
        number.is_multiple_of(self.every) && (number / self.every) % self.of == self.part
    }
}

/// Plays a journal up to each of its bytes, each time on an empty disk.
#[derive(Debug)]
pub struct Cuts<'a> {
    dir: &'a Path,
    files: Vec<OnDisk>,
    manifest: Vec<u8>,
    acknowledged: u64,
    position: u64,
    appends: u64,
    /// Ticks of files that are finished, and are on the disk as they are here.
    finished: BTreeMap<String, Vec<u64>>,
    tally: CutTally,
}

impl<'a> Cuts<'a> {
    /// Cuts at each byte of the share, and recovers in `dir`, which is to be empty. `after` is called with each recovered
    /// recording and the number of cuts so far.
    #[must_use]
    pub fn of(ops: &[Op], dir: &'a Path, share: Share, mut after: impl FnMut(&Path, u64)) -> CutTally {
        let mut cuts = Self {
            dir,
            files: Vec::new(),
            manifest: Vec::new(),
            acknowledged: 0,
            position: 0,
            appends: 0,
            finished: BTreeMap::new(),
            tally: CutTally::default(),
        };
        for op in ops {
            cuts.play(op, share, &mut after);
        }
        cuts.tally.bytes = cuts.position;
        cuts.tally
    }

    fn play(&mut self, op: &Op, share: Share, after: &mut impl FnMut(&Path, u64)) {
        match op {
            Op::Create(name) => self.files.push(OnDisk { name: name.clone(), ..OnDisk::default() }),
            Op::Append(bytes) => {
                self.appends += 1;
                if self.appends % share.of == share.part {
                    self.cut(Left::Nothing);
                    after(self.dir, self.tally.cuts);
                }
                for byte in bytes {
                    self.files.last_mut().unwrap().content.push(*byte);
                    self.position += 1;
                    if share.has(self.position) {
                        for left in [Left::Everything, Left::Zeros] {
                            self.cut(left);
                            after(self.dir, self.tally.cuts);
                        }
                    }
                }
            }
            Op::Cut(len) => {
                let file = self.files.last_mut().unwrap();
                file.content.truncate(usize::try_from(*len).unwrap());
                file.synced = file.synced.min(file.content.len());
            }
            Op::Sync => {
                let file = self.files.last_mut().unwrap();
                file.synced = file.content.len();
            }
            Op::SyncDir => self.files.iter_mut().for_each(|file| file.named = true),
            Op::Manifest(bytes) => self.manifest.clone_from(bytes),
            Op::Acknowledged(tick) => self.acknowledged = self.acknowledged.max(*tick),
        }
    }

    /// Lets power fail here.
    fn cut(&mut self, left: Left) {
        let Some((newest, older)) = self.files.split_last() else { return };
        let mut ticks = Vec::new();
        for file in older {
            let known = self.finished.entry(file.name.clone()).or_insert_with(|| {
                let path = self.dir.join(&file.name);
                fs::write(&path, &file.content).unwrap();
                ticks_in(&path)
            });
            ticks.extend_from_slice(known);
        }
        let path = self.dir.join(&newest.name);
        let mut random = ChaCha8Rng::seed_from_u64(self.position);
        match left {
            Left::Nothing if !newest.named => drop(fs::remove_file(&path)),
            Left::Nothing => fs::write(&path, &newest.content[..newest.synced]).unwrap(),
            Left::Everything => fs::write(&path, &newest.content).unwrap(),
            Left::Zeros => fs::write(&path, zeroed(newest, &mut random)).unwrap(),
        }
        fs::write(self.dir.join(MANIFEST), &self.manifest).unwrap();
        let before = fs::metadata(&path).is_ok();
        let recovered = recover(self.dir);
        if before {
            ticks.extend(ticks_in(&path));
        }
        let whole = self.tally.cuts.is_multiple_of(WHOLE_EVERY);
        let mut faults: Vec<String> = recovered.err().map(|error| error.to_string()).into_iter().collect();
        faults.extend(complaint(&ticks, self.acknowledged));
        if whole {
            faults.extend(self.read_through(&ticks));
        }
        self.count(left, whole, faults);
    }

    /// From end to end, and each byte.
    fn read_through(&self, expected: &[u64]) -> Option<String> {
        let found = verify(self.dir, &mut |_| {}).unwrap();
        if !found.whole {
            return Some(format!("not whole after recovery: {found:?}"));
        }
        (!found.files.is_empty() && ticks_of(self.dir) != expected)
            .then(|| "other ticks when read through".to_owned())
    }

    fn count(&mut self, left: Left, whole: bool, faults: Vec<String>) {
        let tally = &mut self.tally;
        tally.cuts += 1;
        match left {
            Left::Everything => tally.torn += 1,
            Left::Nothing => tally.synced += 1,
            Left::Zeros => tally.zeroed += 1,
        }
        tally.read_through += u64::from(whole);
        tally.acknowledged = tally.acknowledged.max(self.acknowledged);
        tally.failed += u64::from(!faults.is_empty());
        let place = |fault| format!("byte {}, {left:?}: {fault}", self.position);
        tally.faults.extend(faults.into_iter().map(place));
        tally.faults.truncate(TOLD);
    }
}

/// Not everything that was appended after the last sync came to the disk: there are zeros instead.
fn zeroed(file: &OnDisk, random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut content = file.content.clone();
    let begins = random.random_range(file.synced..=content.len());
    let ends = random.random_range(begins..=content.len());
    content[begins..ends].fill(0);
    // The file's length may be there before its data.
    content.resize(content.len() + random.random_range(0..2) * random.random_range(0..600), 0);
    content
}
