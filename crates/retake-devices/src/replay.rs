//! An operator's recorded inputs, said again.

use std::{collections::VecDeque, time::Duration};

use retake_node::{Echo, Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{Message, Topic, pb::OperatorInput};

use crate::{
    operator::{SHORTEST_PERIOD, next_beat},
    pad::Controls,
};

/// How a replay is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayConfig {
    /// Who the inputs are from now; empty keeps who they were from.
    pub operator: String,
    /// Random, chosen anew at each start.
    pub session: u64,
    /// Time between two inputs after the last recorded one, at least 1 ms.
    pub period: Duration,
}

impl ReplayConfig {
    /// Inputs as from the recorded operator, going on at 100 a second.
    pub const fn new(session: u64) -> Self {
        Self { operator: String::new(), session, period: Duration::from_millis(10) }
    }
}

/// Publishes recorded inputs at their recorded times after its first wake, with headers of today. After the last one it
/// stays an operator who asks for nothing, as a pad that lies on the table.
#[derive(Debug)]
pub struct InputReplay {
    config: ReplayConfig,
    inputs: VecDeque<(MonoTime, OperatorInput)>,
    start: Option<MonoTime>,
    idle: OperatorInput,
    echo: Echo,
    next: MonoTime,
}

impl InputReplay {
    /// Replays `inputs`, each with its time after the start of the replay; they are put in order of time.
    pub fn new(mut config: ReplayConfig, mut inputs: Vec<(MonoTime, OperatorInput)>) -> Self {
        config.period = config.period.max(SHORTEST_PERIOD);
        inputs.sort_by_key(|(at, _)| *at);
        let recorded = inputs.last().map(|(_, input)| input.clone()).unwrap_or_default();
        let asks_nothing = Controls { valid: true, frame: recorded.frame(), ..Controls::default() };
        let idle = asks_nothing.into_input(
            Default::default(),
            &recorded.operator,
            &recorded.device,
            &recorded.groups,
        );
        Self {
            echo: Echo::new(config.session),
            config,
            inputs: inputs.into(),
            start: None,
            idle,
            next: MonoTime::ZERO,
        }
    }

    /// Every recorded input was said.
    pub fn finished(&self) -> bool {
        self.inputs.is_empty()
    }

    fn say(&mut self, now: MonoTime, mut input: OperatorInput, out: &mut Outbox) {
        input.header = Some(self.echo.header(now));
        if !self.config.operator.is_empty() {
            input.operator.clone_from(&self.config.operator);
        }
        out.publish(input);
    }
}

impl Node for InputReplay {
    fn name(&self) -> &'static str {
        "operator"
    }

    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Beacon]
    }

    fn publications(&self) -> &[Topic] {
        &[Topic::Input]
    }

    fn receive(&mut self, _now: MonoTime, message: &Message, _out: &mut Outbox) {
        if let Message::Beacon(beacon) = message {
            self.echo.hear(beacon);
        }
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        let start = *self.start.get_or_insert(now);
        let passed = MonoTime::ZERO + now.since(start);
        let said_all = self.inputs.is_empty();
        while let Some((_, input)) = self.inputs.pop_front_if(|(at, _)| *at <= passed) {
            self.say(now, input, out);
        }
        if said_all {
            self.say(now, self.idle.clone(), out);
        }
        self.next = match self.inputs.front() {
            Some((at, _)) => start + at.since(MonoTime::ZERO),
            None => next_beat(self.next, now, self.config.period),
        };
    }

    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.next)
    }
}

#[cfg(test)]
mod tests;
