use std::collections::{BTreeMap, BTreeSet};

use retake_wire::{
    Topic,
    pb::{Group, RobotDescriptor},
};

use crate::{GroupLimits, LaunchFile, NodeKind};

/// Topics that a kind of node writes and reads, as its `Node` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeTopics {
    /// What it publishes.
    pub publishes: Vec<Topic>,
    /// What it subscribes to.
    pub subscribes: Vec<Topic>,
}

/// What the check needs to know of the program and the robot.
#[derive(Clone, Debug, PartialEq)]
pub struct Wiring {
    /// Each kind's topics.
    pub topics: BTreeMap<NodeKind, NodeTopics>,
    /// The robot whose limits a launch file may only tighten.
    pub descriptor: RobotDescriptor,
}

/// Something wrong with a deployment although its file can be read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Problem {
    /// Several nodes would contradict each other.
    #[error("{topic:?} is published by {}, but exactly one node may; remove all but one", .writers.join(" and "))]
    SeveralWriters {
        /// The topic.
        topic: Topic,
        /// Who would write it.
        writers: Vec<String>,
    },
    /// A deployment cannot work without this.
    #[error("nobody publishes {topic:?}; add a node of kind {}", .kinds.join(" or "))]
    NoWriter {
        /// The topic.
        topic: Topic,
        /// Kinds that would.
        kinds: Vec<String>,
    },
    /// A node would wait for ever.
    #[error("{} would never hear {topic:?}; add a node of kind {} if that is not meant", .readers.join(" and "), .kinds.join(" or "))]
    NoSource {
        /// The topic.
        topic: Topic,
        /// Who reads it.
        readers: Vec<String>,
        /// Kinds that publish it.
        kinds: Vec<String>,
    },
    /// The program has no node of this kind.
    #[error("node {node} is of kind {kind}, which this program was built without")]
    NoSuchKind {
        /// The node.
        node: String,
        /// Its kind.
        kind: NodeKind,
    },
    /// Two nodes listen on one port.
    #[error("{first} and {second} both listen on port {port}; give one of them another port")]
    SamePort {
        /// The port.
        port: u16,
        /// A node.
        first: String,
        /// Another.
        second: String,
    },
    /// The connections are malformed or exposed.
    #[error("{0}")]
    Endpoint(String),
    /// Limits for a group the robot does not have.
    #[error("limits.{group}: robot {robot:?} has no such group; it has {}", .groups.join(", "))]
    NoSuchGroup {
        /// As written.
        group: String,
        /// The robot.
        robot: String,
        /// Its groups.
        groups: Vec<String>,
    },
    /// A limit that does not fit the robot.
    #[error("limits.{group}.{limit}: {why}")]
    BadLimit {
        /// The group.
        group: String,
        /// Which limit.
        limit: &'static str,
        /// What is wrong, and what to do.
        why: String,
    },
}

impl Problem {
    /// The deployment must not start. Other problems are worth a warning: a reader may do without.
    pub const fn is_fatal(&self) -> bool {
        !matches!(self, Self::NoSource { .. })
    }
}

/// Without these there is no robot or no arbiter.
const ESSENTIAL: [Topic; 7] = [
    Topic::Descriptor,
    Topic::Observation,
    Topic::Applied,
    Topic::Command,
    Topic::Reset,
    Topic::Beacon,
    Topic::Status,
];
/// Two writers of these would contradict each other.
const ONE_WRITER: [Topic; 15] = [
    Topic::Descriptor,
    Topic::Observation,
    Topic::Applied,
    Topic::Command,
    Topic::Reset,
    Topic::Beacon,
    Topic::Status,
    Topic::Tick,
    Topic::Segment,
    Topic::Episode,
    Topic::SimState,
    Topic::Branch,
    Topic::ArbiterInfo,
    Topic::Schedule,
    Topic::Watermark,
];

/// Everything that is wrong with a deployment, before it starts.
pub fn check(file: &LaunchFile, wiring: &Wiring) -> Vec<Problem> {
    let mut problems = Vec::new();
    check_kinds(file, wiring, &mut problems);
    check_topics(file, wiring, &mut problems);
    check_ports(file, &mut problems);
    check_limits(file, &wiring.descriptor, &mut problems);
    problems
}

fn check_kinds(file: &LaunchFile, wiring: &Wiring, problems: &mut Vec<Problem>) {
    for node in &file.nodes {
        if !wiring.topics.contains_key(&node.kind()) {
            problems.push(Problem::NoSuchKind { node: node.name.clone(), kind: node.kind() });
        }
    }
}

fn check_topics(file: &LaunchFile, wiring: &Wiring, problems: &mut Vec<Problem>) {
    let nodes_that = |wants: &dyn Fn(&NodeTopics) -> bool| -> Vec<String> {
        let wanted = |kind: NodeKind| wiring.topics.get(&kind).is_some_and(wants);
        file.nodes.iter().filter(|node| wanted(node.kind())).map(|node| node.name.clone()).collect()
    };
    // Nobody has to call for help.
    for &topic in Topic::ALL {
        let writers = nodes_that(&|topics| topics.publishes.contains(&topic));
        let readers = nodes_that(&|topics| topics.subscribes.contains(&topic));
        let able = wiring.topics.iter().filter(|(_, topics)| topics.publishes.contains(&topic));
        let kinds: Vec<String> = able.map(|(kind, _)| kind.to_string()).collect();
        if writers.len() > 1 && ONE_WRITER.contains(&topic) {
            problems.push(Problem::SeveralWriters { topic, writers });
        } else if writers.is_empty() && ESSENTIAL.contains(&topic) {
            problems.push(Problem::NoWriter { topic, kinds });
        } else if writers.is_empty() && !readers.is_empty() && topic != Topic::Help {
            problems.push(Problem::NoSource { topic, readers, kinds });
        }
    }
}

fn check_ports(file: &LaunchFile, problems: &mut Vec<Problem>) {
    let mut taken: BTreeMap<u16, &str> = BTreeMap::new();
    for node in &file.nodes {
        if let Some(first) = taken.insert(node.port, &node.name) {
            let (first, second) = (first.to_owned(), node.name.clone());
            problems.push(Problem::SamePort { port: node.port, first, second });
        }
    }
    // One complaint is enough: all nodes share the host and the certificates.
    let endpoints = file.nodes.last().and_then(|node| file.endpoints(&node.name));
    if let Some(error) = endpoints.and_then(|endpoints| endpoints.check().err()) {
        problems.push(Problem::Endpoint(error.to_string()));
    }
}

fn check_limits(file: &LaunchFile, robot: &RobotDescriptor, problems: &mut Vec<Problem>) {
    for (name, limits) in &file.limits {
        match robot.groups.iter().find(|group| group.name == *name) {
            Some(group) => check_group(group, limits, problems),
            None => problems.push(Problem::NoSuchGroup {
                group: name.clone(),
                robot: robot.robot.clone(),
                groups: robot.groups.iter().map(|group| group.name.clone()).collect(),
            }),
        }
    }
}

fn check_group(group: &Group, limits: &GroupLimits, problems: &mut Vec<Problem>) {
    for (limit, given, allowed) in [
        ("velocity", &limits.velocity, &group.velocity),
        ("acceleration", &limits.acceleration, &group.acceleration),
        ("jerk", &limits.jerk, &group.jerk),
    ] {
        check_values(
            group,
            limit,
            given.as_deref(),
            |index, value| value > 0.0 && allowed.get(index).is_some_and(|most| value <= *most),
            problems,
        );
    }
    let within = |index: usize, value: f64| {
        group
            .lower
            .get(index)
            .zip(group.upper.get(index))
            .is_some_and(|(low, high)| (*low..=*high).contains(&value))
    };
    check_values(group, "lower", limits.lower.as_deref(), within, problems);
    check_values(group, "upper", limits.upper.as_deref(), within, problems);
    let lower = limits.lower.as_ref().unwrap_or(&group.lower);
    let upper = limits.upper.as_ref().unwrap_or(&group.upper);
    if let Some(index) = lower.iter().zip(upper).position(|(low, high)| low >= high) {
        let why = format!("value {index} leaves no room to move; lower must be below upper");
        problems.push(Problem::BadLimit { group: group.name.clone(), limit: "lower", why });
    }
}

fn check_values(
    group: &Group,
    limit: &'static str,
    given: Option<&[f64]>,
    fits: impl Fn(usize, f64) -> bool,
    problems: &mut Vec<Problem>,
) {
    let Some(given) = given else { return };
    let expected = group.lower.len();
    let why = if given.len() == expected {
        let misfit =
            given.iter().enumerate().find(|(index, value)| !value.is_finite() || !fits(*index, **value));
        misfit.map(|(index, value)| {
            format!("value {index} is {value}, outside what the robot allows; only tighten limits")
        })
    } else {
        Some(format!("has {} values, the group has {expected}; give one for each", given.len()))
    };
    if let Some(why) = why {
        problems.push(Problem::BadLimit { group: group.name.clone(), limit, why });
    }
}

/// The robot as the launch file restricts it. Call after [`check`] found nothing fatal.
pub fn restrict(descriptor: &mut RobotDescriptor, limits: &BTreeMap<String, GroupLimits>) {
    let mut unknown: BTreeSet<&String> = limits.keys().collect();
    for group in &mut descriptor.groups {
        let Some(limits) = limits.get(&group.name) else { continue };
        unknown.remove(&group.name);
        for (place, given) in [
            (&mut group.lower, &limits.lower),
            (&mut group.upper, &limits.upper),
            (&mut group.velocity, &limits.velocity),
            (&mut group.acceleration, &limits.acceleration),
            (&mut group.jerk, &limits.jerk),
        ] {
            if let Some(given) = given {
                place.clone_from(given);
            }
        }
    }
    for group in unknown {
        tracing::warn!("limits.{group} belongs to no group of the robot and has no effect");
    }
}
