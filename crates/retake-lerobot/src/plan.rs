//! Which attempts are exported, found before anything is written.

use std::{hash::Hasher as _, sync::Arc};

use retake_dataset::{Annotations, Episode, Scan, Source, Standing, difference, scan};
use retake_wire::pb::{RobotDescriptor, SceneObject};
use siphasher::sip::SipHasher13;

use crate::{LerobotError, Options, Pictures};

/// Attempts that were left out are told one by one up to so many.
const MOST_TOLD: usize = 100;

/// What is going to be exported. It holds nothing per attempt, so that its size does not depend on how many there are.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) robot: Arc<RobotDescriptor>,
    /// Cameras whose pictures are exported, by name.
    pub(crate) cameras: Vec<String>,
    pub(crate) pictures: Pictures,
    pub(crate) fps: u32,
    pub(crate) episodes: u64,
    pub(crate) rows: u64,
    pub(crate) left_out: LeftOut,
    /// Attempts per recording that has any.
    pub(crate) sources: Vec<(String, u64)>,
    /// Differs whenever something else would be written.
    pub(crate) fingerprint: u64,
}

/// Attempts that are not exported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// How many.
    pub count: u64,
    /// The first of them, and why each was left out.
    pub told: Vec<(String, String)>,
}

impl LeftOut {
    fn add(&mut self, key: String, why: String) {
        self.count += 1;
        if self.told.len() < MOST_TOLD {
            self.told.push((key, why));
        }
    }
}

/// An attempt that is exported, and how it stands.
pub(crate) struct Chosen {
    pub(crate) episodes: Vec<Episode>,
    pub(crate) standings: Vec<Standing>,
}

/// The chosen attempts of one recording.
pub(crate) fn choose(
    source: &Source,
    options: &Options<'_>,
    left_out: &mut LeftOut,
) -> Result<(Chosen, Scan), LerobotError> {
    let mut scanned = scan(source, &options.rule, |_| {})?;
    let annotations = Annotations::read(source)?;
    let mut chosen = Chosen { episodes: Vec::new(), standings: Vec::new() };
    for episode in std::mem::take(&mut scanned.episodes) {
        let standing = annotations.of(&episode);
        match wanted(&episode, &standing, options) {
            Ok(()) => {
                chosen.episodes.push(episode);
                chosen.standings.push(standing);
            }
            Err(why) => left_out.add(episode.key.to_string(), why),
        }
    }
    Ok((chosen, scanned))
}

fn wanted(episode: &Episode, standing: &Standing, options: &Options<'_>) -> Result<(), String> {
    if episode.is_empty() {
        return Err("it has no rows".into());
    }
    (options.choose)(episode, standing)
}

/// Rows of an attempt that are exported.
pub(crate) fn rows_of(episode: &Episode, every: u32) -> u64 {
    (episode.len() as u64).div_ceil(u64::from(every))
}

pub(crate) fn task_of(episode: &Episode, options: &Options<'_>) -> Result<String, LerobotError> {
    let own = [episode.record.task.as_str(), episode.robot.task.as_str()];
    let task = options.task.or_else(|| own.into_iter().find(|task| !task.is_empty()));
    task.map(str::to_owned).ok_or_else(|| LerobotError::attempt(&episode.key, "it has no task; name one"))
}

/// Objects whose poses observations give.
pub(crate) fn movable(robot: &RobotDescriptor) -> impl Iterator<Item = &SceneObject> {
    robot.objects.iter().filter(|object| !object.fixed)
}

impl Plan {
    /// Reads all of `sources` through once, without their pictures.
    pub(crate) fn make(sources: &[Source], options: &Options<'_>) -> Result<Self, LerobotError> {
        if options.every == 0 {
            return Err(LerobotError::Refused("every 0th row makes no sense; 1 takes all".into()));
        }
        let mut making: Option<Self> = None;
        let mut left_out = LeftOut::default();
        let mut hash = SipHasher13::new();
        let told = serde_json::to_vec(&(options.told(), options.rule, retake_labels::VERSION, crate::FORMAT));
        hash.write(&told.map_err(|error| LerobotError::Refused(error.to_string()))?);
        for source in sources {
            let (chosen, scanned) = choose(source, options, &mut left_out)?;
            let Some(first) = chosen.episodes.first() else { continue };
            let cameras = if options.pictures == Pictures::None { Vec::new() } else { scanned.cameras };
            let plan = match &mut making {
                Some(plan) => plan,
                None => making.insert(Self::of(&first.robot, cameras.clone(), options)?),
            };
            if plan.cameras != cameras {
                return Err(LerobotError::Refused(format!(
                    "{} has pictures of {cameras:?}, and those before it of {:?}; export them apart, or without pictures",
                    source.name, plan.cameras
                )));
            }
            for (episode, standing) in chosen.episodes.iter().zip(&chosen.standings) {
                plan.add(episode, options)?;
                let name = format!("{} {} {standing:?}", episode.key, episode.len());
                hash.write(name.as_bytes());
            }
            plan.sources.push((source.name.clone(), chosen.episodes.len() as u64));
        }
        let Some(mut plan) = making else {
            let why = left_out.told.first().map_or_else(
                || "the recordings hold none".to_owned(),
                |(key, why)| format!("{} were left out, the first of them {key}: {why}", left_out.count),
            );
            return Err(LerobotError::Nothing { why });
        };
        plan.fingerprint = hash.finish();
        plan.left_out = left_out;
        Ok(plan)
    }

    fn of(
        robot: &Arc<RobotDescriptor>,
        cameras: Vec<String>,
        options: &Options<'_>,
    ) -> Result<Self, LerobotError> {
        for group in &robot.groups {
            check_name("group", &group.name)?;
        }
        for camera in &cameras {
            check_name("camera", camera)?;
            if camera.contains("image") {
                // LeRobot takes each column with "image" in its name for a picture, and there is a `capture_ns.CAMERA`.
                let why =
                    format!("a camera of a LeRobot dataset must not have \"image\" in its name: {camera}");
                return Err(LerobotError::Refused(why));
            }
        }
        Ok(Self {
            robot: Arc::clone(robot),
            cameras,
            pictures: options.pictures,
            fps: fps(robot.control_hz, options.every)?,
            episodes: 0,
            rows: 0,
            left_out: LeftOut::default(),
            sources: Vec::new(),
            fingerprint: 0,
        })
    }

    fn add(&mut self, episode: &Episode, options: &Options<'_>) -> Result<(), LerobotError> {
        let objects = |robot: &RobotDescriptor| -> Vec<String> {
            movable(robot).map(|object| object.name.clone()).collect()
        };
        let other = difference(&self.robot, &episode.robot).or_else(|| {
            let differ = objects(&self.robot) != objects(&episode.robot);
            differ.then(|| format!("objects {:?} and {:?}", objects(&self.robot), objects(&episode.robot)))
        });
        if let Some(what) = other {
            let why = format!("its robot is not that of the attempts before it: {what}");
            return Err(LerobotError::attempt(&episode.key, why));
        }
        let rows = rows_of(episode, options.every);
        let most = u64::from(options.limits.video_seconds) * u64::from(self.fps);
        if options.pictures == Pictures::Video && !self.cameras.is_empty() && rows > most {
            let limit = options.limits.video_seconds;
            let why =
                format!("it lasts longer than the {limit} seconds that LeRobot can tell apart in a video");
            return Err(LerobotError::attempt(&episode.key, why));
        }
        task_of(episode, options)?;
        self.episodes += 1;
        self.rows += rows;
        Ok(())
    }
}

/// LeRobot's paths are made of names, and its column names may not have a slash.
fn check_name(what: &str, name: &str) -> Result<(), LerobotError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !name.is_empty() && name.chars().all(plain) && !name.starts_with('.') {
        return Ok(());
    }
    let why =
        format!("{what} {name:?}: the name of a column may have letters, digits, `_`, `-` and `.` only");
    Err(LerobotError::Refused(why))
}

fn fps(control_hz: f64, every: u32) -> Result<u32, LerobotError> {
    let exact = control_hz / f64::from(every);
    let whole = (1..=1000u32).find(|fps| (f64::from(*fps) - exact).abs() < 1e-9);
    whole.ok_or_else(|| {
        LerobotError::Refused(format!(
            "LeRobot needs a whole number of rows a second; the robot's {control_hz} and every {every}th make {exact}"
        ))
    })
}
