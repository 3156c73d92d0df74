//! Nodes that touch the world, made from what the user asked for.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use retake_deployment::{Protocol, Settings, Supervision};
use retake_devices::{
    InputReplay, PadConfig, PadOperator, ReplayConfig,
    doctor::InputProbe,
    pad::{GilrsSource, PadSource, RecordedSource, Recording as PadRecording, list_pads, parse_stream},
};
use retake_log::{Anchor, Recording, utc_label};
use retake_node::Node;
use retake_recorder::{Recorder, RecorderConfig};
use retake_scripted::Script;
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    pb::{DriveMode, OperatorInput},
};

use crate::spec::OperatorSpec;

/// Time a person has to change their verdict before the scene is reset.
const TIME_TO_JUDGE: Duration = Duration::from_secs(3);

/// How a person's station is set up.
#[derive(Clone, Debug, Default)]
pub(crate) struct StationPlan {
    /// Its name, if not the device's kind.
    pub(crate) name: Option<String>,
    /// Groups the clutch takes; empty means all.
    pub(crate) groups: Vec<String>,
    /// Adds to the policy instead of driving alone.
    pub(crate) residual: bool,
}

impl StationPlan {
    /// # Errors
    /// If a group is none of the robot's, or the operator is no gamepad and has no choice.
    pub(crate) fn check(&self, spec: &OperatorSpec, settings: &Settings) -> anyhow::Result<()> {
        let groups = &settings.descriptor.groups;
        if let Some(unknown) =
            self.groups.iter().find(|name| !groups.iter().any(|group| group.name == **name))
        {
            let known: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
            bail!("the robot has no group {unknown:?}; it has {}", known.join(", "));
        }
        let plain = self.groups.is_empty() && !self.residual;
        let pad = match spec {
            OperatorSpec::Gamepad => true,
            OperatorSpec::Replay(path) => path.extension().is_some_and(|ending| ending == "jsonl"),
            OperatorSpec::Scripted(_) | OperatorSpec::None => false,
        };
        if !plain && !pad {
            bail!("groups and residual are a gamepad's; the operator {spec} always takes everything");
        }
        Ok(())
    }

    fn pad(&self, session: u64) -> PadConfig {
        let name = self.name.clone().unwrap_or_else(|| "gamepad".to_owned());
        let mode = if self.residual { DriveMode::Residual } else { DriveMode::Direct };
        PadConfig { groups: self.groups.clone(), mode, ..PadConfig::new(name, session) }
    }
}

/// The protocol of this name.
///
/// # Errors
/// If there is none, with the names there are.
pub(crate) fn protocol(name: &str) -> anyhow::Result<Protocol> {
    let names = Protocol::ALL.map(Protocol::name).join(", ");
    Protocol::by_name(name).with_context(|| format!("unknown protocol {name:?}; there are {names}"))
}

/// What the operator's kind means for the deployment.
pub(crate) fn suit(settings: &mut Settings, operator: &OperatorSpec) {
    match operator {
        OperatorSpec::None => settings.supervision = Supervision::Optional,
        OperatorSpec::Gamepad => settings.auto_next = TIME_TO_JUDGE,
        OperatorSpec::Scripted(_) | OperatorSpec::Replay(_) => {}
    }
}

/// A gamepad if one is there, else the scripted supervisor.
pub(crate) fn default_operator() -> OperatorSpec {
    match list_pads() {
        Ok(pads) if !pads.is_empty() => OperatorSpec::Gamepad,
        Ok(_) | Err(_) => OperatorSpec::Scripted(Script::Supervisor),
    }
}

/// The operator's node.
pub(crate) fn operator(
    spec: &OperatorSpec,
    settings: &Settings,
    station: &StationPlan,
    save_pad: Option<&Path>,
    start: MonoTime,
) -> anyhow::Result<Box<dyn Node>> {
    station.check(spec, settings)?;
    // Two stations of one deployment are two senders.
    let name = station.name.as_deref().unwrap_or_default();
    let session = name
        .bytes()
        .fold(settings.entropy ^ 0x0b, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    if save_pad.is_some() && *spec != OperatorSpec::Gamepad {
        bail!("--save-pad writes what a gamepad does; it needs --operator gamepad");
    }
    Ok(match spec {
        OperatorSpec::None => Box::new(settings.scripted(Script::Unattended, start)),
        OperatorSpec::Scripted(script) => Box::new(settings.scripted(*script, start)),
        OperatorSpec::Gamepad => {
            let source: Box<dyn PadSource> =
                match save_pad {
                    None => Box::new(gamepad()?),
                    Some(path) => Box::new(PadRecording::create(gamepad()?, path).with_context(|| {
                        format!("cannot write the gamepad's stream to {}", path.display())
                    })?),
                };
            Box::new(PadOperator::new(station.pad(session), source))
        }
        OperatorSpec::Replay(path) if path.extension().is_some_and(|ending| ending == "jsonl") => {
            let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            let stream =
                parse_stream(&text).with_context(|| format!("{} is no gamepad stream", path.display()))?;
            Box::new(PadOperator::new(station.pad(session), RecordedSource::new(stream)))
        }
        OperatorSpec::Replay(path) => {
            Box::new(InputReplay::new(ReplayConfig::new(session), recorded_inputs(path)?))
        }
    })
}

fn gamepad() -> anyhow::Result<GilrsSource> {
    let pads = list_pads().context("gamepads cannot be read")?;
    if pads.is_empty() {
        let advice = InputProbe::read(Path::new("/")).advice().join(" ");
        bail!(
            "no gamepad found. {advice} `retake pad` shows more; --operator scripted:supervisor needs none"
        );
    }
    Ok(GilrsSource::open()?)
}

/// The inputs of a recording, timed from its beginning.
fn recorded_inputs(path: &Path) -> anyhow::Result<Vec<(MonoTime, OperatorInput)>> {
    let recording = Recording::open(path)?;
    let mut inputs = Vec::new();
    let mut began = None;
    for logged in recording.messages_on(&[Topic::Input]) {
        let logged = logged?;
        let began = *began.get_or_insert(logged.at);
        if let Message::Input(input) = logged.message {
            let offset = u64::try_from(logged.at.since(began).as_nanos()).unwrap_or(u64::MAX);
            inputs.push((MonoTime::from_nanos(offset), input));
        }
    }
    if inputs.is_empty() {
        bail!("{} holds no operator input to replay", path.display());
    }
    Ok(inputs)
}

/// What a recording is told of the run it belongs to.
pub(crate) struct RecordingPlan<'a> {
    pub(crate) dir: PathBuf,
    pub(crate) settings: &'a Settings,
    pub(crate) lockstep: bool,
}

/// The recorder's node.
pub(crate) fn recorder(plan: &RecordingPlan<'_>) -> anyhow::Result<Recorder> {
    let settings = plan.settings;
    let robot = settings.descriptor.robot.parse()?;
    let session = settings.entropy ^ 0x0e;
    let mut config = if plan.lockstep {
        let name = format!("{}-{}-seed{}", settings.task.name, settings.policy.version(), settings.seed);
        RecorderConfig::lockstep(plan.dir.clone(), unused(&plan.dir, &name), robot, session)
    } else {
        let anchor = Anchor::new(retake_bus::Clock::System.now(), retake_bus::wall_now());
        let name = unused(&plan.dir, &utc_label(retake_bus::wall_now()));
        RecorderConfig::new(plan.dir.clone(), Some(name), robot, session, anchor)
    };
    config.writer.extras.command_line = std::env::args().collect();
    config.writer.extras.seed = Some(settings.seed);
    let recorder = if plan.lockstep { Recorder::inline(config) } else { Recorder::threaded(config) };
    recorder.with_context(|| format!("cannot record in {}", plan.dir.display()))
}

/// `name`, or the first of `name-2`, `name-3` … that is not there yet: a recording is never written over.
fn unused(dir: &Path, name: &str) -> String {
    let mut candidate = name.to_owned();
    let mut number = 2;
    while dir.join(&candidate).exists() {
        candidate = format!("{name}-{number}");
        number += 1;
    }
    candidate
}
