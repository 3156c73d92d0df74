use std::path::Path;

use anyhow::bail;
use retake_dataset::{Group, Tally};
use retake_viz::{Curve, View, Viz};

use super::{attempts, options::Report};
use crate::log::print;

pub(super) fn run(Report { look: options, plot }: &Report) -> anyhow::Result<()> {
    check(plot.as_deref())?;
    let mut tally = Tally::default();
    attempts(&options.paths, &options.rule.rule(), |episode, standing| tally.add(episode, &standing))?;
    let groups = tally.finish();
    if let Some(path) = plot {
        let viz = Viz::open(&View::File(path.clone()), "retake dataset report")?;
        viz.draw("round", &curves(&groups))?;
    }
    if options.json { print(serde_json::to_string_pretty(&groups)? + "\n") } else { print(text(&groups)) }
}

fn check(plot: Option<&Path>) -> anyhow::Result<()> {
    match plot {
        Some(path) if path.extension().is_none_or(|extension| extension != "rrd") => {
            bail!("{} does not end in .rrd, by which Rerun knows its files", path.display())
        }
        Some(path) if path.exists() => bail!("{} is there already: choose another name", path.display()),
        Some(_) | None => Ok(()),
    }
}

fn curves(groups: &[Group]) -> Vec<Curve> {
    let mut curves = Vec::new();
    let mut add = |chart: &str, name: &str, value: &dyn Fn(&Group) -> Option<f64>| {
        let point = |group: &Group| Some((i64::from(group.round), value(group)?));
        let points = groups.iter().filter_map(point).collect();
        curves.push(Curve { chart: chart.into(), name: name.into(), points });
    };
    add("success", "rate", &|group| group.success_rate.map(|[rate, _, _]| rate));
    add("success", "low", &|group| group.success_rate.map(|[_, low, _]| low));
    add("success", "high", &|group| group.success_rate.map(|[_, _, high]| high));
    add("success", "alone", &|group| group.autonomous_rate);
    add("hands on", "share of driven steps", &|group| Some(group.intervention_rate));
    add("takeovers", "per attempt", &|group| Some(group.takeovers_per_episode));
    add("seconds", "human", &|group| Some(group.human_seconds));
    add("seconds", "policy", &|group| Some(group.policy_seconds));
    add("seconds", "idle", &|group| Some(group.idle_seconds));
    add("return", "successes per human minute", &|group| group.successes_per_human_minute);
    curves
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
