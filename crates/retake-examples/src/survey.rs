//! Which attempts there are, and what their steps weigh.

use std::{collections::BTreeMap, sync::Arc};

use retake_dataset::{Annotations, Episode, Key, Source, Standing, difference, scan};
use retake_labels::{Class, Rule, combined};
use retake_weights::{Keep, Scheme, Solution, solve, thin};
use retake_wire::pb::RobotDescriptor;
use serde::{Deserialize, Serialize};

use crate::ExamplesError;

/// An attempt that may be learnt from.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The attempt.
    pub episode: Episode,
    /// It succeeded, and no human touched it.
    pub untouched_success: bool,
    /// Per step: kept. All of them before memory is limited.
    pub kept: Vec<bool>,
}

/// All attempts of some recordings.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The robot that made them.
    pub robot: Arc<RobotDescriptor>,
    /// Per recording, its attempts in order; those without any are left out.
    pub recordings: Vec<(Source, Vec<Attempt>)>,
    /// Attempts that are discarded.
    pub discarded: u64,
}

/// How much of the policy's own steps is kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Which.
    pub keep: Keep,
    /// Share of them, 0 to 1.
    pub share: f64,
    /// Seed of the draw where it is random.
    #[serde(default)]
    pub seed: u64,
}

/// Weights of a survey's steps.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// Per group of the robot, its name and what its steps weigh.
    pub groups: Vec<(String, Solution)>,
    /// Steps of the policy before memory was limited, and kept ones.
    pub policy_steps: (u64, u64),
}

/// Reads which attempts of `sources` may be learnt from: all that ran and are not discarded, those that `wanted` takes.
///
/// # Errors
/// If a recording cannot be read, if they are of more than one robot, or there are none.
pub fn survey(
    sources: Vec<Source>,
    rule: &Rule,
    wanted: impl Fn(&Key) -> bool,
    mut progress: impl FnMut(&str),
) -> Result<Survey, ExamplesError> {
    let mut recordings = Vec::new();
    let mut discarded = 0;
    let mut first: Option<(String, Arc<RobotDescriptor>)> = None;
    for source in sources {
        progress(&source.name);
        let annotations = Annotations::read(&source)?;
        let mut attempts = Vec::new();
        for episode in scan(&source, rule, |_| {})?.episodes {
            let standing = annotations.of(&episode);
            if standing.discarded {
                discarded += 1;
                continue;
            }
            if episode.is_empty() || !wanted(&episode.key) {
                continue;
            }
            let name = episode.key.to_string();
            let (known, robot) = first.get_or_insert_with(|| (name.clone(), Arc::clone(&episode.robot)));
            if let Some(difference) = differs(robot, &episode.robot) {
                return Err(ExamplesError::Mixed { first: known.clone(), other: name, difference });
            }
            let untouched_success = untouched_success(&episode, &standing);
            attempts.push(Attempt { kept: vec![true; episode.len()], episode, untouched_success });
        }
        if !attempts.is_empty() {
            recordings.push((source, attempts));
        }
    }
    let (_, robot) = first.ok_or(ExamplesError::Nothing)?;
    Ok(Survey { robot, recordings, discarded })
}

/// The policy succeeded, and no human touched the robot.
pub fn untouched_success(episode: &Episode, standing: &Standing) -> bool {
    let policys = |row: usize| matches!(episode.class(row), Class::Policy | Class::Idle);
    standing.verdict == "success" && episode.interventions() == 0 && (0..episode.len()).all(policys)
}

/// In what two robots differ so that one policy cannot learn from both.
fn differs(one: &RobotDescriptor, other: &RobotDescriptor) -> Option<String> {
    let objects = |robot: &RobotDescriptor| -> Vec<String> {
        robot.objects.iter().filter(|object| !object.fixed).map(|object| object.name.clone()).collect()
    };
    if one.task != other.task {
        return Some(format!("tasks {:?} and {:?}", one.task, other.task));
    }
    if objects(one) != objects(other) {
        return Some(format!("objects {:?} and {:?}", objects(one), objects(other)));
    }
    if one.urdf != other.urdf || one.tool_link != other.tool_link {
        return Some("kinematic models".into());
    }
    difference(one, other)
}

impl Survey {
    /// Attempts of all recordings, in order.
    pub fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.recordings.iter().flat_map(|(_, attempts)| attempts)
    }

    /// Steps of all attempts.
    pub fn steps(&self) -> usize {
        self.attempts().map(|attempt| attempt.episode.len()).sum()
    }

    /// Steps of each class, as a whole.
    pub fn classes(&self) -> BTreeMap<Class, u64> {
        let mut counts = BTreeMap::new();
        for attempt in self.attempts() {
            for row in 0..attempt.episode.len() {
                *counts.entry(attempt.episode.class(row)).or_default() += 1;
            }
        }
        counts
    }

    /// Keeps some of the policy's steps only, and gives all that is kept its weight: per group, since each learns from its own
    /// author.
    ///
    /// # Errors
    /// If a group has nothing to learn from.
    pub fn weigh(&mut self, scheme: &Scheme, memory: Option<Memory>) -> Result<Plan, ExamplesError> {
        let classes: Vec<Vec<Class>> = self
            .attempts()
            .map(|attempt| (0..attempt.episode.len()).map(|row| attempt.episode.class(row)).collect())
            .collect();
        let is_policys = |class: &&Class| matches!(class, Class::Policy | Class::PreIntervention);
        let policys = classes.iter().flatten().filter(is_policys).count();
        let budget = memory.map_or(policys, |memory| part(policys, memory.share));
        if let Some(memory) = memory {
            let kept = thin(&classes, memory.keep, budget, memory.seed);
            let attempts = self.recordings.iter_mut().flat_map(|(_, attempts)| attempts);
            attempts.zip(kept).for_each(|(attempt, kept)| attempt.kept = kept);
        }
        let solved = self.robot.groups.iter().enumerate().map(|(index, group)| {
            let solution = solve(scheme, &self.learnt(scheme, index));
            let solution =
                solution.map_err(|why| ExamplesError::Weights { group: group.name.clone(), why })?;
            Ok((group.name.clone(), solution))
        });
        Ok(Plan {
            groups: solved.collect::<Result<_, ExamplesError>>()?,
            policy_steps: (policys as u64, budget.min(policys) as u64),
        })
    }

    /// Kept steps of a group that the scheme learns from, by class.
    fn learnt(&self, scheme: &Scheme, group: usize) -> BTreeMap<Class, u64> {
        let mut counts = BTreeMap::new();
        for attempt in self.attempts() {
            let labels = attempt.episode.labels.get(group).map_or(&[][..], Vec::as_slice);
            for (label, kept) in labels.iter().zip(&attempt.kept) {
                if *kept && scheme.learns(label.class, attempt.untouched_success) {
                    *counts.entry(label.class).or_default() += 1;
                }
            }
        }
        counts
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a number of steps")]
fn part(count: usize, share: f64) -> usize {
    (count as f64 * share.clamp(0.0, 1.0)).round() as usize
}

/// Class of a row of an attempt as a whole; nothing is learnt where there is no label.
pub(crate) fn class_of(episode: &Episode, group: usize, row: usize) -> Class {
    episode
        .labels
        .get(group)
        .and_then(|labels| labels.get(row))
        .map_or_else(|| combined([]), |label| label.class)
}
