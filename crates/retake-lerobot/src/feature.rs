//! The columns of a dataset, and what a row has in each.

use retake_dataset::{Episode, Row, Standing};
use retake_wire::pb::{Pose, RobotDescriptor};
use serde_json::{Value as Json, json};

use crate::{LerobotError, Options, Pictures, plan::Plan, plan::movable};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    State,
    Objects,
    Action,
    Proposal,
    GroupLabel(usize),
    Label,
    Intervention,
    InterventionId,
    Edge,
    Owner(usize),
    Captured,
    CameraCaptured(usize),
    Tick,
    Weight,
    Verdict,
    Picture(usize),
    Timestamp,
    FrameIndex,
    EpisodeIndex,
    Index,
    TaskIndex,
}

/// How a column's values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// So many `float32`.
    Floats(usize),
    Int,
    Bool,
    /// JPEG bytes in the rows.
    Jpeg,
    /// Not in the rows, but a video beside them.
    Video,
}

/// A column.
#[derive(Clone, Debug)]
pub(crate) struct Feature {
    pub(crate) name: String,
    pub(crate) what: What,
    pub(crate) kind: Kind,
    /// Names of the parts of a vector.
    pub(crate) names: Option<Vec<String>>,
}

/// A value in a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Floats(Vec<f32>),
    Int(i64),
    Bool(bool),
}

/// Where a row comes from and where it goes.
pub(crate) struct Place<'a> {
    pub(crate) row: &'a Row,
    pub(crate) episode: &'a Episode,
    pub(crate) standing: &'a Standing,
    /// Row within the exported attempt, within the dataset; attempt; task.
    pub(crate) frame: i64,
    pub(crate) index: i64,
    pub(crate) episode_index: i64,
    pub(crate) task_index: i64,
    pub(crate) fps: u32,
    pub(crate) weight: f32,
}

/// All columns of a dataset.
pub(crate) fn features(plan: &Plan, options: &Options<'_>) -> Vec<Feature> {
    let robot = &plan.robot;
    let values = value_names(robot);
    let vector = |name: &str, what, names: Vec<String>| Feature {
        name: name.into(),
        what,
        kind: Kind::Floats(names.len()),
        names: Some(names),
    };
    let plain = |name: String, what, kind| Feature { name, what, kind, names: None };
    let mut all = vec![vector("observation.state", What::State, values.clone())];
    let objects: Vec<String> = movable(robot).flat_map(|object| pose_names(&object.name)).collect();
    if !objects.is_empty() {
        all.push(vector("observation.environment_state", What::Objects, objects));
    }
    all.push(vector("action", What::Action, values.clone()));
    for (camera, name) in plan.cameras.iter().enumerate() {
        let kind = if options.pictures == Pictures::Image { Kind::Jpeg } else { Kind::Video };
        all.push(plain(format!("observation.images.{name}"), What::Picture(camera), kind));
    }
    if !options.twin {
        // None of these names may begin with `observation` or `action`, or they would become inputs or outputs of a policy.
        for (group, of) in robot.groups.iter().enumerate() {
            all.push(plain(format!("label.{}", of.name), What::GroupLabel(group), Kind::Int));
            all.push(plain(format!("owner.{}", of.name), What::Owner(group), Kind::Int));
        }
        for (camera, name) in plan.cameras.iter().enumerate() {
            all.push(plain(format!("capture_ns.{name}"), What::CameraCaptured(camera), Kind::Int));
        }
        all.push(vector("policy_action", What::Proposal, values));
        all.push(plain("label".into(), What::Label, Kind::Int));
        all.push(plain("label.verdict".into(), What::Verdict, Kind::Int));
        all.push(plain("intervention".into(), What::Intervention, Kind::Bool));
        all.push(plain("intervention_id".into(), What::InterventionId, Kind::Int));
        all.push(plain("edge".into(), What::Edge, Kind::Bool));
        all.push(plain("capture_ns".into(), What::Captured, Kind::Int));
        all.push(plain("tick".into(), What::Tick, Kind::Int));
        all.push(plain("weight".into(), What::Weight, Kind::Floats(1)));
    }
    all.push(plain("timestamp".into(), What::Timestamp, Kind::Floats(1)));
    all.push(plain("frame_index".into(), What::FrameIndex, Kind::Int));
    all.push(plain("episode_index".into(), What::EpisodeIndex, Kind::Int));
    all.push(plain("index".into(), What::Index, Kind::Int));
    all.push(plain("task_index".into(), What::TaskIndex, Kind::Int));
    all
}

/// `group.joint` for each value of each group; `group.number` where joints are not named.
pub(crate) fn value_names(robot: &RobotDescriptor) -> Vec<String> {
    let of_group = |group: &retake_wire::pb::Group| -> Vec<String> {
        let named = group.joints.len() == group.lower.len();
        let name = |index: usize| match group.joints.get(index) {
            Some(joint) if named => format!("{}.{joint}", group.name),
            _ => format!("{}.{index}", group.name),
        };
        (0..group.lower.len()).map(name).collect()
    };
    robot.groups.iter().flat_map(of_group).collect()
}

pub(crate) fn pose_names(object: &str) -> [String; 7] {
    ["x", "y", "z", "qx", "qy", "qz", "qw"].map(|part| format!("{object}.{part}"))
}

impl Feature {
    /// A vector that may hold what is not a number has no statistics.
    pub(crate) fn has_stats(&self) -> bool {
        self.what != What::Proposal
    }

    /// Its entry in `info.json`. `size` is that of the camera's pictures, height first.
    pub(crate) fn info(&self, fps: u32, size: impl Fn(usize) -> (u32, u32)) -> Json {
        let camera = |camera: usize| {
            let (height, width) = size(camera);
            (json!([height, width, 3]), json!(["height", "width", "channels"]), height, width)
        };
        match (self.kind, self.what) {
            (Kind::Video, What::Picture(index)) => {
                let (shape, names, height, width) = camera(index);
                // Exactly these keys: LeRobot merges only what is equal here.
                json!({"dtype": "video", "shape": shape, "names": names, "info": {
                    "video.height": height, "video.width": width, "video.codec": "h264",
                    "video.pix_fmt": "yuv420p", "video.is_depth_map": false, "video.fps": fps,
                    "video.channels": 3, "has_audio": false,
                }})
            }
            (Kind::Jpeg, What::Picture(index)) => {
                let (shape, names, _, _) = camera(index);
                json!({"dtype": "image", "shape": shape, "names": names})
            }
            (Kind::Floats(width), _) => json!({"dtype": "float32", "shape": [width], "names": self.names}),
            (Kind::Bool, _) => json!({"dtype": "bool", "shape": [1], "names": null}),
            (Kind::Int | Kind::Jpeg | Kind::Video, _) => {
                json!({"dtype": "int64", "shape": [1], "names": null})
            }
        }
    }
}

/// What a row has in a column; none for pictures.
pub(crate) fn value(what: What, at: &Place<'_>) -> Result<Option<Value>, LerobotError> {
    let Place { row, episode, .. } = at;
    let label = |group: usize| episode.labels.get(group).and_then(|labels| labels.get(row.row));
    let groups = &row.tick.groups;
    let labels = || (0..groups.len()).filter_map(label);
    let missing = |what: &str| {
        let why = format!("row {} has no {what}; leave the attempt out", row.row);
        LerobotError::attempt(&episode.key, why)
    };
    let observation = || row.observation.as_ref().ok_or_else(|| missing("observation"));
    Ok(Some(match what {
        What::State => Value::Floats(groups.iter().flat_map(|group| narrow(&group.measured)).collect()),
        What::Action => Value::Floats(groups.iter().flat_map(|group| narrow(&group.command)).collect()),
        What::Objects => {
            let poses = &observation()?.objects;
            if poses.len() != movable(&episode.robot).count() {
                return Err(missing("poses of all objects"));
            }
            Value::Floats(poses.iter().flat_map(|pose| narrow(&parts(pose)).collect::<Vec<f32>>()).collect())
        }
        What::Proposal => Value::Floats(groups.iter().flat_map(proposal).collect()),
        What::GroupLabel(group) => {
            let found = label(group).ok_or_else(|| missing("label"))?;
            Value::Int(found.class.number().into())
        }
        What::Label => Value::Int(episode.class(row.row).number().into()),
        What::Intervention => Value::Bool(episode.class(row.row).is_intervention()),
        What::InterventionId => {
            Value::Int(labels().map(|label| label.intervention).max().unwrap_or(0).into())
        }
        What::Edge => Value::Bool(labels().any(|label| label.edge)),
        What::Owner(group) => Value::Int(groups.get(group).map_or(0, |group| group.owner).into()),
        What::Captured => Value::Int(observation()?.captured_nanos),
        What::CameraCaptured(camera) => {
            let frame = row.frames.get(camera).and_then(Option::as_ref);
            Value::Int(frame.ok_or_else(|| missing("picture"))?.captured_nanos)
        }
        What::Tick => Value::Int(row.tick.tick.cast_signed()),
        What::Weight => Value::Floats(vec![at.weight]),
        What::Verdict => Value::Int(verdict_number(&at.standing.verdict)),
        What::Timestamp => Value::Floats(vec![timestamp(at.frame, at.fps)]),
        What::FrameIndex => Value::Int(at.frame),
        What::EpisodeIndex => Value::Int(at.episode_index),
        What::Index => Value::Int(at.index),
        What::TaskIndex => Value::Int(at.task_index),
        What::Picture(_) => return Ok(None),
    }))
}

fn proposal(group: &retake_wire::pb::GroupTick) -> Vec<f32> {
    if group.proposal.len() == group.command.len() {
        narrow(&group.proposal).collect()
    } else {
        vec![f32::NAN; group.command.len()]
    }
}

fn parts(pose: &Pose) -> [f64; 7] {
    [pose.x, pose.y, pose.z, pose.qx, pose.qy, pose.qz, pose.qw]
}

/// 1 success, 0 failure, -1 none.
pub(crate) fn verdict_number(verdict: &str) -> i64 {
    match verdict {
        "success" => 1,
        "failure" => 0,
        _ => -1,
    }
}

/// Seconds as LeRobot makes them: one division, rounded once.
#[expect(clippy::cast_possible_truncation, reason = "LeRobot keeps times as f32")]
pub(crate) fn timestamp(frame: i64, fps: u32) -> f32 {
    (frame as f64 / f64::from(fps)) as f32
}

#[expect(clippy::cast_possible_truncation, reason = "LeRobot's vectors are f32")]
pub(crate) fn narrow(values: &[f64]) -> impl Iterator<Item = f32> {
    values.iter().map(|value| *value as f32)
}
