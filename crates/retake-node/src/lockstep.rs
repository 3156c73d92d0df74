//! A whole deployment in one thread, on a manual clock.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    time::Duration,
};

use retake_units::MonoTime;
use retake_wire::{Message, Topic};

use crate::{Node, Outbox};

/// What the network does to one message on its way to one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Arrives at once.
    Deliver,
    /// Never arrives.
    Lose,
    /// Arrives later.
    Delay(Duration),
    /// Arrives now, and once more later.
    Repeat(Duration),
}

/// The deployment makes no progress: nodes answer each other for ever within one instant, or nobody wants to wake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// More messages within one instant than any deployment needs.
    Storm {
        /// The instant.
        at: MonoTime,
    },
    /// No node has a next wake.
    Silence {
        /// The last instant.
        at: MonoTime,
    },
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storm { at } => write!(f, "nodes answer each other without end at {} ns", at.nanos()),
            Self::Silence { at } => write!(f, "no node wants to be woken after {} ns", at.nanos()),
        }
    }
}

impl std::error::Error for Stuck {}

const MESSAGES_PER_INSTANT: usize = 10_000;

type Link = Box<dyn FnMut(MonoTime, &Message, &str) -> Fate + Send>;
type Tap = Box<dyn FnMut(MonoTime, &str, &Message) + Send>;

/// Runs nodes in a fixed order, so that the same nodes and the same seed always do the same.
pub struct Lockstep {
    now: MonoTime,
    nodes: Vec<Box<dyn Node>>,
    subscribers: BTreeMap<Topic, Vec<usize>>,
    queue: VecDeque<(usize, Message)>,
    delayed: BTreeMap<(MonoTime, u64), (usize, Message)>,
    delayed_count: u64,
    link: Option<Link>,
    tap: Option<Tap>,
    outbox: Outbox,
    refused: u64,
}

impl fmt::Debug for Lockstep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lockstep")
            .field("now", &self.now)
            .field("nodes", &self.nodes.len())
            .finish_non_exhaustive()
    }
}

impl Lockstep {
    /// A deployment that has not begun. Nodes that are due at the same time wake in the order given.
    pub fn new(nodes: Vec<Box<dyn Node>>, start: MonoTime) -> Self {
        let mut subscribers: BTreeMap<Topic, Vec<usize>> = BTreeMap::new();
        for (index, node) in nodes.iter().enumerate() {
            for topic in node.subscriptions() {
                subscribers.entry(*topic).or_default().push(index);
            }
        }
        Self {
            now: start,
            nodes,
            subscribers,
            queue: VecDeque::new(),
            delayed: BTreeMap::new(),
            delayed_count: 0,
            link: None,
            tap: None,
            outbox: Outbox::default(),
            refused: 0,
        }
    }

    /// Decides the fate of each message on its way to each node: the place to inject faults.
    pub fn set_link(&mut self, link: impl FnMut(MonoTime, &Message, &str) -> Fate + Send + 'static) {
        self.link = Some(Box::new(link));
    }

    /// Sees every message as it is published, with the name of its sender.
    pub fn set_tap(&mut self, tap: impl FnMut(MonoTime, &str, &Message) + Send + 'static) {
        self.tap = Some(Box::new(tap));
    }

    /// The instant the deployment is at.
    pub const fn now(&self) -> MonoTime {
        self.now
    }

    /// Messages refused because their sender had not declared the topic.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// A node asked for the end.
    pub const fn finished(&self) -> bool {
        self.outbox.finished()
    }

    /// Removes a node, as if its process had been killed. Its messages on the way still arrive.
    pub fn kill(&mut self, name: &str) {
        if let Some(node) = self.nodes.iter_mut().find(|node| node.name() == name) {
            *node = Box::new(Dead(name.to_owned()));
        }
    }

    /// Puts a node in the place of the one of the same name, as if its process had been started again.
    pub fn restart(&mut self, node: Box<dyn Node>) {
        if let Some(place) = self.nodes.iter_mut().find(|old| old.name() == node.name()) {
            *place = node;
        }
    }

    /// Lets a message arrive from outside the deployment, to test how nodes treat it.
    ///
    /// # Errors
    /// If the nodes answer each other without end.
    pub fn inject(&mut self, message: Message) -> Result<(), Stuck> {
        self.post("outside", message);
        self.deliver()
    }

    /// Runs until `end`, or until a node asks for the end.
    ///
    /// # Errors
    /// If no progress is made.
    pub fn run_until(&mut self, end: MonoTime) -> Result<(), Stuck> {
        while !self.finished() {
            let next = self.next_instant().ok_or(Stuck::Silence { at: self.now })?;
            if next > end {
                self.now = self.now.max(end);
                break;
            }
            self.run_instant(next)?;
        }
        Ok(())
    }

    /// Gives every node its last call, in reverse order so that those who listen hear the others' last words.
    ///
    /// # Errors
    /// If the nodes answer each other without end.
    pub fn finish(mut self) -> Result<(), Stuck> {
        for index in 0..self.nodes.len() {
            self.nodes[index].finish(self.now, &mut self.outbox);
            self.collect(index);
            self.deliver()?;
        }
        Ok(())
    }

    fn next_instant(&self) -> Option<MonoTime> {
        let wake = self.nodes.iter().filter_map(|node| node.next_wake()).min();
        let arrival = self.delayed.keys().next().map(|(at, _)| *at);
        [wake, arrival].into_iter().flatten().min().map(|next| next.max(self.now))
    }

    fn run_instant(&mut self, instant: MonoTime) -> Result<(), Stuck> {
        self.now = instant;
        while let Some(entry) = self.delayed.first_entry().filter(|entry| entry.key().0 <= instant) {
            let (node, message) = entry.remove();
            self.queue.push_back((node, message));
        }
        self.deliver()?;
        for index in 0..self.nodes.len() {
            if self.nodes[index].next_wake().is_some_and(|at| at <= instant) {
                self.nodes[index].wake(instant, &mut self.outbox);
                self.collect(index);
                self.deliver()?;
            }
        }
        Ok(())
    }

    fn deliver(&mut self) -> Result<(), Stuck> {
        for _ in 0..MESSAGES_PER_INSTANT {
            let Some((index, message)) = self.queue.pop_front() else { return Ok(()) };
            self.nodes[index].receive(self.now, &message, &mut self.outbox);
            self.collect(index);
        }
        Err(Stuck::Storm { at: self.now })
    }

    fn collect(&mut self, index: usize) {
        let messages: Vec<Message> = self.outbox.drain().collect();
        for message in messages {
            if self.nodes[index].publications().contains(&message.topic()) {
                let name = self.nodes[index].name().to_owned();
                self.post(&name, message);
            } else {
                self.refused += 1;
            }
        }
    }

    fn post(&mut self, from: &str, message: Message) {
        if let Some(tap) = &mut self.tap {
            tap(self.now, from, &message);
        }
        let Some(subscribers) = self.subscribers.get(&message.topic()) else { return };
        for &to in subscribers {
            let fate = match &mut self.link {
                Some(link) => link(self.now, &message, self.nodes[to].name()),
                None => Fate::Deliver,
            };
            let later = match fate {
                Fate::Deliver => None,
                Fate::Lose => continue,
                Fate::Delay(span) | Fate::Repeat(span) => Some(self.now + span),
            };
            if let Some(at) = later {
                self.delayed_count += 1;
                self.delayed.insert((at, self.delayed_count), (to, message.clone()));
            }
            if matches!(fate, Fate::Deliver | Fate::Repeat(_)) {
                self.queue.push_back((to, message.clone()));
            }
        }
    }
}

/// What is left of a killed node.
struct Dead(String);

impl Node for Dead {
    fn name(&self) -> &str {
        &self.0
    }
    fn subscriptions(&self) -> &[Topic] {
        &[]
    }
    fn publications(&self) -> &[Topic] {
        &[]
    }
    fn receive(&mut self, _: MonoTime, _: &Message, _: &mut Outbox) {}
    fn wake(&mut self, _: MonoTime, _: &mut Outbox) {}
    fn next_wake(&self) -> Option<MonoTime> {
        None
    }
}

#[cfg(test)]
mod tests;
