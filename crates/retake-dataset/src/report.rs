//! How policies did, round by round, and what they cost the people who helped them.

use retake_labels::Class;
use serde::Serialize;

use crate::{Episode, Standing};

/// Attempts with one policy in one round.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Group {
    /// Round of deployment and training: as people said, or else by the order in which policies were first recorded, from 1;
    /// demonstrations are round 0.
    pub round: u32,
    /// Version of the policy; empty where only humans drove.
    pub policy: String,
    /// Attempts that count.
    pub episodes: u64,
    /// Attempts that were discarded, and count for nothing else here.
    pub discarded: u64,
    /// Attempts that succeeded.
    pub successes: u64,
    /// Attempts that failed. The others have no verdict.
    pub failures: u64,
    /// Successes among those with a verdict, and the ends of its 95 % interval (Wilson); none without any verdict.
    pub success_rate: Option<[f64; 3]>,
    /// Successes without any help among those with a verdict.
    pub autonomous_rate: Option<f64>,
    /// Steps in which a human's hand was on the robot, among those in which anybody drove.
    pub intervention_rate: f64,
    /// How often a human took over, per attempt.
    pub takeovers_per_episode: f64,
    /// Seconds a human drove or rewound, demonstrations included.
    pub human_seconds: f64,
    /// Seconds the policy drove.
    pub policy_seconds: f64,
    /// Seconds nobody drove.
    pub idle_seconds: f64,
    /// Stretches in which the robot was led back, per success; none without successes.
    pub recoveries_per_success: Option<f64>,
    /// Return on human effort: successes per minute of a human's hand on the robot; none where no human helped.
    pub successes_per_human_minute: Option<f64>,
    /// Steps at the edge of a change of who drives.
    pub handover_steps: u64,
    /// Greatest step of a command at such a change, as a share of what the velocity limit allows.
    pub worst_handover: f64,
    /// Camera frames that were lost.
    pub frames_dropped: u64,
    /// Other messages that were lost.
    pub messages_lost: u64,
    /// Attempts whose recording was cut off, or that have another problem.
    pub with_problems: u64,
}

/// Counts attempts one after the other.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    groups: Vec<Counts>,
    /// Policies in the order in which they were met.
    policies: Vec<String>,
}

#[derive(Clone, Debug, Default)]
struct Counts {
    group: Group,
    interventions: u64,
    recoveries: u64,
    alone: u64,
    driven: f64,
    hands_on: f64,
}

impl Tally {
    /// Counts an attempt. Recordings are best counted in the order in which they were made.
    pub fn add(&mut self, episode: &Episode, standing: &Standing) {
        let policy =
            if episode.seconds_of(|class| matches!(class, Class::Policy | Class::PreIntervention)) > 0.0 {
                episode.record.policy_version.clone()
            } else {
                String::new()
            };
        let round = standing.round.unwrap_or_else(|| self.round_of(&policy));
        let known = self.groups.iter().position(|counts| {
            (counts.group.round, counts.group.policy.as_str()) == (round, policy.as_str())
        });
        let index = known.unwrap_or_else(|| {
            let group = Group { round, policy, ..Group::default() };
            self.groups.push(Counts { group, ..Counts::default() });
            self.groups.len() - 1
        });
        if let Some(counts) = self.groups.get_mut(index) {
            counts.add(episode, standing);
        }
    }

    fn round_of(&mut self, policy: &str) -> u32 {
        if policy.is_empty() {
            return 0;
        }
        let known = self.policies.iter().position(|known| known == policy);
        let index = known.unwrap_or_else(|| {
            self.policies.push(policy.to_owned());
            self.policies.len() - 1
        });
        u32::try_from(index + 1).unwrap_or(u32::MAX)
    }

    /// The groups, by round and policy.
    pub fn finish(self) -> Vec<Group> {
        let mut groups: Vec<Group> = self.groups.into_iter().map(Counts::finish).collect();
        groups.sort_by(|a, b| (a.round, &a.policy).cmp(&(b.round, &b.policy)));
        groups
    }
}

impl Counts {
    fn add(&mut self, episode: &Episode, standing: &Standing) {
        let group = &mut self.group;
        if standing.discarded {
            group.discarded += 1;
            return;
        }
        let hands_on = episode.seconds_of(Class::is_intervention);
        let demo = episode.seconds_of(|class| class == Class::Demo);
        let policy = episode.seconds_of(|class| matches!(class, Class::Policy | Class::PreIntervention));
        group.episodes += 1;
        let success = standing.verdict == "success";
        group.successes += u64::from(success);
        group.failures += u64::from(standing.verdict == "failure");
        group.human_seconds += hands_on + demo;
        group.policy_seconds += policy;
        group.idle_seconds += episode.seconds_of(|class| class == Class::Idle);
        group.worst_handover = group.worst_handover.max(episode.handover_step);
        group.frames_dropped += episode.frames_dropped;
        group.messages_lost += episode.messages_lost;
        group.with_problems += u64::from(!episode.problems.is_empty() || !episode.ended);
        let edge =
            |row: &usize| episode.labels.iter().any(|labels| labels.get(*row).is_some_and(|one| one.edge));
        group.handover_steps += (0..episode.len()).filter(edge).count() as u64;
        self.interventions += u64::from(episode.interventions());
        self.recoveries += episode.recoveries() as u64;
        self.alone += u64::from(success && hands_on + demo == 0.0);
        self.driven += hands_on + demo + policy;
        self.hands_on += hands_on + demo;
    }

    fn finish(self) -> Group {
        let Self { mut group, .. } = self;
        let judged = group.successes + group.failures;
        group.success_rate = (judged > 0).then(|| wilson(group.successes, judged));
        group.autonomous_rate = (judged > 0).then(|| ratio(self.alone, judged));
        group.intervention_rate = if self.driven > 0.0 { self.hands_on / self.driven } else { 0.0 };
        group.takeovers_per_episode =
            if group.episodes > 0 { ratio(self.interventions, group.episodes) } else { 0.0 };
        group.recoveries_per_success = (group.successes > 0).then(|| ratio(self.recoveries, group.successes));
        group.successes_per_human_minute =
            (group.human_seconds > 0.0).then(|| group.successes as f64 / (group.human_seconds / 60.0));
        group
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// Wilson's 95 % interval: the share, its lower and its upper end.
fn wilson(successes: u64, trials: u64) -> [f64; 3] {
    const Z: f64 = 1.959_963_984_540_054;
    let (n, p) = (trials as f64, ratio(successes, trials));
    let centre = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    [p, (centre - half).max(0.0), (centre + half).min(1.0)]
}

#[cfg(test)]
mod tests {
    use super::wilson;

    #[test]
    fn the_interval_is_the_textbooks() {
        let [share, low, high] = wilson(8, 10);
        assert!((share - 0.8).abs() < 1e-12 && (low - 0.4902).abs() < 1e-4 && (high - 0.9433).abs() < 1e-4);
        let [_, low, high] = wilson(0, 20);
        assert!(low == 0.0 && (high - 0.1611).abs() < 1e-4);
    }
}
