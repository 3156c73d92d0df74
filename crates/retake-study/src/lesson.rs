//! From recorded attempts to what a method learns from: label, thin, weigh.

use std::collections::BTreeMap;

use retake_labels::Class;
use retake_weights::{solve, thin};

use crate::StudyError;
use crate::attempt::Attempt;
use crate::learner::Lesson;
use crate::plan::Method;
use crate::random::{Key, Purpose, stream};

/// What a lesson was made of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Composition {
    /// Steps that may teach, per class.
    pub(crate) counts: BTreeMap<Class, u64>,
    /// As many steps of equal weight say as much.
    pub(crate) effective: f64,
}

/// What `method` learns from `attempts`, oldest first, after a round.
pub(crate) fn lesson(
    method: &Method,
    attempts: &[Attempt],
    (seed, round): (u64, u32),
) -> Result<(Lesson, Composition), StudyError> {
    let rule = method.rule();
    let classes: Vec<Vec<Class>> = attempts
        .iter()
        .map(|attempt| attempt.labels(&rule).into_iter().map(|label| label.class).collect())
        .collect();
    let kept = kept(method, &classes, (seed, round));
    let teaches = |attempt: usize, step: usize, class: Class, untouched: bool| {
        kept.as_ref().is_none_or(|kept| kept.get(attempt).and_then(|steps| steps.get(step)) == Some(&true))
            && method.scheme.learns(class, untouched)
    };
    let mut counts = BTreeMap::new();
    let mut rows = Vec::new();
    for (number, (attempt, classes)) in attempts.iter().zip(&classes).enumerate() {
        let untouched = attempt.untouched_success();
        for (index, (step, class)) in attempt.steps.iter().zip(classes).enumerate() {
            if teaches(number, index, *class, untouched) {
                *counts.entry(*class).or_insert(0) += 1;
                rows.push((number, step, *class, untouched));
            }
        }
    }
    let solution = solve(&method.scheme, &counts)
        .map_err(|error| StudyError::Plan(format!("{}: {error}", method.name)))?;
    let mut lesson = Lesson::default();
    for (number, step, class, untouched) in rows {
        lesson.observations.extend(step.observation);
        lesson.actions.extend(step.action);
        lesson.weights.push(crate::task::narrow(solution.weight(class, untouched)));
        lesson.episodes.push(u32::try_from(number).unwrap_or(u32::MAX));
    }
    Ok((lesson, Composition { counts, effective: solution.effective }))
}

/// Which steps fit the method's memory; none where it has room for all.
fn kept(method: &Method, classes: &[Vec<Class>], (seed, round): (u64, u32)) -> Option<Vec<Vec<bool>>> {
    use rand::RngCore as _;
    let memory = method.memory?;
    let policys = |class: &&Class| matches!(class, Class::Policy | Class::PreIntervention);
    let there = classes.iter().flatten().filter(policys).count();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count, rounded: not negative, and no larger"
    )]
    let budget = (memory.share * there as f64).round() as usize;
    let draw = stream(Key { seed, part: u64::from(round), episode: 0 }, Purpose::Memory).next_u64();
    Some(thin(classes, memory.keep, budget, draw))
}
