//! An episode's tree as people read it.

use std::fmt::Write as _;

use super::{
    BranchSummary, EpisodeSummary, Summary,
    branches::{BranchSegment, Moment},
    render::{heading, verdict},
};

/// The text of `retake log tree`.
pub fn render_tree(summary: &Summary) -> String {
    let mut text = String::new();
    if summary.episodes.is_empty() {
        text.push_str("no episodes\n");
    }
    for episode in &summary.episodes {
        heading(&mut text, episode);
        text.push('\n');
        tree(&mut text, episode);
        let ends = if episode.ended { "ended" } else { "the recording ends" };
        let _ = writeln!(text, "  {ends} on {}: {}", name(episode.ended_on), verdict(episode));
    }
    text
}

fn tree(text: &mut String, episode: &EpisodeSummary) {
    let all = &episode.branches;
    // What is still to be written, the next one last: a branch, what stands before it, and whether a sibling follows.
    let mut waiting: Vec<(&BranchSummary, String, bool)> = Vec::new();
    waiting.extend(all.iter().find(|branch| branch.branch == 0).map(|trunk| (trunk, String::new(), false)));
    while let Some((branch, before, more)) = waiting.pop() {
        let (turn, below) = match (branch.branch, more) {
            (0, _) => ("", ""),
            (_, true) => ("├─ ", "│  "),
            (_, false) => ("└─ ", "   "),
        };
        let children: Vec<_> =
            all.iter().filter(|other| other.branch != 0 && grows_from(other, all) == branch.branch).collect();
        let _ = writeln!(text, "  {before}{turn}{}", began(branch));
        let before = format!("{before}{below}");
        let stem = if children.is_empty() { " " } else { "│" };
        for line in drives(&branch.segments) {
            let _ = writeln!(text, "  {before}{stem}    {line}");
        }
        let last = children.last().map(|branch| branch.branch);
        let next = children.into_iter().rev();
        waiting.extend(next.map(|child| (child, before.clone(), Some(child.branch) != last)));
    }
}

/// The branch it is written under: one whose parent is not known grows from the trunk here, so that it is not left out.
fn grows_from(branch: &BranchSummary, all: &[BranchSummary]) -> u32 {
    let known = |parent: &u32| *parent < branch.branch && all.iter().any(|other| other.branch == *parent);
    branch.parent.filter(known).unwrap_or(0)
}

fn began(branch: &BranchSummary) -> String {
    let mut text = format!("{} from {}", name(branch.branch), moment(&branch.began, None));
    if let Some(left) = &branch.left {
        let _ = write!(text, ": rewound from {}", moment(left, branch.left_branch));
        match &branch.joined {
            Some(joined) => {
                let _ = write!(text, " to {}", moment(joined, branch.parent));
            }
            None => text.push_str(" to a place that is not recorded"),
        }
    }
    if branch.restored {
        text.push_str(", objects put back");
    }
    if branch.rebuilt {
        text.push_str(", rebuilt from the ticks");
    }
    text
}

fn moment(moment: &Moment, on: Option<u32>) -> String {
    let on = on.map(|branch| format!(" on {}", name(branch))).unwrap_or_default();
    match moment.seconds {
        Some(seconds) => format!("{seconds:.2} s (tick {}{on})", moment.tick),
        None => format!("tick {}{on}", moment.tick),
    }
}

fn name(branch: u32) -> String {
    if branch == 0 { "trunk".to_owned() } else { format!("branch {branch}") }
}

/// Who drove, one line for all groups that went through the same.
fn drives(segments: &[BranchSegment]) -> Vec<String> {
    let mut lines: Vec<(Vec<&str>, Vec<String>)> = Vec::new();
    let mut groups: Vec<&str> = Vec::new();
    for segment in segments {
        if !groups.contains(&segment.group.as_str()) {
            groups.push(&segment.group);
        }
    }
    for group in groups {
        let own = segments.iter().filter(|segment| segment.group == group);
        let driven: Vec<String> = own.map(drive).collect();
        match lines.iter_mut().find(|(_, same)| *same == driven) {
            Some((names, _)) => names.push(group),
            None => lines.push((vec![group], driven)),
        }
    }
    if lines.is_empty() {
        return vec!["nobody drove".to_owned()];
    }
    lines.iter().map(|(names, driven)| format!("{}: {}", names.join(", "), driven.join(", "))).collect()
}

fn drive(segment: &BranchSegment) -> String {
    let by = if segment.kind == segment.owner { String::new() } else { format!(" by {}", segment.owner) };
    let lasted = match (segment.start.seconds, segment.end.seconds) {
        (Some(start), Some(end)) => format!("{:.2} s", end - start),
        (None, _) | (_, None) => format!("{} ticks", segment.end.tick - segment.start.tick),
    };
    format!("{}{by} {lasted}", segment.kind)
}
