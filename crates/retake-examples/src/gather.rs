//! Steps as rows of numbers.

use retake_dataset::{Episode, Row, Rows};
use retake_features::{Actions, Features};
use retake_labels::Class;
use retake_wire::pb::GroupValues;
use serde::Serialize;

use crate::{ExamplesError, Plan, Survey, survey::class_of};

/// How far an action looks ahead, seconds: what a command does within a control period is mostly its limits' doing, and what it does
/// within a tenth of a second is what was wanted.
const AHEAD: f64 = 0.1;

/// Steps to learn from. Each list has one run of numbers per step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Examples {
    /// What was seen: [`Features::width`] numbers each.
    pub observations: Vec<f32>,
    /// What should be done: the sum of [`Actions::sizes`] numbers each.
    pub actions: Vec<f32>,
    /// How much each group is to learn from it: one number per group.
    pub weights: Vec<f32>,
    /// Stretch of each step, counted from 0: steps of one stretch follow each other tick by tick in one attempt. What is left out ends
    /// one, so that no chunk of actions is cut across it.
    pub episodes: Vec<u32>,
    /// Attempt and tick of the newest example.
    newest: Option<(usize, u64)>,
    /// What was left out.
    pub left: Left,
}

/// Steps that are no examples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The scheme does not learn from them.
    pub unlearnt: u64,
    /// Memory was limited.
    pub forgotten: u64,
    /// What was seen or commanded was not recorded, or is no number.
    pub unusable: u64,
    /// Nobody drove on after them: the last before a change of who drives, or the attempt's end.
    pub last: u64,
}

/// What was decided at a tick.
pub(crate) struct Step {
    pub(crate) tick: u64,
    pub(crate) row: usize,
    pub(crate) seen: Option<Vec<f32>>,
    pub(crate) command: Vec<GroupValues>,
}

/// Reads the steps of all attempts of a survey, in order. `progress` is told how many steps were read.
///
/// # Errors
/// If a recording cannot be read, or its robot cannot be driven by a policy of this kind.
pub fn gather(
    survey: &Survey,
    plan: &Plan,
    mut progress: impl FnMut(u64),
) -> Result<Examples, ExamplesError> {
    let (actions, features) = Actions::new(&survey.robot)?;
    let mut examples = Examples::default();
    let mut read = 0;
    let mut first = 0;
    for (source, attempts) in &survey.recordings {
        let episodes: Vec<Episode> = attempts.iter().map(|attempt| attempt.episode.clone()).collect();
        let mut current: (usize, Vec<Step>) = (0, Vec::new());
        for row in Rows::new(source, &episodes, &[]) {
            let row = row?;
            read += 1;
            progress(read);
            if row.episode != current.0 {
                let (index, steps) = std::mem::replace(&mut current, (row.episode, Vec::new()));
                if let Some(attempt) = attempts.get(index) {
                    examples.add(first + index, attempt, &steps, (&actions, plan));
                }
            }
            current.1.push(step(&features, row));
        }
        let (index, steps) = current;
        if let Some(attempt) = attempts.get(index) {
            examples.add(first + index, attempt, &steps, (&actions, plan));
        }
        first += attempts.len();
    }
    Ok(examples)
}

fn step(features: &Features, row: Row) -> Step {
    let values = |values: &[f64]| GroupValues { values: values.to_vec() };
    let applied: Vec<GroupValues> = row.tick.groups.iter().map(|group| values(&group.applied)).collect();
    let seen = row.observation.as_ref().and_then(|observation| features.row(observation, &applied));
    let command = row.tick.groups.iter().map(|group| values(&group.command)).collect();
    Step { tick: row.tick.tick, row: row.row, seen, command }
}

impl Examples {
    /// Examples.
    pub const fn len(&self) -> usize {
        self.episodes.len()
    }

    /// There are none.
    pub const fn is_empty(&self) -> bool {
        self.episodes.is_empty()
    }

    pub(crate) fn add(
        &mut self,
        number: usize,
        attempt: &crate::Attempt,
        steps: &[Step],
        with: (&Actions, &Plan),
    ) {
        let (actions, plan) = with;
        let ahead = look_ahead(actions.period());
        for (index, step) in steps.iter().enumerate() {
            let weights: Vec<f32> = plan
                .groups
                .iter()
                .enumerate()
                .map(|(group, (_, solution))| {
                    let class = class_of(&attempt.episode, group, step.row);
                    narrow(solution.weight(class, attempt.untouched_success))
                })
                .collect();
            if weights.iter().all(|weight| *weight == 0.0) {
                self.left.unlearnt += 1;
                continue;
            }
            if !attempt.kept.get(step.row).is_none_or(|kept| *kept) {
                self.left.forgotten += 1;
                continue;
            }
            let Some(later) = later(&attempt.episode, steps, index, ahead) else {
                self.left.last += 1;
                continue;
            };
            let seconds = (later.tick - step.tick) as f64 * actions.period();
            let action = actions.between(&step.command, &later.command, seconds);
            let (Some(seen), Some(action)) = (&step.seen, action) else {
                self.left.unusable += 1;
                continue;
            };
            self.observations.extend(seen);
            self.actions.extend(action);
            self.weights.extend(weights);
            let follows = self.newest == step.tick.checked_sub(1).map(|before| (number, before));
            let stretch = self.episodes.last().map_or(0, |last| last.saturating_add(u32::from(!follows)));
            self.episodes.push(stretch);
            self.newest = Some((number, step.tick));
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few ticks")]
fn look_ahead(period: f64) -> u64 {
    (AHEAD / period).round().clamp(1.0, 1000.0) as u64
}

/// The last step at most `ahead` ticks after one, up to which the same kind of author drove each group without a gap.
fn later<'a>(episode: &Episode, steps: &'a [Step], index: usize, ahead: u64) -> Option<&'a Step> {
    let from = steps.get(index)?;
    let groups = episode.labels.len();
    let author = |step: &Step, group: usize| author(class_of(episode, group, step.row));
    let goes_on = |step: &&Step| {
        step.tick.saturating_sub(from.tick) <= ahead
            && (0..groups).all(|group| author(step, group) == author(from, group))
    };
    let mut newest = from;
    for step in steps.iter().skip(index + 1).take_while(goes_on) {
        if step.tick != newest.tick + 1 {
            break;
        }
        newest = step;
    }
    (newest.tick > from.tick).then_some(newest)
}

/// Who moves the robot in steps of a class.
const fn author(class: Class) -> u8 {
    match class {
        Class::Idle => 0,
        Class::Policy | Class::PreIntervention => 1,
        Class::Rewind => 2,
        Class::Recovery | Class::Correction | Class::Demo => 3,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "networks compute with 32-bit floats")]
const fn narrow(value: f64) -> f32 {
    value as f32
}
