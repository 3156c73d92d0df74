//! From recordings to a dataset.

use std::{
    collections::BTreeSet,
    fs,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use retake_dataset::{Episode, Row, Rows, Source, Standing};

use crate::{
    LeftOut, LerobotError, Options, Pictures, Verified,
    camera::Camera,
    episodes::{About, EpisodeMeta, FileNumber},
    feature::{Feature, Place, features},
    journal::{Journal, Progress},
    meta,
    plan::{Plan, choose, rows_of, task_of},
    resume::{Opened, open},
    set::{Set, video_path},
    stats::is_sampled,
    table::Table,
    verify::verify,
};

/// What [`export`] did.
#[derive(Clone, Debug)]
pub struct Exported {
    /// What was found when all of it was read again.
    pub verified: Verified,
    /// Attempts that are not in it.
    pub left_out: LeftOut,
    /// Rows that an interrupted export had already written.
    pub resumed_rows: u64,
    /// Why an interrupted export could not go on, and all was begun anew.
    pub begun_anew: Option<String>,
}

/// Writes the chosen attempts of `sources` as a LeRobotDataset v3.0 into `out`, which must not be there.
///
/// It is written beside its place, as `OUT.partial`, read again and checked, and only then given its name. If it is interrupted, the
/// same call goes on where the last complete set of files ended. Memory is bounded by the longest attempt, and by what
/// [`retake_dataset::scan`] needs for one recording. `progress` is told rows that are done, and how many there are.
///
/// # Errors
/// If `out` is there, a recording, attempt or picture cannot be used as it was asked for, or the disk refuses. What was written stays
/// beside its place.
pub fn export(
    sources: &[Source],
    options: &Options<'_>,
    out: &Path,
    mut progress: impl FnMut(u64, u64),
) -> Result<Exported, LerobotError> {
    if out.symlink_metadata().is_ok() {
        return Err(LerobotError::Exists { path: out.to_owned() });
    }
    let plan = Plan::make(sources, options)?;
    let Opened { dir, journal, done, begun_anew } = open(out, &plan)?;
    let resumed_rows = done.rows;
    let mut exporter = Exporter::new(&plan, options, dir.clone(), journal, done)?;
    let mut passed = 0;
    for source in sources {
        let Some((_, count)) = plan.sources.iter().find(|(name, _)| *name == source.name) else { continue };
        let skip = exporter.done.episodes.saturating_sub(passed).min(*count);
        passed += count;
        if skip < *count {
            exporter.source(source, skip, &mut progress)?;
        }
    }
    exporter.end_set()?;
    let done = exporter.done;
    meta::write(&dir, &plan, options, &exporter.features, &done)?;
    drop(exporter.journal);
    let verified = verify(&dir)?;
    if (verified.rows, verified.episodes) != (plan.rows, plan.episodes) {
        let why = format!("{} rows were written, {} were due", verified.rows, plan.rows);
        return Err(LerobotError::file(&dir)(why));
    }
    crate::resume::publish(&dir, out)?;
    Ok(Exported { verified, left_out: plan.left_out, resumed_rows, begun_anew })
}

struct Exporter<'a> {
    plan: &'a Plan,
    options: &'a Options<'a>,
    features: Vec<Feature>,
    dir: PathBuf,
    journal: Journal,
    fps: NonZeroU32,
    done: Progress,
    set: Option<Set>,
    cameras: Vec<Camera>,
    table: Table,
    /// Rows taken so far, those of the present set included.
    rows: u64,
    episodes: u64,
}

/// The attempt that is being read.
struct Current<'a> {
    episode: &'a Episode,
    standing: &'a Standing,
    task: String,
    task_index: i64,
    rows: u64,
    taken: u64,
    last_row: Option<usize>,
}

impl<'a> Exporter<'a> {
    fn new(
        plan: &'a Plan,
        options: &'a Options<'a>,
        dir: PathBuf,
        journal: Journal,
        done: Progress,
    ) -> Result<Self, LerobotError> {
        let features = features(plan, options);
        let names: BTreeSet<&String> = features.iter().map(|feature| &feature.name).collect();
        if names.len() != features.len() {
            return Err(LerobotError::Refused("two columns would have the same name".into()));
        }
        let size = |camera: usize| done.sizes.get(camera).copied().flatten();
        let cameras = (0..plan.cameras.len()).map(|camera| Camera::new(size(camera)));
        Ok(Self {
            plan,
            options,
            table: Table::new(&features),
            features,
            dir,
            journal,
            fps: NonZeroU32::new(plan.fps).unwrap_or(NonZeroU32::MIN),
            rows: done.rows,
            episodes: done.episodes,
            cameras: cameras.collect(),
            done,
            set: None,
        })
    }

    /// Cameras whose pictures go into videos.
    fn videos(&self) -> &'a [String] {
        if self.options.pictures == Pictures::Video { &self.plan.cameras } else { &[] }
    }

    /// Exports the chosen attempts of a recording but the first `skip`.
    fn source(
        &mut self,
        source: &Source,
        skip: u64,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<(), LerobotError> {
        let (chosen, _) = choose(source, self.options, &mut LeftOut::default())?;
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let episodes = chosen.episodes.get(skip..).unwrap_or_default();
        let standings = chosen.standings.get(skip..).unwrap_or_default();
        let mut all = episodes.iter().zip(standings);
        let mut current: Option<(usize, Current<'_>)> = None;
        for row in Rows::new(source, episodes, &self.plan.cameras) {
            let row = row?;
            if current.as_ref().is_none_or(|(index, _)| *index != row.episode) {
                let index = current.as_ref().map_or(0, |(index, _)| index + 1);
                if let Some((_, done)) = current.take() {
                    self.end_episode(done)?;
                }
                let Some((episode, standing)) = all.next().filter(|_| index == row.episode) else {
                    let why = format!("{}: its attempts are not one after the other", source.name);
                    return Err(LerobotError::Refused(why));
                };
                current = Some((index, self.begin_episode(episode, standing)?));
            }
            if let Some((_, current)) = &mut current
                && self.row(current, &row)?
            {
                progress(self.rows, self.plan.rows);
            }
        }
        if let Some((_, done)) = current.take() {
            self.end_episode(done)?;
        }
        match all.next() {
            Some((episode, _)) => Err(LerobotError::attempt(&episode.key, "its rows are not there")),
            None => Ok(()),
        }
    }

    fn begin_episode<'b>(
        &mut self,
        episode: &'b Episode,
        standing: &'b Standing,
    ) -> Result<Current<'b>, LerobotError> {
        let rows = rows_of(episode, self.options.every);
        if self.set.as_ref().is_some_and(|set| self.is_full(set, rows)) {
            self.end_set()?;
        }
        if self.set.is_none() {
            let number = FileNumber(self.done.sets);
            self.set = Some(Set::begin(&self.dir, number, self.table.schema(), self.videos())?);
        }
        let task = task_of(episode, self.options)?;
        let known = self.done.tasks.iter().position(|known| *known == task);
        let task_index = known.unwrap_or_else(|| {
            self.done.tasks.push(task.clone());
            self.done.tasks.len() - 1
        });
        let task_index = i64::try_from(task_index).unwrap_or(i64::MAX);
        self.cameras.iter_mut().for_each(Camera::begin);
        Ok(Current { episode, standing, task, task_index, rows, taken: 0, last_row: None })
    }

    /// No room for `more` rows, if they take as much space as those before them.
    fn is_full(&self, set: &Set, more: u64) -> bool {
        let limits = &self.options.limits;
        let then = |bytes: u64| {
            let after = u128::from(bytes) * u128::from(set.rows + more);
            u64::try_from(after.checked_div(set.rows.into()).unwrap_or(0)).unwrap_or(u64::MAX)
        };
        let seconds = u64::from(limits.video_seconds) * u64::from(self.plan.fps);
        set.episodes.len() >= limits.episodes
            || then(set.data.bytes()) > limits.data_bytes
            || self.cameras.iter().any(|camera| then(camera.bytes()) > limits.video_bytes)
            || !self.videos().is_empty() && set.rows + more > seconds
    }

    /// Takes in a row, if it is one of every so many.
    fn row(&mut self, current: &mut Current<'_>, row: &Row) -> Result<bool, LerobotError> {
        let key = &current.episode.key;
        let due = current.last_row.map_or(0, |last| last + 1);
        if row.row != due {
            return Err(LerobotError::attempt(key, format!("row {due} is not there")));
        }
        current.last_row = Some(row.row);
        let every = usize::try_from(self.options.every).unwrap_or(usize::MAX);
        if !row.row.is_multiple_of(every) {
            return Ok(false);
        }
        let weight = self.options.weights.map_or(1.0, |weights| (weights.of)(key, row.row));
        if !weight.is_finite() || weight < 0.0 {
            return Err(LerobotError::attempt(key, format!("row {} has the weight {weight}", row.row)));
        }
        self.table.push(&Place {
            row,
            episode: current.episode,
            standing: current.standing,
            frame: current.taken.cast_signed(),
            index: self.rows.cast_signed(),
            episode_index: self.episodes.cast_signed(),
            task_index: current.task_index,
            fps: self.plan.fps,
            weight,
        })?;
        self.pictures(current, row)?;
        current.taken += 1;
        self.rows += 1;
        if self.table.is_full() {
            self.write_batch(key)?;
        }
        Ok(true)
    }

    fn pictures(&mut self, current: &Current<'_>, row: &Row) -> Result<(), LerobotError> {
        let sampled = is_sampled(current.taken, current.rows);
        let number = FileNumber(self.done.sets);
        let is_video = !self.videos().is_empty();
        let (dir, fps, key) = (&self.dir, self.fps, &current.episode.key);
        let cameras = self.plan.cameras.iter().zip(&mut self.cameras).zip(&row.frames);
        let takes = cameras.map(|((name, camera), frame)| {
            let wrong = move |why: String| {
                LerobotError::attempt(key, format!("row {}, camera {name}: {why}", row.row))
            };
            let none =
                || wrong("there is no picture; leave the attempt out, or export without pictures".into());
            let frame = frame.as_ref().ok_or_else(none)?;
            let video = is_video.then(|| (video_path(dir, name, number), fps));
            Ok(move || camera.take(frame, sampled, video).map_err(wrong))
        });
        let mut takes = takes.collect::<Result<Vec<_>, LerobotError>>()?;
        // Pictures are nearly all of the work, and one camera's need nothing of another's.
        let Some(last) = takes.pop() else { return Ok(()) };
        std::thread::scope(|scope| {
            let others: Vec<_> = takes.into_iter().map(|take| scope.spawn(take)).collect();
            last()?;
            let died = |_| Err(LerobotError::attempt(key, "a thread that encodes pictures died"));
            others.into_iter().try_for_each(|other| other.join().unwrap_or_else(died))
        })
    }

    fn write_batch(&mut self, key: &retake_dataset::Key) -> Result<(), LerobotError> {
        let batch = self.table.batch().map_err(|why| LerobotError::attempt(key, why))?;
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.set.as_mut().map_or(Ok(()), |set| set.data.write(&batch))
    }

    fn end_episode(&mut self, current: Current<'_>) -> Result<(), LerobotError> {
        let Current { episode, standing, task, rows, taken, last_row, .. } = current;
        if last_row.map_or(0, |last| last + 1) != episode.len() || taken != rows {
            let why = format!("only {taken} of its {rows} rows could be read");
            return Err(LerobotError::attempt(&episode.key, why));
        }
        self.write_batch(&episode.key)?;
        let mut stats = self.table.stats(&self.features);
        for (name, camera) in self.plan.cameras.iter().zip(&self.cameras) {
            stats.push((format!("observation.images.{name}"), camera.stats()));
        }
        self.table.clear();
        for (name, summary) in &stats {
            match self.done.stats.get_mut(name) {
                Some(known) => known.join(summary),
                None => _ = self.done.stats.insert(name.clone(), summary.clone()),
            }
        }
        let Some(set) = &mut self.set else { return Ok(()) };
        set.episodes.push(EpisodeMeta {
            index: self.episodes,
            task,
            length: taken,
            first_row: self.rows - taken,
            first_in_file: set.rows,
            about: About::of(episode, standing, self.options.round),
            stats,
        });
        set.rows += taken;
        self.episodes += 1;
        Ok(())
    }

    fn end_set(&mut self) -> Result<(), LerobotError> {
        let Some(set) = self.set.take() else { return Ok(()) };
        set.finish(&self.dir, (self.plan.fps, self.videos()), &mut self.cameras)?;
        self.done.sets += 1;
        (self.done.episodes, self.done.rows) = (self.episodes, self.rows);
        self.done.sizes = self.cameras.iter().map(|camera| camera.size).collect();
        self.journal.done(&self.done)
    }
}

/// Removes what an interrupted export left, which nobody has a use for.
pub(crate) fn remove(dir: &Path) -> Result<(), LerobotError> {
    fs::remove_dir_all(dir).map_err(LerobotError::io("remove", dir))
}
