//! One cell of a study: one method's deployments, with one operator and one seed, and all that learn from them.

use std::collections::BTreeMap;

use rand::RngCore as _;
use retake_labels::Class;
use serde::{Deserialize, Serialize};

use crate::StudyError;
use crate::attempt::{Attempt, Ending, Supervision};
use crate::deploy::{Until, demonstrations, deploy, evaluate};
use crate::learner::Learner;
use crate::lesson::{Composition, lesson};
use crate::plan::{Method, Operator, Start, Study};
use crate::random::{Key, Purpose, stream};

/// How a method did after a round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The method.
    pub method: String,
    /// The operator.
    pub operator: String,
    /// The repetition.
    pub seed: u32,
    /// The round: 0 is after the demonstrations alone.
    pub round: u32,
    /// Episodes in which the policy, driving alone, succeeded.
    pub successes: u32,
    /// Episodes in which it was judged.
    pub evaluations: u32,
    /// What was recorded in this round.
    pub collected: Collected,
    /// Steps of all rounds that it learnt from, per class.
    pub learnt: BTreeMap<Class, u64>,
    /// As many steps of equal weight say as much.
    pub effective: f64,
    /// The loss that training ended with.
    pub loss: f64,
}

/// What was recorded in a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collected {
    /// Attempts.
    pub episodes: u64,
    /// Steps in them.
    pub steps: u64,
    /// Steps with a human's hand on the robot.
    pub human_steps: u64,
    /// Times that a human took over.
    pub takeovers: u64,
    /// Attempts that did not run out of time: they succeeded, or were ended after a correction.
    pub completed: u64,
}

/// What all methods begin with: the demonstrations of a seed, and what was learnt from them.
pub(crate) struct Base<P> {
    demonstrations: Vec<Attempt>,
    policy: P,
    successes: u32,
    composition: Composition,
    loss: f64,
}

/// A method under way.
struct Course<'a, P> {
    method: &'a Method,
    policy: Option<P>,
}

/// The demonstrations of a seed, and the policy that all methods begin with: there is nothing to weigh yet.
pub(crate) fn base<L: Learner>(study: &Study, learner: &L, seed: u32) -> Result<Base<L::Policy>, StudyError> {
    let demonstrations = demonstrations(u64::from(seed), study.demonstrations, study.hand_noise)?;
    let method = Method {
        name: "the demonstrations".into(),
        scheme: retake_weights::Scheme::Uniform,
        data: None,
        window: std::time::Duration::ZERO,
        memory: None,
        rules: crate::attempt::Rules::Demonstrate,
        rewind: false,
    };
    let (lesson, composition) = lesson(&method, &demonstrations, (u64::from(seed), 0))?;
    let (policy, loss) = learner.learn(&lesson, method.scheme.application(), training_seed(seed, 0), None)?;
    let successes = evaluate(&policy, u64::from(seed), study.evaluations)?;
    Ok(Base { demonstrations, policy, successes, composition, loss })
}

/// All rounds of the method `own` and of those that learn on its data.
pub(crate) fn run<L: Learner>(
    study: &Study,
    learner: &L,
    base: &Base<L::Policy>,
    (own, operator, seed): (&Method, &Operator, u32),
) -> Result<Vec<Row>, StudyError> {
    let learns_here = |method: &&Method| method.name == own.name || method.data.as_deref() == Some(&own.name);
    let mut courses: Vec<Course<'_, L::Policy>> =
        study.methods.iter().filter(learns_here).map(|method| Course { method, policy: None }).collect();
    let start = |method: &Method| Row {
        method: method.name.clone(),
        operator: operator.name.clone(),
        seed,
        round: 0,
        successes: base.successes,
        evaluations: study.evaluations,
        collected: collected(&base.demonstrations),
        learnt: base.composition.counts.clone(),
        effective: base.composition.effective,
        loss: base.loss,
    };
    let mut rows: Vec<Row> = courses.iter().map(|course| start(course.method)).collect();
    let mut attempts = base.demonstrations.clone();
    let until = Until { human_steps: budget(study, &base.demonstrations), episodes: study.most_episodes };
    let supervision = Supervision {
        delay: operator.steps()?,
        rules: own.rules,
        rewind: own.rewind,
        noise: study.hand_noise,
    };
    for round in 1..=study.rounds {
        let deployed = courses.iter().find(|course| course.method.name == own.name);
        let policy = deployed.and_then(|course| course.policy.as_ref()).unwrap_or(&base.policy);
        let new = deploy(policy, (u64::from(seed), round), supervision, until)?;
        let collected = collected(&new);
        attempts.extend(new);
        for course in &mut courses {
            let (lesson, composition) = lesson(course.method, &attempts, (u64::from(seed), round))?;
            let from = match study.start {
                Start::Scratch => None,
                Start::Last => Some(course.policy.as_ref().unwrap_or(&base.policy)),
            };
            let application = course.method.scheme.application();
            let (policy, loss) = learner.learn(&lesson, application, training_seed(seed, round), from)?;
            rows.push(Row {
                round,
                successes: evaluate(&policy, u64::from(seed), study.evaluations)?,
                collected,
                learnt: composition.counts,
                effective: composition.effective,
                loss,
                ..start(course.method)
            });
            course.policy = Some(policy);
        }
    }
    Ok(rows)
}

/// Human steps that a round may cost.
fn budget(study: &Study, demonstrations: &[Attempt]) -> u64 {
    let steps: u64 = demonstrations.iter().map(Attempt::human_steps).sum();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count, at most a hundred of them, rounded up"
    )]
    let budget = (study.budget * steps as f64).ceil() as u64;
    budget
}

fn collected(attempts: &[Attempt]) -> Collected {
    let mut sum = Collected::default();
    let rule = retake_labels::Rule::default();
    for attempt in attempts {
        sum.episodes += 1;
        sum.steps += u64::try_from(attempt.steps.len()).unwrap_or(u64::MAX);
        sum.human_steps += attempt.human_steps();
        sum.takeovers +=
            attempt.labels(&rule).iter().map(|label| u64::from(label.intervention)).max().unwrap_or(0);
        sum.completed += u64::from(attempt.ending != Ending::Late);
    }
    sum
}

/// The same for all methods, so that what differs is not luck.
fn training_seed(seed: u32, round: u32) -> u64 {
    stream(Key { seed: u64::from(seed), part: u64::from(round), episode: 0 }, Purpose::Training).next_u64()
}
