//! What the policy wants, as it may be acted on.

use std::{collections::VecDeque, time::Duration};

use retake_units::{Epoch, MonoTime};
use retake_wire::pb::{GroupValues, Proposal};

/// Why a proposal is not a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadProposal {
    /// A value is not a number: the policy is faulty.
    NotFinite,
    /// It does not have the robot's groups and values, or no usable steps: the policy is faulty.
    WrongShape,
    /// It was computed from an observation not received lately.
    UnknownObservation,
    /// All its steps lie in the past.
    Expired,
}

const MAX_STEPS: usize = 64;
const PERIODS: std::ops::RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(1);
const OBSERVATIONS: usize = 128;
/// A policy's observation may be this many ahead of the newest one here.
const AHEAD: u64 = 8;

/// When recent observations arrived: a chunk's times count from there, on our own clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrivals(VecDeque<(u64, MonoTime)>);

impl Arrivals {
    pub(crate) fn note(&mut self, seq: u64, now: MonoTime) {
        if self.0.len() == OBSERVATIONS {
            self.0.pop_front();
        }
        self.0.push_back((seq, now));
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// When an observation arrived. A policy may have seen one that is still on its way here: that one arrives now.
    fn of(&self, seq: u64, now: MonoTime) -> Option<MonoTime> {
        let newest = self.0.back().map(|(newest, _)| *newest)?;
        if seq > newest {
            return (seq - newest <= AHEAD).then_some(now);
        }
        self.0.iter().rev().find(|(known, _)| *known == seq).map(|(_, at)| *at)
    }
}

/// A proposal that passed every check.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    pub(crate) epoch: Epoch,
    pub(crate) number: u64,
    pub(crate) version: String,
    base: MonoTime,
    period: Duration,
    steps: Vec<Vec<GroupValues>>,
}

/// One group's part of a chunk at one time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) position: Vec<f64>,
    pub(crate) velocity: Vec<f64>,
    pub(crate) index: u32,
}

impl Chunk {
    pub(crate) fn check(
        proposal: &Proposal,
        sizes: &[usize],
        arrivals: &Arrivals,
        now: MonoTime,
    ) -> Result<Self, BadProposal> {
        let period = Duration::from_nanos(u64::try_from(proposal.period_nanos).unwrap_or(0));
        let shaped = |groups: &[GroupValues]| {
            groups.len() == sizes.len()
                && groups.iter().zip(sizes).all(|(group, size)| group.values.len() == *size)
        };
        let count = proposal.steps.len();
        let whole = (1..=MAX_STEPS).contains(&count) && PERIODS.contains(&period);
        if !whole || !proposal.steps.iter().all(|step| shaped(&step.groups)) {
            return Err(BadProposal::WrongShape);
        }
        let mut values = proposal.steps.iter().flat_map(|step| &step.groups).flat_map(|group| &group.values);
        if values.any(|value| !value.is_finite()) {
            return Err(BadProposal::NotFinite);
        }
        let base = arrivals.of(proposal.observation_seq, now).ok_or(BadProposal::UnknownObservation)?;
        let chunk = Self {
            epoch: Epoch(proposal.header.unwrap_or_default().epoch),
            number: proposal.chunk,
            version: proposal.version.clone(),
            base,
            period,
            steps: proposal.steps.iter().map(|step| step.groups.clone()).collect(),
        };
        if now > chunk.end() { Err(BadProposal::Expired) } else { Ok(chunk) }
    }

    fn end(&self) -> MonoTime {
        self.base + self.period * u32::try_from(self.steps.len()).unwrap_or(u32::MAX)
    }

    /// Where `group` should be at `when`, between the steps around it. Nothing after the last step.
    pub(crate) fn at(&self, group: usize, when: MonoTime) -> Option<Wanted> {
        let period = self.period.as_secs_f64();
        // Step i is meant for base + (i + 1) periods.
        let place = (when.since(self.base).as_secs_f64() / period - 1.0).max(0.0);
        let last = self.steps.len() - 1;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small number of steps, not negative"
        )]
        let (index, share) = (place as usize, place.fract());
        if index > last || (index == last && share > 1e-6) {
            return None;
        }
        let values = |step: usize| self.steps.get(step.min(last)).and_then(|groups| groups.get(group));
        let (from, to) = (values(index)?, values(index + 1)?);
        let pairs = from.values.iter().zip(&to.values);
        Some(Wanted {
            position: pairs.clone().map(|(a, b)| a + share * (b - a)).collect(),
            velocity: pairs.map(|(a, b)| (b - a) / period).collect(),
            index: u32::try_from(index).unwrap_or(u32::MAX),
        })
    }
}

#[cfg(test)]
mod tests {
    use retake_wire::pb::ProposalStep;

    use super::*;

    fn at(millis: u64) -> MonoTime {
        MonoTime::from_nanos(millis * 1_000_000)
    }

    fn proposal(values: &[f64]) -> Proposal {
        let step = |value: &f64| ProposalStep { groups: vec![GroupValues { values: vec![*value] }] };
        Proposal {
            observation_seq: 3,
            period_nanos: 20_000_000,
            steps: values.iter().map(step).collect(),
            ..Proposal::default()
        }
    }

    fn check(proposal: &Proposal, now: u64) -> Result<Chunk, BadProposal> {
        let mut arrivals = Arrivals::default();
        arrivals.note(3, at(100));
        Chunk::check(proposal, &[1], &arrivals, at(now))
    }

    #[test]
    fn steps_are_timed_from_the_observation_they_were_computed_from() {
        let chunk = check(&proposal(&[0.0, 1.0, 3.0]), 100).unwrap();
        let place = |millis| chunk.at(0, at(millis)).map(|wanted| (wanted.position[0], wanted.index));
        assert_eq!(place(100), Some((0.0, 0)), "before its first step, the first step");
        assert_eq!(place(120), Some((0.0, 0)));
        assert_eq!(place(130), Some((0.5, 0)));
        assert_eq!(place(140), Some((1.0, 1)));
        assert_eq!(place(160), Some((3.0, 2)));
        assert_eq!(place(161), None, "after its last step, nothing");
        assert_eq!(chunk.at(0, at(140)).unwrap().velocity, [100.0]);
        assert_eq!(chunk.at(1, at(140)), None);
    }

    #[test]
    fn what_is_not_a_command_is_refused() {
        let why = |proposal: &Proposal, now| check(proposal, now).err();
        assert_eq!(why(&proposal(&[0.0, f64::NAN]), 100), Some(BadProposal::NotFinite));
        assert_eq!(why(&proposal(&[]), 100), Some(BadProposal::WrongShape));
        assert_eq!(why(&proposal(&[0.0; 65]), 100), Some(BadProposal::WrongShape));
        assert_eq!(
            why(&Proposal { period_nanos: 0, ..proposal(&[0.0]) }, 100),
            Some(BadProposal::WrongShape)
        );
        assert_eq!(
            why(&Proposal { period_nanos: -5, ..proposal(&[0.0]) }, 100),
            Some(BadProposal::WrongShape)
        );
        assert_eq!(
            why(&Proposal { observation_seq: 2, ..proposal(&[0.0]) }, 100),
            Some(BadProposal::UnknownObservation)
        );
        assert_eq!(
            why(&Proposal { observation_seq: 12, ..proposal(&[0.0]) }, 100),
            Some(BadProposal::UnknownObservation)
        );
        assert_eq!(
            why(&Proposal { observation_seq: 11, ..proposal(&[0.0]) }, 100),
            None,
            "seen there before here"
        );
        assert_eq!(why(&proposal(&[0.0, 1.0]), 141), Some(BadProposal::Expired));
    }
}
