//! The node of an operator with a gamepad.

use std::{fmt, time::Duration};

use retake_node::{Echo, Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    pb::{DriveMode, Notice, OperatorInput, Owner, Status},
};

use said::Said;

use crate::pad::{Controls, Feel, Mapper, PadEvent, PadMap, PadSource, PadState, Readiness, Situation};

mod said;

/// A node that woke more often would leave no time to others.
pub(crate) const SHORTEST_PERIOD: Duration = Duration::from_millis(1);

/// How an operator's node is set up.
#[derive(Clone, Debug, PartialEq)]
pub struct PadConfig {
    /// Who: stable for one operator station.
    pub operator: String,
    /// What kind of device, for the record.
    pub device: String,
    /// Groups that the clutch takes; empty means all.
    pub groups: Vec<String>,
    /// What the clutch makes of the operator's motion.
    pub mode: DriveMode,
    /// Time between two inputs, at least 1 ms.
    pub period: Duration,
    /// Random, chosen anew at each start.
    pub session: u64,
    /// Which control does what.
    pub map: PadMap,
}

impl PadConfig {
    /// The default map at 100 inputs a second, taking all groups.
    pub fn new(operator: impl Into<String>, session: u64) -> Self {
        Self {
            operator: operator.into(),
            device: "gamepad".to_owned(),
            groups: Vec::new(),
            mode: DriveMode::Direct,
            period: Duration::from_millis(10),
            session,
            map: PadMap::default(),
        }
    }
}

/// Says what the operator wants at a fixed rate, whether or not anything changed: a stick that is held says nothing by
/// itself.
pub struct PadOperator<S> {
    config: PadConfig,
    source: S,
    mapper: Mapper,
    echo: Echo,
    next: MonoTime,
    situation: Situation,
    felt: Felt,
    said: Said,
    told: Option<Readiness>,
    controls: Controls,
    events: Vec<(MonoTime, PadEvent)>,
}

/// What of the newest status the operator was made to feel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Felt {
    human: bool,
    refused: bool,
}

impl<S> fmt::Debug for PadOperator<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PadOperator").field("operator", &self.config.operator).finish_non_exhaustive()
    }
}

impl<S: PadSource> PadOperator<S> {
    /// An operator whose pad is `source`.
    pub fn new(mut config: PadConfig, source: S) -> Self {
        config.period = config.period.max(SHORTEST_PERIOD);
        Self {
            mapper: Mapper::new(config.map.clone()),
            echo: Echo::new(config.session),
            source,
            next: MonoTime::ZERO,
            situation: Situation::default(),
            felt: Felt::default(),
            said: Said::default(),
            told: None,
            controls: Controls::default(),
            events: Vec::new(),
            config,
        }
    }

    /// The pad as it is, for a live view.
    pub const fn state(&self) -> &PadState {
        self.mapper.state()
    }

    /// What was last said, for a live view.
    pub const fn controls(&self) -> &Controls {
        &self.controls
    }

    fn take_in(&mut self, now: MonoTime, out: &mut Outbox) {
        self.source.poll(now, &mut self.events);
        for (at, event) in std::mem::take(&mut self.events) {
            self.mapper.event(at, &event, self.situation);
            if let PadEvent::Note { text } = event {
                self.tell("pad.note", text, out);
            }
        }
    }

    /// Says once why the pad counts or does not, at each change.
    fn tell_readiness(&mut self, out: &mut Outbox) {
        let readiness = self.mapper.state().readiness();
        if self.told.replace(readiness) == Some(readiness) {
            return;
        }
        let code = match readiness {
            Readiness::Absent => "pad.absent",
            Readiness::Unmapped => "pad.unmapped",
            Readiness::Settling => "pad.settling",
            Readiness::Silent => "pad.silent",
            Readiness::Ready => "pad.ready",
        };
        let name = self.mapper.state().pad().map_or_else(String::new, |pad| pad.name.clone());
        let text = self.mapper.state().refusal().unwrap_or_else(|| format!("{name} is ready."));
        self.tell(code, text, out);
    }

    fn tell(&self, code: &str, text: String, out: &mut Outbox) {
        out.publish(Notice {
            tick: self.echo.tick(),
            code: code.to_owned(),
            text,
            source: self.config.operator.clone(),
        });
    }

    fn input(&mut self, controls: Controls, now: MonoTime) -> OperatorInput {
        let (header, config) = (self.echo.header(now), &self.config);
        let input = controls.into_input(header, &config.operator, &config.device, &config.groups);
        OperatorInput { mode: config.mode.into(), ..input }
    }

    fn feel(&mut self, status: &Status) {
        let mine = status.operator == self.config.operator;
        let felt = Felt {
            human: mine && status.groups.iter().any(|group| group.owner() == Owner::Human),
            refused: self.controls.clutch
                && (status.stopped || status.needs_release || !mine && !status.operator.is_empty()),
        };
        if felt.human && !self.felt.human {
            self.source.feel(Feel::Engaged);
        } else if felt.refused && !self.felt.refused {
            self.source.feel(Feel::Refused);
        }
        self.felt = felt;
    }
}

impl<S: PadSource> Node for PadOperator<S> {
    fn name(&self) -> &'static str {
        "operator"
    }

    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Beacon, Topic::Status]
    }

    fn publications(&self) -> &[Topic] {
        &[Topic::Input, Topic::Notice]
    }

    fn receive(&mut self, _now: MonoTime, message: &Message, _out: &mut Outbox) {
        if let Message::Beacon(beacon) = message {
            self.echo.hear(beacon);
        } else if let Message::Status(status) = message {
            self.situation = Situation::from(status);
            self.said.hear(status, &self.config.operator);
            self.feel(status);
        }
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        self.take_in(now, out);
        self.controls = self.mapper.sample(now, self.situation);
        self.tell_readiness(out);
        if self.said.amend(&mut self.controls.acts) {
            let acts = std::mem::take(&mut self.controls.acts);
            let (frame, valid, raw) = (self.controls.frame, self.controls.valid, self.controls.raw.clone());
            self.controls = Controls { acts, frame, valid, raw, ..Controls::default() };
        }
        let input = self.input(self.controls.clone(), now);
        out.publish(input);
        self.next = next_beat(self.next, now, self.config.period);
    }

    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.next)
    }

    /// The last word is that nothing is asked for, so that nobody has to wait for a watchdog.
    fn finish(&mut self, now: MonoTime, out: &mut Outbox) {
        let nothing = Controls { frame: self.controls.frame, ..Controls::default() };
        let input = self.input(nothing, now);
        out.publish(input);
    }
}

/// The next time on the grid of `period` after `now`: after a delay, beats are left out rather than made up for.
pub(crate) fn next_beat(last: MonoTime, now: MonoTime, period: Duration) -> MonoTime {
    let next = last + period;
    if next > now && last > MonoTime::ZERO { next } else { now + period }
}

#[cfg(test)]
mod tests;
