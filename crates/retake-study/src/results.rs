//! What a study found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cell::Row;
use crate::plan::Study;
use crate::statistics::Estimate;

/// Everything that a study found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The plan.
    pub study: Study,
    /// Cells that are finished. Where it is less than `of`, this is not the study's result.
    pub done: usize,
    /// Cells of the study.
    pub of: usize,
    /// Each method after each round, over the seeds: methods and operators in the plan's order.
    pub scores: Vec<Score>,
    /// The differences that the plan asks for.
    pub differences: Vec<Difference>,
    /// Every single figure.
    pub rows: Vec<Row>,
}

/// How a method did after a round, over the seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The method.
    pub method: String,
    /// On whose data it learnt, if not its own.
    pub data: Option<String>,
    /// The operator.
    pub operator: String,
    /// The round.
    pub round: u32,
    /// Share of episodes in which the policy, driving alone, succeeded.
    pub success: Option<Estimate>,
    /// Means over the seeds of what was recorded in the round.
    pub collected: Calibration,
    /// Mean of the effective number of steps that it learnt from.
    pub effective: f64,
}

/// What a round of deployment was like, over all its seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Attempts per seed.
    pub episodes: f64,
    /// Human steps per seed.
    pub human_steps: f64,
    /// Share of all steps with a human's hand on the robot.
    pub human_fraction: f64,
    /// Takeovers per attempt.
    pub takeovers: f64,
    /// Human steps per takeover.
    pub takeover_steps: f64,
    /// Share of attempts that the policy and the human together completed.
    pub combined: f64,
}

/// The difference between two methods after a round, paired by seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// A method.
    pub better: String,
    /// What it is compared with.
    pub than: String,
    /// The operator.
    pub operator: String,
    /// The round.
    pub round: u32,
    /// What the study was made for.
    pub primary: bool,
    /// Success of the one minus success of the other.
    pub success: Option<Estimate>,
}

impl Results {
    /// From every single figure.
    pub(crate) fn new(study: &Study, rows: Vec<Row>, (done, of_all): (usize, usize)) -> Self {
        let of = |method: &str, operator: &str, round: u32| -> Vec<&Row> {
            let wanted = |row: &&Row| row.method == method && row.operator == operator && row.round == round;
            rows.iter().filter(wanted).collect()
        };
        let mut scores = Vec::new();
        let mut differences = Vec::new();
        for operator in study.operators.iter().map(|operator| operator.name.as_str()) {
            for method in &study.methods {
                scores.extend((0..=study.rounds).map(|round| {
                    let rows = of(&method.name, operator, round);
                    Score {
                        method: method.name.clone(),
                        data: method.data.clone(),
                        operator: operator.into(),
                        round,
                        success: Estimate::of(&rows.iter().map(|row| success(row)).collect::<Vec<_>>()),
                        collected: calibration(&rows),
                        effective: rows.iter().map(|row| row.effective).sum::<f64>()
                            / rows.len().max(1) as f64,
                    }
                }));
            }
            for comparison in &study.comparisons {
                differences.extend((1..=study.rounds).map(|round| Difference {
                    better: comparison.better.clone(),
                    than: comparison.than.clone(),
                    operator: operator.into(),
                    round,
                    primary: comparison.primary && round == study.rounds,
                    success: paired(
                        &of(&comparison.better, operator, round),
                        &of(&comparison.than, operator, round),
                    ),
                }));
            }
        }
        Self { study: study.clone(), done, of: of_all, scores, differences, rows }
    }
}

fn success(row: &Row) -> f64 {
    f64::from(row.successes) / f64::from(row.evaluations)
}

fn paired(better: &[&Row], than: &[&Row]) -> Option<Estimate> {
    let than: BTreeMap<u32, f64> = than.iter().map(|row| (row.seed, success(row))).collect();
    let pairs = better.iter().filter_map(|row| Some(success(row) - than.get(&row.seed)?));
    Estimate::of(&pairs.collect::<Vec<_>>())
}

fn calibration(rows: &[&Row]) -> Calibration {
    let sum = |what: fn(&Row) -> u64| rows.iter().map(|row| what(row) as f64).sum::<f64>();
    let (episodes, human) = (sum(|row| row.collected.episodes), sum(|row| row.collected.human_steps));
    let takeovers = sum(|row| row.collected.takeovers);
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    let seeds = rows.len() as f64;
    Calibration {
        episodes: share(episodes, seeds),
        human_steps: share(human, seeds),
        human_fraction: share(human, sum(|row| row.collected.steps)),
        takeovers: share(takeovers, episodes),
        takeover_steps: share(human, takeovers),
        combined: share(sum(|row| row.collected.completed), episodes),
    }
}
