use std::time::Duration;

use retake_units::MonoTime;
use serde::{Deserialize, Serialize};

use crate::{Call, history::History, source::Source};

/// How far the policy may go on by itself. Later is less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it wants.
    Full,
    /// At a share of its speed, so that the operator has time to look.
    Slowed,
    /// Not at all until the operator says so.
    Hold,
}

/// When to slow down and when to hold. There is no default: the deployment says each of these.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AutonomyConfig {
    /// A need of this much slows the policy, 0 to 1.
    pub slow_above: f64,
    /// A need of this much holds it, 0 to 1.
    pub hold_above: f64,
    /// A need must fall below this share of a threshold to have passed it.
    pub release: f64,
    /// And stay there for this long.
    pub dwell: Duration,
    /// Who has spoken and is not heard for this long counts as in greatest need.
    pub silence: Duration,
    /// Share of the policy's time that may be slowed for: where needs are often high, only the highest share of them slows it.
    /// Never applies to `hold_above`.
    pub budget: f64,
}

/// What a need is to be seen against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation {
    /// The policy drives something.
    pub driving: bool,
    /// An operator is heard.
    pub attended: bool,
}

/// Sources remembered; the one not heard for longest is forgotten first.
const SOURCES: usize = 16;
/// Time between two samples of what needs are like.
const SAMPLE: Duration = Duration::from_millis(100);

/// The level, and what it came from. In the spirit of the quantile-switched gating of ThriftyDAgger (Hoque et al., CoRL 2021)
/// and of human-on-the-loop autonomy levels.
#[derive(Clone, Debug)]
pub struct Autonomy {
    config: AutonomyConfig,
    sources: Vec<Source>,
    level: Level,
    calm_since: Option<MonoTime>,
    history: History,
    sampled: MonoTime,
    calls: u64,
    suppressed: u64,
}

impl Autonomy {
    /// Nobody has said anything: full.
    pub fn new(config: AutonomyConfig) -> Self {
        Self {
            config,
            sources: Vec::new(),
            level: Level::Full,
            calm_since: None,
            history: History::default(),
            sampled: MonoTime::ZERO,
            calls: 0,
            suppressed: 0,
        }
    }

    /// The level.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// How often help was called for.
    pub const fn calls(&self) -> u64 {
        self.calls
    }

    /// How many signals asked to be slowed for and were beyond the budget.
    pub const fn suppressed(&self) -> u64 {
        self.suppressed
    }

    /// `source` says how much it needs the operator: 0 not at all, 1 now.
    pub fn heard(&mut self, source: &str, text: &str, need: f64, now: MonoTime) {
        let index = self.sources.iter().position(|known| known.name == source).unwrap_or_else(|| {
            if self.sources.len() >= SOURCES {
                let quietest = self.sources.iter().enumerate().min_by_key(|(_, known)| known.heard_at());
                quietest.map(|(index, _)| index).map(|index| self.sources.remove(index));
            }
            self.sources.push(Source::new(source));
            self.sources.len() - 1
        });
        if let Some(known) = self.sources.get_mut(index) {
            known.says(text, need, now);
        }
        let need = if need.is_nan() { 1.0 } else { need };
        if need >= self.config.slow_above && need < self.slow_threshold() {
            self.suppressed += 1;
        }
    }

    /// The operator has seen the calls: they count again once they have been low. Who is silent is forgotten.
    pub fn acknowledge(&mut self, now: MonoTime) {
        let silence = self.config.silence;
        self.sources.retain(|source| !source.silent(silence, now));
        for source in &mut self.sources {
            source.seen |= source.calling.take().is_some();
        }
        (self.level, self.calm_since) = (Level::Full, None);
    }

    /// A new episode: nothing of the last one counts, but what needs are like is remembered.
    pub fn begin(&mut self) {
        self.sources.clear();
        (self.level, self.calm_since) = (Level::Full, None);
    }

    /// Time passed.
    pub fn step(&mut self, situation: Situation, now: MonoTime) -> Level {
        let need = self.worst(now);
        if situation.driving && now.since(self.sampled) >= SAMPLE {
            self.sampled = now;
            self.history.note(need);
        }
        let wanted = self.wanted(need, situation.attended);
        if wanted > self.level {
            if self.level == Level::Full {
                self.calls += 1;
            }
            (self.level, self.calm_since) = (wanted, None);
        } else if self.level == Level::Slowed {
            let calm = need < self.slow_threshold() * self.config.release;
            let since = calm.then(|| self.calm_since.unwrap_or(now));
            self.calm_since = since;
            if since.is_some_and(|since| now.since(since) >= self.config.dwell) {
                (self.level, self.calm_since) = (Level::Full, None);
            }
        }
        self.level
    }

    /// Who calls, most in need first.
    pub fn calling(&self, now: MonoTime) -> Vec<Call> {
        let mut calls: Vec<Call> = self
            .sources
            .iter()
            .filter_map(|source| {
                let since = source.calling?;
                let silent = source.silent(self.config.silence, now);
                let text = if silent { "has gone silent" } else { source.text.as_str() };
                Some(Call {
                    source: source.name.clone(),
                    text: text.to_owned(),
                    need: source.need(self.config.silence, now),
                    lasting: now.since(since),
                })
            })
            .collect();
        calls.sort_by(|a, b| b.need.total_cmp(&a.need));
        calls
    }

    /// The greatest need that the operator has not seen, and bookkeeping of who calls.
    fn worst(&mut self, now: MonoTime) -> f64 {
        let (config, threshold) = (self.config, self.slow_threshold());
        let mut worst: f64 = 0.0;
        for source in &mut self.sources {
            let need = source.need(config.silence, now);
            if need < threshold * config.release {
                (source.seen, source.calling) = (false, None);
            } else if need >= threshold && !source.seen {
                source.calling.get_or_insert(now);
            }
            if !source.seen {
                worst = worst.max(need);
            }
        }
        worst
    }

    fn wanted(&self, need: f64, attended: bool) -> Level {
        if need >= self.config.hold_above {
            Level::Hold
        } else if need >= self.slow_threshold() {
            // Nobody is there to look: there is nothing to be gained by going on slowly.
            if attended { Level::Slowed } else { Level::Hold }
        } else {
            Level::Full
        }
    }

    #[cfg(test)]
    pub(crate) fn wanted_now(&self, need: f64) -> Level {
        self.wanted(need, true)
    }

    fn slow_threshold(&self) -> f64 {
        let budgeted = self.history.threshold(self.config.budget).unwrap_or(0.0);
        budgeted.max(self.config.slow_above).min(self.config.hold_above)
    }
}
