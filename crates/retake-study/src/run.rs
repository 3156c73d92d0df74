//! Runs a study: cells over threads, each finished one on disk.

use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::StudyError;
use crate::cell::{Base, base, run as run_cell};
use crate::learner::Learner;
use crate::networks::Networks;
use crate::plan::{Method, Operator, Study};
use crate::progress::{self, Finished};
use crate::results::Results;

/// How far a study is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Cells that are finished, those of earlier runs included.
    pub done: usize,
    /// Cells of the study.
    pub of: usize,
    /// The one that was just finished.
    pub cell: String,
}

/// Whether a study goes on after what was just finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continue {
    /// It does.
    Yes,
    /// It stops, once the cells that others are at are finished.
    No,
}

/// Runs `study` on `threads` threads, or goes on with it if `folder` holds a part of it, and writes `cells.jsonl` there as cells
/// finish, and then `results.json`, `results.csv` and `results.md`. The same plan gives the same figures, whatever the
/// number of threads and however often it was interrupted.
///
/// # Errors
/// If the plan cannot be done, a file cannot be written, the folder holds another study, nothing can be learnt, or `progress`
/// said to stop.
pub fn run(
    study: &Study,
    folder: &Path,
    threads: usize,
    progress: &(dyn Fn(&Progress) -> Continue + Sync),
) -> Result<Results, StudyError> {
    run_with(study, &Networks(&study.learning), folder, threads, progress)
}

/// The same with another learner.
///
/// # Errors
/// As [`run`].
pub fn run_with<L: Learner>(
    study: &Study,
    learner: &L,
    folder: &Path,
    threads: usize,
    progress: &(dyn Fn(&Progress) -> Continue + Sync),
) -> Result<Results, StudyError> {
    study.check()?;
    let cells = cells(study);
    let finished = Finished::open(folder, study)?;
    let left: Vec<usize> = (0..cells.len()).filter(|cell| !finished.has(*cell)).collect();
    let bases: Vec<Begun<L>> = (0..study.seeds).map(|_| OnceLock::new()).collect();
    let shared = Mutex::new(Shared { finished, left: left.into_iter(), stopped: false, failure: None });
    let work = Work { study, learner, cells: &cells, bases: &bases, shared: &shared, progress };
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| work.until_done());
        }
    });
    let shared = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (done, of) = (shared.finished.count(), cells.len());
    if let Some(failure) = shared.failure {
        return Err(failure);
    }
    if done < of {
        return Err(StudyError::Stopped { done, of });
    }
    let results = Results::new(study, shared.finished.into_rows(), (done, of));
    write(folder, &results)?;
    Ok(results)
}

/// What is known of a study that is unfinished or under way: means and differences over the seeds that are there. Nothing is written.
///
/// # Errors
/// If the plan cannot be done, there is nothing in the folder, or it holds another study.
pub fn so_far(study: &Study, folder: &Path) -> Result<Results, StudyError> {
    study.check()?;
    let (rows, done) = progress::so_far(folder, study)?;
    Ok(Results::new(study, rows, (done, cells(study).len())))
}

/// A method that deploys, an operator and a seed.
type Cell<'a> = (&'a Method, &'a Operator, u32);

/// Neighbours differ in their seed, so that threads do not wait for each other's demonstrations.
fn cells(study: &Study) -> Vec<Cell<'_>> {
    let own = study.methods.iter().filter(|method| method.data.is_none());
    own.flat_map(|method| study.operators.iter().map(move |operator| (method, operator)))
        .flat_map(|(method, operator)| {
            (0..study.seeds).map(move |seed| (method, operator, study.first_seed + seed))
        })
        .collect()
}

struct Shared {
    finished: Finished,
    left: std::vec::IntoIter<usize>,
    stopped: bool,
    failure: Option<StudyError>,
}

/// What all methods of a seed begin with, once somebody has made it.
type Begun<L> = OnceLock<Result<Base<<L as Learner>::Policy>, String>>;

/// What a worker sees.
struct Work<'a, L: Learner> {
    study: &'a Study,
    learner: &'a L,
    cells: &'a [Cell<'a>],
    /// Made by whoever needs one first.
    bases: &'a [Begun<L>],
    shared: &'a Mutex<Shared>,
    progress: &'a (dyn Fn(&Progress) -> Continue + Sync),
}

impl<L: Learner> Work<'_, L> {
    fn until_done(&self) {
        while let Some((number, cell)) = self.next() {
            let rows = self.cell(cell);
            let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            // A file that could not be written may end in half a line: nothing more goes behind it.
            if shared.failure.is_some() {
                return;
            }
            if let Err(failure) = rows.and_then(|rows| shared.finished.add(number, rows)) {
                shared.failure = Some(failure);
                return;
            }
            let (method, operator, seed) = cell;
            let cell = format!("{}, operator {}, seed {seed}", method.name, operator.name);
            let progress = Progress { done: shared.finished.count(), of: self.cells.len(), cell };
            shared.stopped |= (self.progress)(&progress) == Continue::No;
        }
    }

    fn next(&self) -> Option<(usize, Cell<'_>)> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.stopped || shared.failure.is_some() {
            return None;
        }
        let number = shared.left.next()?;
        self.cells.get(number).map(|cell| (number, *cell))
    }

    fn cell(&self, (method, operator, seed): Cell<'_>) -> Result<Vec<crate::cell::Row>, StudyError> {
        let place = usize::try_from(seed - self.study.first_seed).unwrap_or(usize::MAX);
        let Some(place) = self.bases.get(place) else { return Ok(Vec::new()) };
        let base = place
            .get_or_init(|| base(self.study, self.learner, seed).map_err(|error| error.to_string()))
            .as_ref()
            .map_err(|error| StudyError::Learning(error.clone()))?;
        run_cell(self.study, self.learner, base, (method, operator, seed))
    }
}

fn write(folder: &Path, results: &Results) -> Result<(), StudyError> {
    let json = serde_json::to_string_pretty(results).map_err(|error| StudyError::Plan(error.to_string()))?;
    for (name, text) in [
        ("results.json", json + "\n"),
        ("results.csv", results.to_csv()),
        ("results.md", results.to_markdown()),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|source| StudyError::Io { path, source })?;
    }
    Ok(())
}
