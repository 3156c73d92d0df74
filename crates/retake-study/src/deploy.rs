//! Many attempts at once: the policy is asked for the actions of all that go on in one batch.

use crate::StudyError;
use crate::attempt::{Attempt, Ending, Rules, Running, Supervision, demonstrate};
use crate::learner::Drive;
use crate::random::{EVALUATION, Key};
use crate::task::ACTIONS;

/// Attempts that are under way together in a deployment. It changes no result: each attempt is its own, and they count in order.
const WAVE: u32 = 64;

/// Drives all attempts to their end.
fn finish(mut all: Vec<Running>, policy: &impl Drive) -> Result<Vec<Attempt>, StudyError> {
    loop {
        let (which, seen): (Vec<usize>, Vec<_>) =
            all.iter().enumerate().filter_map(|(index, one)| one.sees().map(|seen| (index, seen))).unzip();
        if which.is_empty() {
            return Ok(all.into_iter().filter_map(Running::over).collect());
        }
        let actions = policy.act_batch(seen.as_flattened())?;
        let (actions, rest) = actions.as_chunks::<ACTIONS>();
        if actions.len() != which.len() || !rest.is_empty() {
            return Err(StudyError::Learning("a policy answered with another number of actions".into()));
        }
        if !actions.as_flattened().iter().all(|value| value.is_finite()) {
            return Err(StudyError::Diverged);
        }
        for (index, action) in which.into_iter().zip(actions) {
            if let Some(one) = all.get_mut(index) {
                one.step(action.map(f64::from));
            }
        }
    }
}

/// In how many of `episodes` the policy succeeds alone.
pub(crate) fn evaluate(policy: &impl Drive, seed: u64, episodes: u32) -> Result<u32, StudyError> {
    let alone = |episode| Running::alone(Key { seed, part: EVALUATION, episode: u64::from(episode) });
    let attempts = finish((0..episodes).map(alone).collect(), policy)?;
    let succeeded = attempts.iter().filter(|attempt| attempt.ending == Ending::Success).count();
    Ok(u32::try_from(succeeded).unwrap_or(u32::MAX))
}

/// When a round of deployment ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Until {
    /// After this many human steps.
    pub(crate) human_steps: u64,
    /// After this many attempts in any case.
    pub(crate) episodes: u32,
}

/// Deploys the policy under supervision, episode after episode, until the round ends.
pub(crate) fn deploy(
    policy: &impl Drive,
    (seed, round): (u64, u32),
    supervision: Supervision,
    until: Until,
) -> Result<Vec<Attempt>, StudyError> {
    let key = |episode| Key { seed, part: u64::from(round), episode: u64::from(episode) };
    let (mut attempts, mut by_hand) = (Vec::new(), 0);
    let mut next = 0;
    while by_hand < until.human_steps && next < until.episodes {
        let wave = next..(next + WAVE).min(until.episodes);
        next = wave.end;
        let wave: Vec<Attempt> = if supervision.rules == Rules::Demonstrate {
            wave.map(|episode| demonstrate(key(episode), supervision.noise)).collect()
        } else {
            finish(wave.map(|episode| Running::supervised(key(episode), supervision)).collect(), policy)?
        };
        for attempt in wave {
            if by_hand < until.human_steps {
                by_hand += attempt.human_steps();
                attempts.push(attempt);
            }
        }
    }
    Ok(attempts)
}

/// The first `count` demonstrations that succeed.
///
/// # Errors
/// If hardly any do.
pub(crate) fn demonstrations(seed: u64, count: u32, noise: f64) -> Result<Vec<Attempt>, StudyError> {
    let tries = u64::from(count) * 10;
    let attempts = (0..tries)
        .map(|episode| demonstrate(Key { seed, part: 0, episode }, noise))
        .filter(|attempt| attempt.ending == Ending::Success);
    let attempts: Vec<Attempt> = attempts.take(usize::try_from(count).unwrap_or(usize::MAX)).collect();
    if attempts.len() == usize::try_from(count).unwrap_or(usize::MAX) {
        Ok(attempts)
    } else {
        Err(StudyError::Plan("demonstrations rarely succeed: lower hand_noise".into()))
    }
}
