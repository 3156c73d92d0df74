//! A deployment whose time the test lets pass.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use retake_node::{Fate, Lockstep, Node};
use retake_units::MonoTime;
use retake_wire::{
    Message,
    pb::{Act, Cause, Owner, Phase},
};

use crate::{Seen, Station};

/// One control period of the deployments under test.
const TICK: Duration = Duration::from_millis(20);
/// What has not happened after this much robot time will not.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running deployment.
#[derive(Debug)]
pub struct Run {
    lockstep: Lockstep,
    seen: Arc<Mutex<Seen>>,
}

impl Run {
    pub(crate) fn new(nodes: Vec<Box<dyn Node>>) -> Self {
        let mut lockstep = Lockstep::new(nodes, MonoTime::ZERO);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let tapped = Arc::clone(&seen);
        lockstep.set_tap(move |now, _, message| tapped.lock().unwrap().note(now, message));
        Self { lockstep, seen }
    }

    /// What was said so far. Do not hold on to it while time passes.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// The time.
    pub const fn now(&self) -> MonoTime {
        self.lockstep.now()
    }

    /// Lets this much time pass.
    pub fn millis(&mut self, millis: u64) {
        let end = self.now() + Duration::from_millis(millis);
        self.lockstep.run_until(end).unwrap();
    }

    /// Lets time pass until `happened`, tick by tick.
    pub fn until(&mut self, what: &str, happened: impl Fn(&Seen) -> bool) {
        let end = self.now() + PATIENCE;
        while !happened(&self.seen()) {
            assert!(self.now() < end && !self.lockstep.finished(), "{what}: never; {:?}", self.seen().who());
            let next = self.now() + TICK;
            self.lockstep.run_until(next).unwrap();
        }
    }

    /// Lets time pass until the scene is at its start state and the operator is heard.
    pub fn until_ready(&mut self) {
        self.until("an episode is ready", |seen| seen.phase() == Phase::Ready);
        self.millis(100);
    }

    /// The operator starts the policy; the policy drives everything.
    pub fn resume(&mut self, station: &Station) {
        station.act(Act::Resume);
        self.until("the policy drives", |seen| seen.all(Owner::Policy, Cause::Resumed));
    }

    /// Runs until the deployment has done what it was asked for.
    pub fn to_end(&mut self) {
        let end = self.now() + Duration::from_secs(600);
        self.lockstep.run_until(end).unwrap();
        assert!(
            self.lockstep.finished(),
            "ten minutes of robot time were not enough; {:?}",
            self.seen().who()
        );
    }

    /// What the network does from now on to each message on its way to each node.
    pub fn link(&mut self, link: impl FnMut(MonoTime, &Message, &str) -> Fate + Send + 'static) {
        self.lockstep.set_link(link);
    }

    /// The network is well again.
    pub fn heal(&mut self) {
        self.lockstep.set_link(|_, _, _| Fate::Deliver);
    }

    /// A node's process dies.
    pub fn kill(&mut self, node: &str) {
        self.lockstep.kill(node);
    }

    /// A node's process is started again.
    pub fn restart(&mut self, node: impl Node + 'static) {
        self.lockstep.restart(Box::new(node));
    }

    /// Somebody says something from outside.
    pub fn inject(&mut self, message: impl Into<Message>) {
        self.lockstep.inject(message.into()).unwrap();
    }

    /// Ends the deployment, and tells everything that was said.
    pub fn finish(self) -> Seen {
        assert_eq!(self.lockstep.refused(), 0, "a node said what it had not declared");
        self.lockstep.finish().unwrap();
        Arc::try_unwrap(self.seen)
            .map_or_else(|seen| seen.lock().unwrap().clone(), |seen| seen.into_inner().unwrap())
    }
}
