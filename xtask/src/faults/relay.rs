//! The middle of the deployment: every message between two processes passes here.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};

use anyhow::Context as _;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use retake_bus::{Bus, Clock, Endpoints, RawMessage, RawSender, RawSubscription, free_endpoint};
use retake_units::MonoTime;
use retake_wire::Topic;

use super::{
    link::Link,
    mangle::{Fault, Mangler, Past},
    node::{Kind, ROBOT},
};

/// Who says what to whom.
const ROUTES: &[(Kind, Topic, &[Kind])] = &[
    (Kind::Driver, Topic::Descriptor, &[Kind::Intervention, Kind::Policy]),
    (Kind::Driver, Topic::Observation, &[Kind::Intervention, Kind::Policy]),
    (Kind::Driver, Topic::Applied, &[Kind::Intervention, Kind::Policy]),
    (Kind::Policy, Topic::Proposal, &[Kind::Intervention]),
    (Kind::Policy, Topic::PolicyInfo, &[Kind::Intervention]),
    (Kind::Intervention, Topic::Command, &[Kind::Driver]),
    (Kind::Intervention, Topic::Reset, &[Kind::Driver]),
    (Kind::Intervention, Topic::Beacon, &[Kind::Policy, Kind::Alice, Kind::Bob]),
    (Kind::Intervention, Topic::Status, &[Kind::Alice, Kind::Bob]),
    (Kind::Alice, Topic::Input, &[Kind::Intervention]),
    (Kind::Bob, Topic::Input, &[Kind::Intervention]),
];

/// One message on its way.
#[derive(Debug)]
struct Letter {
    due: MonoTime,
    number: u64,
    to: Kind,
    message: RawMessage,
}

#[derive(Debug)]
struct Desk {
    fault: Option<(Topic, Fault)>,
    past: Past,
    manglers: BTreeMap<(Kind, Topic), Mangler>,
    senders: BTreeMap<Kind, RawSender>,
    late: Sender<Letter>,
    number: u64,
}

/// All links of one deployment.
#[derive(Debug)]
pub(crate) struct Relay {
    desk: Arc<Mutex<Desk>>,
    links: BTreeMap<Kind, Link>,
    _taps: Vec<RawSubscription>,
    buses: Vec<Bus>,
}

impl Relay {
    pub(crate) fn open(seed: u64) -> anyhow::Result<Self> {
        let (late, letters) = mpsc::channel();
        let (manglers, senders) = (BTreeMap::new(), BTreeMap::new());
        let desk = Desk { fault: None, past: Past::default(), manglers, senders, late, number: 0 };
        let desk = Arc::new(Mutex::new(desk));
        let (mut links, mut taps, mut buses) = (BTreeMap::new(), Vec::new(), Vec::new());
        for kind in Kind::ALL {
            let endpoint = free_endpoint()?;
            let endpoints = Endpoints { listen: vec![endpoint.clone()], ..Endpoints::default() };
            let bus = Bus::open(&format!("relay-{}", kind.name()), &ROBOT.parse()?, &endpoints)?;
            let upstream = endpoint.strip_prefix("tcp/").context("an endpoint without a scheme")?;
            links.insert(kind, Link::open(upstream.to_owned(), seed ^ kind as u64)?);
            let topics: BTreeSet<Topic> =
                ROUTES.iter().filter(|(_, _, to)| to.contains(&kind)).map(|(_, topic, _)| *topic).collect();
            let sender = bus.raw_sender(&topics.into_iter().collect::<Vec<_>>())?;
            lock(&desk).senders.insert(kind, sender);
            for (from, topic, to) in ROUTES.iter().filter(|(from, ..)| *from == kind) {
                let dice = ChaCha8Rng::seed_from_u64(seed ^ ((*from as u64) << 8) ^ ((*topic as u64) << 16));
                lock(&desk).manglers.insert((*from, *topic), Mangler::new(dice));
                let shared = Arc::clone(&desk);
                taps.push(bus.tap(*topic, move |message| lock(&shared).pass((*from, *topic), to, message))?);
            }
            buses.push(bus);
        }
        let shared = Arc::downgrade(&desk);
        thread::Builder::new().name("relay".into()).spawn(move || {
            let mut waiting: Vec<Letter> = Vec::new();
            loop {
                let now = Clock::System.now();
                let next = waiting.iter().map(|letter| letter.due).min();
                let wait = next.map_or(Duration::from_millis(200), |due| due.since(now));
                match letters.recv_timeout(wait) {
                    Ok(letter) => waiting.push(letter),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
                let Some(desk) = shared.upgrade() else { return };
                let now = Clock::System.now();
                waiting.sort_by_key(|letter| (letter.due, letter.number));
                let due = waiting.iter().take_while(|letter| letter.due <= now).count();
                for letter in waiting.drain(..due) {
                    lock(&desk).send(letter.to, &letter.message);
                }
            }
        })?;
        Ok(Self { desk, links, _taps: taps, buses })
    }

    pub(crate) fn link(&self, kind: Kind) -> anyhow::Result<&Link> {
        self.links.get(&kind).context("a process without a link")
    }

    /// From now on messages of one topic fare like this.
    pub(crate) fn set(&self, topic: Topic, fault: Fault) {
        lock(&self.desk).fault = Some((topic, fault));
    }

    /// From now on all is well.
    pub(crate) fn clear(&self) {
        let mut desk = lock(&self.desk);
        desk.fault = None;
        let mut left = Vec::new();
        for ((from, topic), mangler) in &mut desk.manglers {
            left.extend(mangler.release().map(|message| (*from, *topic, message)));
        }
        for (from, topic, message) in left {
            let to =
                ROUTES.iter().filter(|route| (route.0, route.1) == (from, topic)).flat_map(|route| route.2);
            to.for_each(|to| desk.send(*to, &message));
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self._taps.clear();
        self.buses.clear();
    }
}

fn lock(desk: &Mutex<Desk>) -> std::sync::MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    fn pass(&mut self, route: (Kind, Topic), to: &[Kind], message: RawMessage) {
        let now = Clock::System.now();
        let Some(mangler) = self.manglers.get_mut(&route) else { return };
        mangler.remember(&message, now);
        if matches!(route.1, Topic::Beacon | Topic::Observation) {
            self.past.note(&message, now);
        }
        let out = match self.fault {
            Some((topic, fault)) if topic == route.1 => mangler.mangle(fault, message, &self.past, now),
            _ => vec![(now, message)],
        };
        // What is old for one route is old for all.
        for (due, message) in out {
            for to in to {
                if due <= now {
                    self.send(*to, &message);
                } else {
                    self.number += 1;
                    let letter = Letter { due, number: self.number, to: *to, message: message.clone() };
                    let _ = self.late.send(letter);
                }
            }
        }
    }

    fn send(&self, to: Kind, message: &RawMessage) {
        if let Some(sender) = self.senders.get(&to) {
            sender.send(message);
        }
    }
}
