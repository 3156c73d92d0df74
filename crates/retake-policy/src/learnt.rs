//! A trained policy: observations in, chunks out.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use retake_features::{Actions, Features, Key};
use retake_learn::{About, LearnError, Manifest, Policy};
use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    pb::{Applied, Beacon, GroupValues, Header, Observation, PolicyInfo, Proposal, RobotDescriptor},
};
use serde_json::{Value, json};

use crate::{Store, StoreError, expert::notice, store::is_checkpoint};

/// Control periods that an answer of one action is followed for: longer than the next one takes on a bad link.
const STEPS: usize = 12;
/// Of a chunk, how much is used before the next is computed; of one action, so many control periods.
const USED_OF_CHUNK: usize = 2;
const USED_OF_ACTION: u64 = 2;
const ANNOUNCE_AGAIN: Duration = Duration::from_millis(500);

/// What a checkpoint must say of itself so that it can be served: the observation's keys, the size of each group's action, the rate,
/// and the task and robot it learnt from.
///
/// # Errors
/// If the robot cannot be driven by a policy of this kind.
pub fn about(robot: &RobotDescriptor) -> Result<About, retake_features::FeatureError> {
    let (actions, features) = Actions::new(robot)?;
    let groups: BTreeMap<&str, usize> =
        robot.groups.iter().zip(actions.sizes()).map(|(group, size)| (group.name.as_str(), *size)).collect();
    Ok(BTreeMap::from([
        ("observation".into(), json!(features.keys())),
        ("action".into(), json!({ "space": "velocity", "groups": groups })),
        ("control_hz".into(), json!(robot.control_hz)),
        ("task".into(), json!(robot.task)),
        ("robot".into(), json!(robot.robot)),
    ]))
}

/// A checkpoint that fits a robot.
#[derive(Debug)]
pub struct Served {
    policy: Policy,
    actions: Actions,
    features: Features,
    version: String,
}

impl Served {
    /// Reads a checkpoint to serve it to a robot.
    ///
    /// # Errors
    /// In words, if it is not whole, or was trained for another robot, task or rate.
    pub fn load(dir: &Path, robot: &RobotDescriptor) -> Result<Self, String> {
        let (policy, manifest) = Policy::load(dir).map_err(|error: LearnError| error.to_string())?;
        let (actions, features) = Actions::new(robot).map_err(|error| error.to_string())?;
        let wanted = about(robot).map_err(|error| error.to_string())?;
        for name in ["observation", "action", "control_hz", "task"] {
            let (has, needs) = (manifest.about.get(name), wanted.get(name));
            if has != needs {
                return Err(unlike(dir, name, has, needs));
            }
        }
        let shape = policy.shape();
        if shape.observations != features.width() || shape.groups != actions.sizes() {
            return Err(format!("{} does not hold what its manifest says; train it again", dir.display()));
        }
        Ok(Self { version: version(dir, &manifest), policy, actions, features })
    }

    /// Its name on the bus: the folder's, and the beginning of its weights' hash.
    pub fn version(&self) -> &str {
        &self.version
    }
}

/// Whether a checkpoint, or what is announced in a folder of them, can be served to a robot; its version, if so.
///
/// # Errors
/// In words, why not.
pub fn check(dir: &Path, robot: &RobotDescriptor) -> Result<String, String> {
    let checkpoint = announced(dir).map_err(|error| error.to_string())?;
    Served::load(&checkpoint, robot).map(|served| served.version)
}

fn version(dir: &Path, manifest: &Manifest) -> String {
    let name = dir.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    format!("{name}-{}", manifest.policy.sha256.get(..8).unwrap_or_default())
}

fn unlike(dir: &Path, name: &str, has: Option<&Value>, needs: Option<&Value>) -> String {
    let keys = |value: Option<&Value>| {
        value.and_then(|value| serde_json::from_value::<Vec<Key>>(value.clone()).ok()).unwrap_or_default()
    };
    let (theirs, ours) = (keys(has), keys(needs));
    let differs = theirs.iter().zip(&ours).find(|(theirs, ours)| theirs != ours);
    let detail = match differs {
        Some((theirs, ours)) => format!("{theirs:?} instead of {ours:?}"),
        None => format!("{} instead of {}", text(has), text(needs)),
    };
    format!("{} was trained for another robot or task: its {name} is {detail}", dir.display())
}

fn text(value: Option<&Value>) -> String {
    let text = value.map_or_else(|| "not given".to_owned(), ToString::to_string);
    text.chars().take(200).collect()
}

/// The policy node of a trained policy.
#[derive(Debug)]
pub struct LearntPolicy {
    dir: PathBuf,
    session: u64,
    robot: Option<RobotDescriptor>,
    served: Option<Served>,
    /// Folder of what is served, or was refused.
    tried: Option<PathBuf>,
    applied: Option<Applied>,
    beacon: Beacon,
    seq: u64,
    chunk: u64,
    planned: Option<(u64, u64)>,
    resets: Option<u64>,
    announce_at: MonoTime,
}

impl LearntPolicy {
    /// Serves a checkpoint, or what is announced in a folder of them. It is read when the robot is known.
    pub fn new(dir: &Path, session: u64, start: MonoTime) -> Self {
        Self {
            dir: dir.to_owned(),
            session,
            robot: None,
            served: None,
            tried: None,
            applied: None,
            beacon: Beacon::default(),
            seq: 0,
            chunk: 0,
            planned: None,
            resets: None,
            announce_at: start,
        }
    }

    fn described(&mut self, descriptor: &RobotDescriptor, out: &mut Outbox) {
        if self.robot.as_ref() != Some(descriptor) {
            self.robot = Some(descriptor.clone());
            (self.served, self.tried) = (None, None);
            self.change(out);
        }
    }

    /// Takes what is announced if it is another than what is served. What cannot be served is told, and changes nothing.
    fn change(&mut self, out: &mut Outbox) {
        let Some(robot) = &self.robot else { return };
        let announced = match announced(&self.dir) {
            Ok(announced) => announced,
            Err(error) => {
                if self.tried.take().is_some() || self.served.is_none() {
                    out.publish(notice("policy_not_announced", error.to_string()));
                }
                return;
            }
        };
        if self.tried.as_ref() == Some(&announced) {
            return;
        }
        match Served::load(&announced, robot) {
            Ok(served) => {
                if let Some(former) = &self.served {
                    let text =
                        format!("{} drives from now on, instead of {}.", served.version, former.version);
                    out.publish(notice("policy_changed", text));
                }
                self.served = Some(served);
                self.planned = None;
            }
            Err(why) => {
                let stays = self
                    .served
                    .as_ref()
                    .map_or_else(String::new, |served| format!(" {} goes on instead.", served.version));
                out.publish(notice("policy_refused", format!("{why}.{stays}")));
            }
        }
        self.tried = Some(announced);
    }

    fn observed(&mut self, observation: &Observation, out: &mut Outbox) {
        if self.resets.replace(observation.resets) != Some(observation.resets) {
            self.planned = None;
            // Between episodes, never within one.
            self.change(out);
        }
        let seq = observation.header.unwrap_or_default().seq;
        let used = self.served.as_ref().map_or(1, |served| match served.policy.horizon() {
            1 => USED_OF_ACTION,
            steps => (steps / USED_OF_CHUNK).max(1) as u64,
        });
        // A change of authority kills what was planned before it: answer at once.
        let due = self.planned.is_none_or(|(planned, epoch)| {
            seq.saturating_sub(planned) >= used || epoch != self.beacon.epoch || seq < planned
        });
        // Without a beacon to answer to, nothing it says can be fresh.
        if !due || self.beacon.nonce == 0 {
            return;
        }
        if let Some(proposal) = self.propose(observation) {
            self.planned = Some((seq, self.beacon.epoch));
            out.publish(proposal);
        }
    }

    fn propose(&mut self, observation: &Observation) -> Option<Proposal> {
        let served = self.served.as_ref()?;
        let start: &[GroupValues] = match &self.applied {
            Some(applied) if applied.position.len() == observation.position.len() => &applied.position,
            Some(_) | None => &observation.position,
        };
        let row = served.features.row(observation, start)?;
        let action = served.policy.act(&row).ok()?;
        let steps = if served.policy.horizon() == 1 { STEPS } else { served.policy.horizon() };
        let plan = served.actions.follow(start, &action, steps)?;
        self.seq += 1;
        self.chunk += 1;
        let header = Header {
            epoch: self.beacon.epoch,
            seq: self.seq,
            beacon: self.beacon.nonce,
            sent_nanos: observation.captured_nanos,
            session: self.session,
        };
        #[expect(clippy::cast_possible_truncation, reason = "a control period in nanoseconds")]
        let period_nanos = (served.actions.period() * 1e9).round() as i64;
        Some(Proposal {
            header: Some(header),
            version: served.version.clone(),
            chunk: self.chunk,
            observation_seq: observation.header.unwrap_or_default().seq,
            observation_nanos: observation.captured_nanos,
            period_nanos,
            steps: plan,
        })
    }
}

/// The checkpoint to serve.
fn announced(dir: &Path) -> Result<PathBuf, StoreError> {
    if is_checkpoint(dir) {
        return Ok(dir.to_owned());
    }
    let store = Store::at(dir);
    let serving = store.serving()?.ok_or_else(|| StoreError::Nothing(dir.to_owned()))?;
    Ok(store.path(&serving.version))
}

impl Node for LearntPolicy {
    fn name(&self) -> &'static str {
        "policy"
    }

    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Descriptor, Topic::Observation, Topic::Applied, Topic::Beacon]
    }

    fn publications(&self) -> &[Topic] {
        &[Topic::Proposal, Topic::PolicyInfo, Topic::Notice]
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only subscribed topics arrive")]
    fn receive(&mut self, _: MonoTime, message: &Message, out: &mut Outbox) {
        match message {
            Message::Descriptor(descriptor) => self.described(descriptor, out),
            Message::Observation(observation) => self.observed(observation, out),
            Message::Applied(applied) => self.applied = Some(applied.clone()),
            Message::Beacon(beacon) => self.beacon = *beacon,
            _ => {}
        }
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        if now < self.announce_at {
            return;
        }
        self.announce_at = now + ANNOUNCE_AGAIN;
        if let (Some(served), Some(robot)) = (&self.served, &self.robot) {
            out.publish(PolicyInfo {
                version: served.version.clone(),
                name: "learnt".into(),
                task: robot.task.clone(),
                session: self.session,
            });
        }
    }

    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.announce_at)
    }
}
