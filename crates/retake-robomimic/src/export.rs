//! Recordings to one file.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs::{self, File},
    ops::Range,
    path::{Path, PathBuf},
};

use retake_dataset::{Annotations, Episode, Key, Row, Rows, Source, Standing, scan};
use retake_labels::Class;

use crate::{
    Attribute, Exported, Options, Pictures, Progress, RobomimicError,
    choose::{Chooser, check_split},
    columns::{About, columns},
    picture, segments,
    steps::{Shape, Steps},
    verify::{Promise, add, verify},
    writer::{Film, Writer},
};

/// Writes the attempts of `sources` that `options` choose into one robomimic HDF5 file.
///
/// It is written beside its place, as `OUT.partial`, read again and compared, and only then gets its name; after a crash the
/// export starts anew. Memory is bounded by the longest attempt, with its pictures as they were compressed. Demos are numbered in
/// the order of the recordings; with segments, a demo is followed by its segments, and the filter key `episodes` names the demos
/// that are whole attempts.
///
/// # Errors
/// If the file is already there, an attempt asked for by its name cannot be exported, recordings do not go together, nothing is
/// left to export, or the system refuses. There is then no file.
pub fn export(
    sources: &[Source],
    options: &Options<'_>,
    mut progress: impl FnMut(&Progress<'_>),
) -> Result<Exported, RobomimicError> {
    let list = beside(options.out, ".weights.json");
    let lists = options.segments.then_some(list.as_path());
    for path in std::iter::once(options.out).chain(lists) {
        if path.symlink_metadata().is_ok() {
            return Err(RobomimicError::Exists { path: path.to_owned() });
        }
    }
    if let Some(split) = options.split {
        check_split(split)?;
    }
    let partial = beside(options.out, ".partial");
    let written = write(&partial, sources, options, &mut progress);
    let done =
        written.and_then(|(exported, counts)| publish(&partial, options.out, lists, exported, &counts));
    if done.is_err() {
        // What failed is of no use; the next try would remove it, too.
        _ = fs::remove_file(&partial);
    }
    done
}

fn beside(out: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(out.as_os_str());
    name.push(ending);
    name.into()
}

type Counts = BTreeMap<Class, u64>;

fn write(
    partial: &Path,
    sources: &[Source],
    options: &Options<'_>,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<(Exported, Counts), RobomimicError> {
    let mut export = Export {
        options,
        writer: Writer::create(partial)?,
        chooser: Chooser::new(options),
        exported: Exported::default(),
        promises: Vec::new(),
        masks: BTreeMap::new(),
        drawn: Counts::new(),
        sizes: BTreeMap::new(),
    };
    for source in sources {
        export.source(source, progress)?;
    }
    export.chooser.finish()?;
    let env_args = export.env_args()?;
    let Export { writer, exported, promises, masks, drawn, .. } = export;
    let masks: Vec<(String, Vec<String>)> = masks.into_iter().collect();
    let total: usize = promises.iter().map(|promise| promise.steps).sum();
    writer.finish(&env_args, i64::try_from(total).unwrap_or(i64::MAX), &masks)?;
    verify(partial, &promises, &masks, progress)?;
    Ok((exported, drawn))
}

fn publish(
    partial: &Path,
    out: &Path,
    list: Option<&Path>,
    mut exported: Exported,
    counts: &Counts,
) -> Result<Exported, RobomimicError> {
    exported.bytes = fs::metadata(partial).map_err(RobomimicError::io("read", partial))?.len();
    if let Some(list) = list {
        let text = serde_json::to_string_pretty(&segments::entries(out, counts));
        let text = text.map_err(|error| RobomimicError::Refused(error.to_string()))?;
        fs::write(list, text + "\n").map_err(RobomimicError::io("write", list))?;
        exported.weights = Some(list.to_owned());
    }
    if out.symlink_metadata().is_ok() {
        return Err(RobomimicError::Exists { path: out.to_owned() });
    }
    fs::rename(partial, out).map_err(RobomimicError::io("rename to", out))?;
    let dir = out.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(RobomimicError::io("sync", dir))?;
    Ok(exported)
}

struct Export<'o> {
    options: &'o Options<'o>,
    writer: Writer,
    chooser: Chooser<'o>,
    exported: Exported,
    promises: Vec<Promise>,
    masks: BTreeMap<String, Vec<String>>,
    /// Steps behind each class's filter key.
    drawn: Counts,
    /// Height and width of each camera's pictures.
    sizes: BTreeMap<String, [usize; 2]>,
}

/// An attempt whose steps are being read.
struct Open<'e> {
    index: usize,
    episode: &'e Episode,
    standing: &'e Standing,
    shape: Shape,
    steps: Steps,
    /// Rows so far, also those between the ones that are exported.
    rows: usize,
    failed: Option<String>,
}

impl Export<'_> {
    fn source(
        &mut self,
        source: &Source,
        progress: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<(), RobomimicError> {
        let scan = scan(source, &self.options.rule, |ticks| {
            if ticks % 1024 == 0 {
                progress(&Progress::Scanning { recording: &source.name, ticks });
            }
        })?;
        let annotations = Annotations::read(source)?;
        let (mut chosen, mut standings) = (Vec::new(), Vec::new());
        for episode in scan.episodes {
            let standing = annotations.of(&episode);
            match self.chooser.takes(&episode, &standing) {
                Ok(true) => {
                    chosen.push(episode);
                    standings.push(standing);
                }
                Ok(false) => {}
                Err(why) => self.chooser.skip(&episode.key, why, &mut self.exported)?,
            }
        }
        let cameras = if self.options.pictures == Pictures::Off { Vec::new() } else { scan.cameras };
        let mut open: Option<Open<'_>> = None;
        let mut begun = BTreeSet::new();
        for row in Rows::new(source, &chosen, &cameras) {
            let row = row?;
            if open.as_ref().is_none_or(|open| open.index != row.episode) {
                if let Some(open) = open.take() {
                    self.close(open, progress)?;
                }
                let (Some(episode), Some(standing)) = (chosen.get(row.episode), standings.get(row.episode))
                else {
                    continue;
                };
                let shape = self.chooser.shape(episode, &cameras)?;
                let steps = Steps::new(&shape);
                let again = !begun.insert(row.episode);
                let failed = again.then(|| "its ticks are not together in the recording".to_owned());
                let index = row.episode;
                open = Some(Open { index, episode, standing, shape, steps, rows: 0, failed });
            }
            if let Some(open) = &mut open {
                self.step(open, row);
            }
        }
        open.map_or(Ok(()), |open| self.close(open, progress))
    }

    fn step(&self, open: &mut Open<'_>, row: Row) {
        open.rows += 1;
        if open.failed.is_some() || row.row % self.options.every != 0 {
            return;
        }
        if let Some(weigh) = self.options.weights {
            let weight = weigh(&open.episode.key, row.row);
            if !weight.is_finite() {
                open.failed = Some(format!("row {} is given a weight of {weight}", row.row));
                return;
            }
            open.steps.weights.push(weight);
        }
        open.failed = open.steps.push(&open.shape, open.episode, row).err();
    }

    /// Writes an attempt that has all its steps.
    fn close(
        &mut self,
        open: Open<'_>,
        progress: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<(), RobomimicError> {
        let key = &open.episode.key;
        let whole =
            if open.rows == open.episode.len() { Ok(()) } else { Err("some of its ticks are lost".into()) };
        let usable = open.failed.clone().map_or(whole, Err);
        if let Err(why) = usable.and_then(|()| self.chooser.check(&open.shape, &open.steps)) {
            return self.chooser.skip(key, why, &mut self.exported);
        }
        let range = 0..open.steps.len();
        let name = self.demo(&open, &range, Vec::new())?;
        self.exported.episodes += 1;
        self.exported.steps += range.len() as u64;
        for class in &open.steps.classes {
            *self.exported.classes.entry(*class).or_default() += 1;
        }
        let side = self.side(key);
        let present: BTreeSet<Class> = open.steps.classes.iter().copied().collect();
        let mut filters: Vec<&str> = present.into_iter().map(Class::name).collect();
        let said = Some(open.standing.verdict.as_str()).filter(|verdict| !verdict.is_empty());
        filters.extend(said.into_iter().chain(side).chain(["episodes"]));
        for filter in filters {
            self.masks.entry(filter.to_owned()).or_default().push(name.clone());
        }
        if self.options.segments {
            self.segments(&open, &name, side)?;
        }
        progress(&Progress::Written { key, demos: self.promises.len(), steps: self.exported.steps });
        Ok(())
    }

    fn segments(&mut self, open: &Open<'_>, whole: &str, side: Option<&str>) -> Result<(), RobomimicError> {
        for (class, range) in segments::runs(&open.steps.classes) {
            let start = i64::try_from(range.start).unwrap_or(i64::MAX);
            let more = vec![
                ("class", Attribute::Text(class.name().to_owned())),
                ("segment_of", Attribute::Text(whole.to_owned())),
                ("segment_start", Attribute::Integer(start)),
            ];
            let name = self.demo(open, &range, more)?;
            self.exported.segments += 1;
            let ending = match (self.options.split, side) {
                (None, _) | (Some(_), Some("train")) => "",
                (Some(_), Some(_)) => "_valid",
                (Some(_), None) => continue,
            };
            if ending.is_empty() {
                *self.drawn.entry(class).or_default() += range.len() as u64;
            }
            let filter = format!("{}{ending}", segments::filter_key(class));
            self.masks.entry(filter).or_default().push(name);
        }
        Ok(())
    }

    /// Writes the steps in `range` as a demo.
    fn demo(
        &mut self,
        open: &Open<'_>,
        range: &Range<usize>,
        more: Vec<(&str, Attribute)>,
    ) -> Result<String, RobomimicError> {
        let name = format!("demo_{}", self.promises.len());
        let about = About {
            actions: self.options.actions,
            success: open.standing.verdict == "success",
            round: open.standing.round.map_or(-1, i64::from),
            weighted: self.options.weights.is_some(),
        };
        let columns = columns(&open.shape, &open.steps, range, about);
        let films = self.films(open, range)?;
        let mut attributes = attributes(open, range.len(), about.round);
        attributes.extend(more);
        self.writer.demo(&name, &attributes, &columns, &films)?;
        let mut sorted: Vec<_> = columns.iter().collect();
        sorted.sort_by_key(|column| column.name.as_str());
        let mut sum = 0;
        sorted.iter().for_each(|column| add(&mut sum, &column.name, &column.numbers));
        self.promises.push(Promise { name: name.clone(), steps: range.len(), sum });
        Ok(name)
    }

    fn films<'s>(
        &mut self,
        open: &'s Open<'_>,
        range: &Range<usize>,
    ) -> Result<Vec<Film<'s>>, RobomimicError> {
        let mut films = Vec::new();
        for (camera, frames) in open.shape.cameras.iter().zip(&open.steps.pictures) {
            let size = match (self.sizes.get(camera), frames.first()) {
                (Some(size), _) => *size,
                (None, Some(frame)) => {
                    let why = |why| format!("the first picture of camera {camera}: {why}");
                    picture::decode(&frame.jpeg)
                        .map_err(|wrong| RobomimicError::Episode {
                            key: open.episode.key.clone(),
                            why: why(wrong),
                        })?
                        .size
                }
                (None, None) => continue,
            };
            self.sizes.insert(camera.clone(), size);
            let last = frames.len().saturating_sub(1);
            let film = |group: &str, ahead: usize| Film {
                name: format!("{group}/{camera}_image"),
                size,
                frames: range.clone().filter_map(|step| frames.get((step + ahead).min(last))).collect(),
            };
            films.push(film("obs", 0));
            if self.options.pictures == Pictures::WithNext {
                films.push(film("next_obs", 1));
            }
        }
        Ok(films)
    }

    /// `train` or `valid`, if there is a split that says so.
    fn side(&self, key: &Key) -> Option<&'static str> {
        let split = self.options.split?;
        if split.train.contains(key) { Some("train") } else { split.valid.contains(key).then_some("valid") }
    }

    fn env_args(&self) -> Result<String, RobomimicError> {
        let nothing = || {
            let why = self.exported.skipped.first();
            let why = why.map(|skipped| format!("; for example, {}: {}", skipped.key, skipped.why));
            RobomimicError::Refused(format!("there is nothing to export{}", why.unwrap_or_default()))
        };
        let (robot, shape) =
            self.chooser.first().filter(|_| self.exported.episodes > 0).ok_or_else(nothing)?;
        let moving = robot.objects.iter().filter(|object| !object.fixed);
        let rule = &self.options.rule;
        Ok(serde_json::json!({
            "env_name": if robot.task.is_empty() { &robot.robot } else { &robot.task },
            // Robosuite's number: the stock loader knows no other that means nothing.
            "type": 1,
            "env_version": concat!("retake ", env!("CARGO_PKG_VERSION")),
            "env_kwargs": {
                "robot": robot.robot,
                "control_freq": robot.control_hz / self.options.every.get() as f64,
                "groups": shape.groups,
                "lower": shape.lower,
                "upper": shape.upper,
                "actions": format!("{:?}", self.options.actions).to_lowercase(),
                "objects": moving.map(|object| &object.name).collect::<Vec<_>>(),
                "labels": Class::ALL.map(Class::name),
                "label_version": retake_labels::VERSION,
                "label_rule": rule,
            },
        })
        .to_string())
    }
}

fn attributes<'a>(open: &Open<'_>, steps: usize, round: i64) -> Vec<(&'a str, Attribute)> {
    let (record, standing) = (&open.episode.record, open.standing);
    let text = |text: &str| Attribute::Text(text.to_owned());
    let tags: Vec<&str> = standing.tags.iter().map(String::as_str).collect();
    vec![
        // Signed: numpy turns an unsigned number and what is added to it into a float.
        ("num_samples", Attribute::Integer(i64::try_from(steps).unwrap_or(i64::MAX))),
        ("key", Attribute::Text(open.episode.key.to_string())),
        ("verdict", text(&standing.verdict)),
        ("policy_version", text(&record.policy_version)),
        ("operator", text(&record.operator)),
        ("task", text(&record.task)),
        ("round", Attribute::Integer(round)),
        ("tags", Attribute::Text(tags.join(","))),
    ]
}
