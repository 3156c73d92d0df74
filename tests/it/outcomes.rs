//! What a policy reaches alone and with help, and what the recording tells of it.

use std::path::Path;

use retake_log::{Recording, Summary, decisions_digest, first_difference, summary};
use retake_scripted::Script;
use retake_tests::{Deployment, Seen};
use retake_wire::pb::{SegmentKind, Verdict};

fn attempt(task: &str, policy: &str, script: Script) -> Seen {
    let mut run = Deployment::new(task, policy).script(script).start();
    run.to_end();
    run.finish()
}

fn recorded(dir: &Path, name: &str, seed: u64) -> Recording {
    let deployment = Deployment::new("lift", "expert:wrong-turn").script(Script::Supervisor);
    let mut run = deployment.episodes(2).seed(seed).recorded(dir, name).start();
    run.to_end();
    run.finish();
    Recording::open(&dir.join(name)).unwrap()
}

#[test]
fn an_expert_needs_no_help() {
    let seen = attempt("lift", "expert", Script::Unattended);
    assert_eq!(seen.verdicts(), [Verdict::Success]);
    assert!(!seen.kinds("arm").contains(&SegmentKind::Correction));
}

#[test]
fn a_supervisor_rescues_a_wrong_turn_that_fails_alone() {
    for task in ["lift", "nut-on-peg"] {
        let alone = attempt(task, "expert:wrong-turn", Script::Unattended);
        assert_eq!(alone.verdicts(), [Verdict::Failure], "{task} alone");
        let helped = attempt(task, "expert:wrong-turn", Script::Supervisor);
        assert_eq!(helped.verdicts(), [Verdict::Success], "{task} with help");
        let kinds = helped.kinds("arm");
        for kind in [SegmentKind::Policy, SegmentKind::Rewind, SegmentKind::Correction] {
            assert!(kinds.contains(&kind), "{task} has no {kind:?}: {kinds:?}");
        }
    }
}

/// Segments of each group, in order of time, without a gap or an overlap, over every tick that was recorded.
fn assert_segments_cover_every_tick(found: &Summary) {
    let segments: Vec<_> = found.episodes.iter().flat_map(|episode| &episode.segments).collect();
    for group in ["arm", "gripper"] {
        let mut own: Vec<_> = segments.iter().filter(|segment| segment.group == group).collect();
        own.sort_by_key(|segment| segment.start_tick);
        assert!(own.iter().all(|segment| segment.start_tick < segment.end_tick), "{own:?}");
        assert!(own.iter().all(|segment| !segment.rebuilt), "the arbiter's own record is missing: {own:?}");
        for pair in own.windows(2) {
            assert_eq!(pair[0].end_tick, pair[1].start_tick, "{group}: {:?} then {:?}", pair[0], pair[1]);
        }
        let covered: u64 = own.iter().map(|segment| segment.end_tick - segment.start_tick).sum();
        assert_eq!(covered, found.info.ticks, "{group}");
    }
    for episode in found.episodes.iter().filter(|episode| episode.episode > 0) {
        let own = || episode.segments.iter().filter(|segment| segment.group == "arm");
        let (first, end) = (own().map(|s| s.start_tick).min(), own().map(|s| s.end_tick).max());
        assert!(first.unwrap() <= episode.start_tick && end.unwrap() >= episode.end_tick, "{episode:?}");
    }
}

#[test]
fn the_recording_tells_who_drove_at_every_tick() {
    let dir = tempfile::tempdir().unwrap();
    let found = summary(&recorded(dir.path(), "one", 1)).unwrap();
    assert!(found.info.integrity.is_whole());
    assert_eq!(found.info.missing_ticks, 0);
    let attempts: Vec<_> = found.episodes.iter().filter(|episode| episode.ended).collect();
    assert_eq!(attempts.len(), 2);
    for episode in attempts {
        assert_eq!((episode.verdict.as_str(), episode.reason.as_str()), ("success", "task"));
        for kind in ["policy", "rewind", "correction"] {
            assert!(
                episode.segments.iter().any(|segment| segment.kind == kind),
                "no {kind} in {}",
                episode.episode
            );
        }
    }
    assert_segments_cover_every_tick(&found);
    assert_eq!(found.info.contradictions, 0, "segment records and ticks disagree");
}

#[test]
fn the_same_seed_decides_the_same_and_another_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let (one, again) = (recorded(dir.path(), "one", 1), recorded(dir.path(), "again", 1));
    assert_eq!(decisions_digest(&one).unwrap(), decisions_digest(&again).unwrap());
    assert_eq!(first_difference(&one, &again).unwrap(), None);
    let other = recorded(dir.path(), "other", 7);
    assert_ne!(decisions_digest(&one).unwrap(), decisions_digest(&other).unwrap());
    assert!(first_difference(&one, &other).unwrap().is_some());
}
