//! The intervention node, overheard, and now and then killed and started again.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use retake_deployment::Settings;
use retake_model::Random;
use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{Message, Topic};

use super::{Truth, locked};

pub(super) struct Witness {
    settings: Settings,
    truth: Arc<Mutex<Truth>>,
    random: Random,
    /// The node, while it lives.
    node: Option<Box<dyn Node>>,
    /// When it dies, or when it is started again.
    turns: MonoTime,
}

const INTERVENTION: &str = "intervention";

impl Witness {
    pub(super) fn new(settings: Settings, truth: Arc<Mutex<Truth>>, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let node: Box<dyn Node> = Box::new(settings.arbiter(MonoTime::ZERO));
        let turns = life(&mut random, MonoTime::ZERO);
        Self { settings, truth, random, node: Some(node), turns }
    }

    fn turn(&mut self, now: MonoTime) {
        if self.node.is_some() {
            self.node = None;
            self.turns = now + Duration::from_millis(5 + self.random.below(400));
            locked(&self.truth).died(now);
        } else {
            self.settings.first_epoch = locked(&self.truth).rose(now) + 1 + self.random.below(3);
            self.settings.entropy = self.random.next();
            self.node = Some(Box::new(self.settings.arbiter(now)));
            self.turns = life(&mut self.random, now);
        }
    }

    fn overhear(&self, now: MonoTime, mut said: Outbox, out: &mut Outbox) {
        for message in said.drain() {
            locked(&self.truth).said(now, &message);
            out.publish(message);
        }
    }
}

fn life(random: &mut Random, now: MonoTime) -> MonoTime {
    now + Duration::from_millis(2_000 + random.below(20_000))
}

impl Node for Witness {
    fn name(&self) -> &'static str {
        INTERVENTION
    }

    fn subscriptions(&self) -> &[Topic] {
        self.node.as_ref().map_or(&[], |node| node.subscriptions())
    }

    fn publications(&self) -> &[Topic] {
        self.node.as_ref().map_or(&[], |node| node.publications())
    }

    fn receive(&mut self, now: MonoTime, message: &Message, out: &mut Outbox) {
        let Some(node) = &mut self.node else { return };
        locked(&self.truth).arrived(now, message);
        let mut said = Outbox::default();
        node.receive(now, message, &mut said);
        self.overhear(now, said, out);
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        if now >= self.turns {
            return self.turn(now);
        }
        let Some(node) = &mut self.node else { return };
        let mut said = Outbox::default();
        node.wake(now, &mut said);
        self.overhear(now, said, out);
    }

    fn next_wake(&self) -> Option<MonoTime> {
        let wake = self.node.as_ref().and_then(|node| node.next_wake());
        Some(wake.map_or(self.turns, |wake| wake.min(self.turns)))
    }
}
