//! A deployment under test: its processes, its relay, and what was seen of it.
#![expect(clippy::wildcard_enum_match_arm, reason = "only what one steers by is remembered")]

use std::{
    collections::BTreeMap,
    sync::mpsc::{self, Receiver, Sender},
    time::Duration,
};

use anyhow::Context as _;
use retake_bus::Clock;
use retake_units::MonoTime;
use retake_wire::{
    Message,
    pb::{Observation, Owner, Status},
};
use rustix::process::Signal;

use super::{
    child::{Child, Event, What},
    hand::{Hand, Order},
    node::Kind,
    relay::Relay,
    wiretap::Frame,
};

/// What is known of the deployment now, to steer by. The checker has its own view.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) status: Option<(MonoTime, Status)>,
    pub(crate) observation: Option<Observation>,
}

impl View {
    fn note(&mut self, event: &Event) {
        let What::Frame(frame) = &event.what else { return };
        let Frame { at, arrived: false, message } = frame.as_ref() else { return };
        match message {
            Message::Status(status) => self.status = Some((*at, status.clone())),
            Message::Observation(observation) => self.observation = Some(observation.clone()),
            _ => {}
        }
    }

    pub(crate) fn owned_by(&self, owner: Owner) -> bool {
        self.status.as_ref().is_some_and(|(_, status)| {
            !status.groups.is_empty() && status.groups.iter().all(|group| group.owner() == owner)
        })
    }
}

/// One deployment.
#[derive(Debug)]
pub(crate) struct Station {
    pub(crate) relay: Relay,
    children: BTreeMap<Kind, Child>,
    events: Receiver<Event>,
    sender: Sender<Event>,
    pub(crate) view: View,
    /// What was seen and not yet taken.
    seen: Vec<Event>,
    entropy: u64,
}

impl Station {
    pub(crate) fn start(seed: u64) -> anyhow::Result<Self> {
        let (sender, events) = mpsc::channel();
        let relay = Relay::open(seed)?;
        let (children, view, seen) = (BTreeMap::new(), View::default(), Vec::new());
        let mut station = Self { relay, children, events, sender, view, seen, entropy: seed };
        for kind in Kind::ALL {
            station.restart(kind)?;
        }
        Ok(station)
    }

    /// Starts a process anew, killing it if it runs.
    pub(crate) fn restart(&mut self, kind: Kind) -> anyhow::Result<()> {
        self.children.remove(&kind);
        self.entropy = self.entropy.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let endpoint = self.relay.link(kind)?.endpoint().to_owned();
        let child = Child::start(kind, &endpoint, self.entropy, &self.sender)?;
        self.children.insert(kind, child);
        Ok(())
    }

    pub(crate) fn kill(&mut self, kind: Kind) -> anyhow::Result<()> {
        self.child(kind)?.kill()
    }

    pub(crate) fn signal(&mut self, kind: Kind, signal: Signal) -> anyhow::Result<()> {
        self.child(kind)?.signal(signal)
    }

    /// Starts whoever has died.
    pub(crate) fn revive(&mut self) -> anyhow::Result<bool> {
        let mut revived = false;
        for kind in Kind::ALL {
            if !self.child(kind)?.running() {
                self.restart(kind)?;
                revived = true;
            }
        }
        Ok(revived)
    }

    fn child(&mut self, kind: Kind) -> anyhow::Result<&mut Child> {
        self.children.get_mut(&kind).with_context(|| format!("there is no {} process", kind.name()))
    }

    /// An operator who has died does nothing any more.
    pub(crate) fn order(&mut self, kind: Kind, order: Order) {
        if let Some(child) = self.children.get_mut(&kind) {
            let _ = child.order(order);
        }
    }

    pub(crate) fn hand(&mut self, kind: Kind, hand: Hand) {
        self.order(kind, Order::Hand(hand));
    }

    /// Waits until `done` says so, for at most `patience`.
    pub(crate) fn wait(&mut self, patience: Duration, done: impl Fn(&View) -> bool) -> bool {
        let deadline = Clock::System.now() + patience;
        loop {
            if done(&self.view) {
                return true;
            }
            let now = Clock::System.now();
            if now >= deadline {
                return false;
            }
            if let Ok(event) = self.events.recv_timeout(deadline.since(now)) {
                self.view.note(&event);
                self.seen.push(event);
            }
        }
    }

    pub(crate) fn pass(&mut self, span: Duration) {
        self.wait(span, |_| false);
    }

    /// What was seen up to `until`, in order of time.
    pub(crate) fn take(&mut self, until: MonoTime) -> Vec<Event> {
        while let Ok(event) = self.events.try_recv() {
            self.view.note(&event);
            self.seen.push(event);
        }
        self.seen.sort_by_key(|event| event.at);
        let count = self.seen.partition_point(|event| event.at <= until);
        self.seen.drain(..count).collect()
    }
}
