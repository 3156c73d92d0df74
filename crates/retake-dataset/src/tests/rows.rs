//! Ticks and what belongs to them.

use retake_labels::Rule;
use retake_wire::{Message, pb::Verdict};

use super::made::{ended, observation, picture, record, robot, tick};
use crate::{Row, Rows, Scan, scan};

fn read(messages: Vec<(u64, Message)>) -> (Scan, Vec<Row>) {
    let dir = tempfile::tempdir().unwrap();
    let source = record(dir.path(), "rec", messages);
    let scan = scan(&source, &Rule::default(), |_| {}).unwrap();
    let rows = Rows::new(&source, &scan.episodes, &scan.cameras).map(Result::unwrap).collect();
    (scan, rows)
}

/// Pictures come late: what counts is when they were taken.
#[test]
fn a_picture_is_the_newest_that_was_taken_before() {
    let (scan, rows) = read(vec![
        (0, robot()),
        (20, observation(1, 18)),
        (20, tick(1, 1, 1)),
        (40, observation(2, 38)),
        (40, tick(2, 1, 2)),
        (41, picture(25)),
        (60, observation(3, 58)),
        (60, tick(3, 1, 3)),
        (61, picture(58)),
        (80, picture(59)),
        (80, observation(4, 78)),
        (80, tick(4, 1, 4)),
    ]);
    assert_eq!(scan.cameras, ["front"]);
    let taken: Vec<i64> =
        rows.iter().map(|row| row.frames[0].as_ref().unwrap().captured_nanos / 1_000_000).collect();
    assert_eq!(taken, [25, 25, 58, 59], "the first row has the first picture there is");
    let seen = |row: &Row| row.observation.as_ref().unwrap().header.unwrap().seq;
    assert_eq!(rows.iter().map(seen).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(read(vec![(0, robot()), (20, tick(1, 1, 9))]).1[0].observation.is_none());
}

/// Whatever is asked for, and however much follows it in the recording: the newest picture taken no later than the observation,
/// found here by looking at all of them.
#[test]
fn a_selection_has_the_pictures_that_all_attempts_have() {
    // A picture every 30 ms, recorded 60 or 85 ms late; an observation every 20 ms, taken 5 ms before its tick.
    let taken: Vec<i64> = (0..1000).map(|number| 30 * number).collect();
    let (mut messages, mut attempt) = (vec![(0, robot())], 1);
    messages.extend(
        taken.iter().map(|at| (at.unsigned_abs() + 60 + at.unsigned_abs() / 30 % 2 * 25, picture(*at))),
    );
    for number in 5..1400 {
        messages.push((number * 20, observation(number, 20 * number.cast_signed() - 5)));
        messages.push((number * 20, tick(number, attempt, number)));
        if [25, 60, 100].contains(&number) {
            messages.push((number * 20, ended(attempt, Verdict::Success)));
            attempt += 1;
        }
    }
    messages.sort_by_key(|(at, _)| *at);
    let dir = tempfile::tempdir().unwrap();
    let source = record(dir.path(), "rec", messages);
    let scan = scan(&source, &Rule::default(), |_| {}).unwrap();
    let lengths: Vec<usize> = scan.episodes.iter().map(crate::Episode::len).collect();
    assert_eq!(lengths, [21, 35, 40, 1299]);
    for chosen in [&[0][..], &[1], &[2], &[0, 2], &[3], &[0, 1, 2, 3]] {
        let episodes: Vec<crate::Episode> =
            chosen.iter().map(|index| scan.episodes[*index].clone()).collect();
        let mut count = 0;
        for row in Rows::new(&source, &episodes, &scan.cameras) {
            let row = row.unwrap();
            let seen = row.observation.as_ref().unwrap().captured_nanos / 1_000_000;
            let due = taken.iter().copied().filter(|at| *at <= seen).max();
            let shown = row.frames[0].as_ref().map(|frame| frame.captured_nanos / 1_000_000);
            assert_eq!(shown, due, "attempts {chosen:?}, row {} of {}", row.row, row.episode);
            count += 1;
        }
        assert_eq!(count, episodes.iter().map(crate::Episode::len).sum::<usize>());
    }
}

#[test]
fn an_arbiter_that_starts_again_counts_anew() {
    let mut messages = vec![(0, robot())];
    messages.extend((1..5).map(|number| (number * 20, tick(number, 1, 0))));
    messages.push((100, ended(1, Verdict::Failure)));
    messages.extend((1..4).map(|number| (200 + number * 20, tick(number, 1, 0))));
    messages.push((300, ended(1, Verdict::Success)));
    let (scan, rows) = read(messages);
    let keys: Vec<String> = scan.episodes.iter().map(|episode| episode.key.to_string()).collect();
    assert_eq!(keys, ["rec/1", "rec/1@1"]);
    let verdicts: Vec<Verdict> = scan.episodes.iter().map(crate::Episode::verdict).collect();
    assert_eq!(verdicts, [Verdict::Failure, Verdict::Success]);
    let places: Vec<(usize, usize)> = rows.iter().map(|row| (row.episode, row.row)).collect();
    assert_eq!(places, [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (1, 2)]);
    assert!(scan.episodes.iter().all(|episode| episode.problems.is_empty() && episode.ended));
}

#[test]
fn a_missing_tick_is_told_and_the_others_are_there() {
    let ticks = [1, 2, 4, 5, 8].map(|number| (number * 20, tick(number, 1, 0)));
    let (scan, rows) = read([vec![(0, robot())], ticks.to_vec()].concat());
    let episode = &scan.episodes[0];
    assert_eq!((episode.ticks.as_slice(), episode.missing_ticks), ([1, 2, 4, 5, 8].as_slice(), 3));
    assert_eq!(episode.problems, ["3 ticks are missing"]);
    assert!(!episode.ended);
    assert_eq!(rows.iter().map(|row| row.tick.tick).collect::<Vec<_>>(), [1, 2, 4, 5, 8]);
}
