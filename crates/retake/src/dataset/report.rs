use retake_dataset::{Group, Tally};

use super::{attempts, options::Look};
use crate::log::print;

pub(super) fn run(options: &Look) -> anyhow::Result<()> {
    let mut tally = Tally::default();
    attempts(&options.paths, &options.rule.rule(), |episode, standing| tally.add(episode, &standing))?;
    let groups = tally.finish();
    if options.json { print(serde_json::to_string_pretty(&groups)? + "\n") } else { print(text(&groups)) }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"))
}

/// Two tables: how policies did, and what it cost.
fn text(groups: &[Group]) -> String {
    let policy = |group: &Group| {
        if group.policy.is_empty() { "(demonstrations)".to_owned() } else { group.policy.clone() }
    };
    let mut text = String::new();
    let rows = groups.iter().map(|group| {
        let success = group.success_rate.map_or_else(
            || "-".to_owned(),
            |[share, low, high]| format!("{} ({} to {})", percent(share), percent(low), percent(high)),
        );
        [
            group.round.to_string(),
            policy(group),
            group.episodes.to_string(),
            group.discarded.to_string(),
            success,
            group.autonomous_rate.map_or_else(|| "-".to_owned(), percent),
            percent(group.intervention_rate),
            format!("{:.2}", group.takeovers_per_episode),
            group.with_problems.to_string(),
        ]
    });
    let head = [
        "round",
        "policy",
        "attempts",
        "discarded",
        "success (95 %)",
        "alone",
        "hands on",
        "takeovers",
        "problems",
    ];
    retake_log::table(&mut text, head, rows.collect());
    let rows = groups.iter().map(|group| {
        [
            group.round.to_string(),
            policy(group),
            format!("{:.1}", group.human_seconds),
            format!("{:.1}", group.policy_seconds),
            format!("{:.1}", group.idle_seconds),
            number(group.recoveries_per_success),
            number(group.successes_per_human_minute),
            group.handover_steps.to_string(),
            percent(group.worst_handover),
            group.frames_dropped.to_string(),
            group.messages_lost.to_string(),
        ]
    });
    let head = [
        "round",
        "policy",
        "human s",
        "policy s",
        "idle s",
        "recoveries/success",
        "successes/human min",
        "hand-over steps",
        "worst",
        "frames lost",
        "messages lost",
    ];
    retake_log::table(&mut text, head, rows.collect());
    text
}
