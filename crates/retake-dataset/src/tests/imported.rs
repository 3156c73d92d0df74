//! Demonstrations of elsewhere, read back as attempts of our own.

use retake_labels::{Class, Rule};
use retake_units::WallTime;
use retake_wire::pb::{Pose, Verdict};
use tempfile::TempDir;

use crate::{Imported, ImportedStep, Importer, Rows, find, scan};

fn robot() -> Imported {
    Imported {
        robot: "other".into(),
        hz: 20.0,
        groups: vec![("arm".into(), vec!["a".into(), "b".into()]), ("gripper".into(), vec!["width".into()])],
        cameras: vec![("front".into(), 4, 4)],
        origin: "elsewhere".into(),
    }
}

fn step(number: u32) -> ImportedStep {
    let value = f64::from(number);
    ImportedStep {
        measured: vec![vec![value, -value], vec![0.01]],
        command: vec![vec![value + 1.0, -value], vec![0.02]],
        objects: vec![Pose { x: value, qw: 1.0, ..Pose::default() }],
        frames: vec![if number.is_multiple_of(2) { number.to_le_bytes().to_vec() } else { Vec::new() }],
    }
}

#[test]
fn demonstrations_come_back_step_by_step_as_demonstrations() {
    let dir = TempDir::new().unwrap();
    let wall = WallTime::from_nanos(1_700_000_000_000_000_000);
    let mut importer = Importer::new(dir.path(), "from-elsewhere", robot(), wall).unwrap();
    for (length, success) in [(5, true), (3, false)] {
        importer.begin("stack", "ann").unwrap();
        (0..length).for_each(|number| importer.step(&step(number)).unwrap());
        importer.end(success).unwrap();
    }
    assert_eq!(importer.finish().unwrap(), 2);

    let sources = find(dir.path()).unwrap();
    let scan = scan(&sources[0], &Rule::default(), |_| {}).unwrap();
    assert_eq!(scan.cameras, ["front"]);
    let lengths: Vec<usize> = scan.episodes.iter().map(crate::Episode::len).collect();
    assert_eq!(lengths, [5, 3]);
    for (episode, verdict) in scan.episodes.iter().zip([Verdict::Success, Verdict::Failure]) {
        assert_eq!((episode.verdict(), episode.ended, &episode.problems[..]), (verdict, true, &[][..]));
        assert_eq!((episode.record.task.as_str(), episode.record.operator.as_str()), ("stack", "ann"));
        assert!((0..episode.len()).all(|row| episode.class(row) == Class::Demo));
        assert_eq!(episode.interventions(), 0);
    }
    let rows: Vec<_> = Rows::new(&sources[0], &scan.episodes, &scan.cameras).map(Result::unwrap).collect();
    assert_eq!(rows.len(), 8);
    for row in &rows {
        let number = u32::try_from(row.row).unwrap();
        let expected = step(number);
        let commands: Vec<Vec<f64>> = row.tick.groups.iter().map(|group| group.command.clone()).collect();
        let measured: Vec<Vec<f64>> = row.tick.groups.iter().map(|group| group.measured.clone()).collect();
        assert_eq!((commands, measured), (expected.command, expected.measured));
        assert_eq!(row.observation.as_ref().unwrap().objects, expected.objects);
        // The newest picture that there was: that of the last even step.
        let shown = row.frames[0].as_ref().unwrap();
        assert_eq!(shown.jpeg, (number - number % 2).to_le_bytes());
    }
}

#[test]
fn a_step_of_another_robot_is_refused_by_name_and_place() {
    let dir = TempDir::new().unwrap();
    let mut importer = Importer::new(dir.path(), "x", robot(), WallTime::from_nanos(1)).unwrap();
    importer.begin("stack", "").unwrap();
    importer.step(&step(0)).unwrap();
    let mut short = step(1);
    short.command.pop();
    let mut nan = step(1);
    nan.measured[0][1] = f64::NAN;
    for bad in [short, nan] {
        let said = importer.step(&bad).unwrap_err().to_string();
        assert!(said.contains("elsewhere, demonstration 1: step 1"), "{said}");
    }
    let nobody = Imported { groups: Vec::new(), ..robot() };
    assert!(Importer::new(dir.path(), "y", nobody, WallTime::from_nanos(1)).is_err());
}
