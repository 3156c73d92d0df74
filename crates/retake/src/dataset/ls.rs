use std::collections::BTreeSet;

use retake_dataset::{Episode, Standing};
use retake_labels::Class;
use serde::Serialize;

use super::{attempts, options::Look};
use crate::log::print;

/// An attempt in a list.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    attempt: String,
    task: String,
    policy: String,
    operator: String,
    verdict: String,
    discarded: bool,
    seconds: f64,
    takeovers: u32,
    human_seconds: f64,
    tags: BTreeSet<String>,
    round: Option<u32>,
    ended: bool,
    problems: Vec<String>,
}

impl Line {
    pub(super) fn new(episode: &Episode, standing: Standing) -> Self {
        Self {
            attempt: episode.key.to_string(),
            task: episode.record.task.clone(),
            policy: episode.record.policy_version.clone(),
            operator: episode.record.operator.clone(),
            verdict: standing.verdict,
            discarded: standing.discarded,
            seconds: episode.len() as f64 * episode.period(),
            takeovers: episode.interventions(),
            human_seconds: episode.seconds_of(|class| class.is_intervention() || class == Class::Demo),
            tags: standing.tags,
            round: standing.round,
            ended: episode.ended,
            problems: episode.problems.clone(),
        }
    }

    fn remark(&self) -> String {
        let mut words: Vec<String> = self.tags.iter().cloned().collect();
        if !self.ended {
            words.push("cut off".into());
        }
        words.extend(self.problems.iter().map(|problem| format!("! {problem}")));
        words.join(", ")
    }
}

pub(super) fn run(options: &Look) -> anyhow::Result<()> {
    let mut lines = Vec::new();
    attempts(&options.paths, &options.rule.rule(), |episode, standing| {
        lines.push(Line::new(episode, standing));
    })?;
    if options.json {
        return print(serde_json::to_string_pretty(&lines)? + "\n");
    }
    let human: f64 = lines.iter().map(|line| line.human_seconds).sum();
    let all: f64 = lines.iter().map(|line| line.seconds).sum();
    let rows = lines.iter().map(|line| {
        let verdict = if line.discarded { "discarded" } else { &line.verdict };
        [
            line.attempt.clone(),
            line.task.clone(),
            line.policy.clone(),
            line.operator.clone(),
            verdict.to_owned(),
            format!("{:.1}", line.seconds),
            line.takeovers.to_string(),
            format!("{:.1}", line.human_seconds),
            line.remark(),
        ]
    });
    let head =
        ["attempt", "task", "policy", "operator", "verdict", "seconds", "takeovers", "human s", "remarks"];
    let mut text = String::new();
    retake_log::table(&mut text, head, rows.collect());
    print(format!("{text}\n{} attempts, {all:.1} s, of which a human {human:.1} s\n", lines.len()))
}
