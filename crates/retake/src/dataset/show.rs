use std::fmt::Write as _;

use retake_dataset::{Annotations, DatasetError, Episode, Standing};
use retake_labels::Class;
use serde::Serialize;

use super::{ls::Line, named, options::Show};
use crate::log::print;

/// A stretch of one group's steps of one class.
#[derive(Debug, Serialize)]
struct Stretch {
    group: String,
    class: &'static str,
    from_seconds: f64,
    to_seconds: f64,
    steps: usize,
    intervention: u32,
}

#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    line: Line,
    notes: Vec<String>,
    stretches: Vec<Stretch>,
}

pub(super) fn run(options: &Show) -> anyhow::Result<()> {
    let found = named(&options.path, std::slice::from_ref(&options.attempt), &options.rule.rule())?;
    let [(source, episodes)] = &found[..] else {
        return Err(DatasetError::NoSuchEpisode { key: options.attempt.clone() }.into());
    };
    let annotations = Annotations::read(source)?;
    for episode in episodes {
        let standing = annotations.of(episode);
        let stretches = stretches(episode);
        if options.json {
            let notes = standing.notes.clone();
            let shown = Shown { line: Line::new(episode, standing), notes, stretches };
            print(serde_json::to_string_pretty(&shown)? + "\n")?;
        } else {
            print(text(episode, &standing, &stretches))?;
        }
    }
    Ok(())
}

fn stretches(episode: &Episode) -> Vec<Stretch> {
    let start = episode.at_nanos.first().copied().unwrap_or_default();
    let seconds = |row: usize| {
        let at = episode.at_nanos.get(row).or(episode.at_nanos.last()).copied().unwrap_or_default();
        (at - start) as f64 * 1e-9
    };
    let mut all = Vec::new();
    for (labels, group) in episode.labels.iter().zip(&episode.robot.groups) {
        let mut first = 0;
        for run in labels.chunk_by(|a, b| (a.class, a.intervention) == (b.class, b.intervention)) {
            let Some(label) = run.first() else { continue };
            all.push(Stretch {
                group: group.name.clone(),
                class: label.class.name(),
                from_seconds: seconds(first),
                to_seconds: seconds(first + run.len()),
                steps: run.len(),
                intervention: label.intervention,
            });
            first += run.len();
        }
    }
    all
}

fn text(episode: &Episode, standing: &Standing, stretches: &[Stretch]) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(text, "{name:<10} {value}");
        }
    };
    let record = &episode.record;
    line("attempt", episode.key.to_string());
    line("task", record.task.clone());
    line("policy", record.policy_version.clone());
    line("operator", record.operator.clone());
    line("protocol", record.protocol.clone());
    line("verdict", if standing.discarded { "discarded".into() } else { standing.verdict.clone() });
    line("tags", standing.tags.iter().cloned().collect::<Vec<_>>().join(", "));
    line("steps", format!("{} in {:.1} s", episode.len(), episode.len() as f64 * episode.period()));
    for class in Class::ALL {
        let seconds = episode.seconds_of(|one| one == class);
        if seconds > 0.0 {
            line(class.name(), format!("{seconds:.1} s"));
        }
    }
    standing.notes.iter().for_each(|note| line("note", note.clone()));
    episode.problems.iter().for_each(|problem| line("problem", problem.clone()));
    let rows = stretches.iter().map(|one| {
        let number = if one.intervention == 0 { String::new() } else { one.intervention.to_string() };
        [
            one.group.clone(),
            one.class.to_owned(),
            format!("{:.2}", one.from_seconds),
            format!("{:.2}", one.to_seconds),
            one.steps.to_string(),
            number,
        ]
    });
    retake_log::table(
        &mut text,
        ["group", "class", "from s", "to s", "steps", "intervention"],
        rows.collect(),
    );
    text
}
