//! Datasets read as demonstrations.

use std::{fs, path::Path};

use retake_lerobot::{LerobotError, Limits, Options, Pictures, ReadRow, export, read};

use crate::made::{Making, ROWS, recording};

fn exported(dir: &Path, pictures: Pictures) -> std::path::PathBuf {
    let sources = recording(dir, "first", Making::default());
    let out = dir.join("out");
    let limits = Limits { episodes: 2, ..Limits::default() };
    export(&sources, &Options { pictures, limits, ..Options::default() }, &out, |_, _| {}).unwrap();
    out
}

fn all(dir: &Path) -> Result<Vec<ReadRow>, LerobotError> {
    read(dir)?.collect()
}

#[test]
fn what_was_exported_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let out = exported(dir.path(), Pictures::Image);
    let dataset = read(&out).unwrap();
    assert_eq!((dataset.fps, dataset.episodes, dataset.rows), (50, 3, 3 * ROWS));
    assert_eq!(dataset.action_names, ["arm.shoulder", "arm.elbow", "gripper.opening"]);
    assert_eq!(
        (dataset.images.as_slice(), dataset.videos.len()),
        (&["observation.images.scene".to_owned()][..], 0)
    );
    let rows = all(&out).unwrap();
    assert_eq!(rows.len() as u64, 3 * ROWS);
    for (row, index) in rows.iter().zip(0u64..) {
        let (episode, frame) = (index / ROWS, index % ROWS);
        let task = if episode == 1 { "place the cube" } else { "pick the cube" };
        assert_eq!((row.episode, &*row.task), (episode, task));
        let due = |joint: u64| (((index + 1) * (joint + 3)) as f64 * 0.01).sin();
        for (found, joint) in row.action.iter().zip(0..) {
            assert!((found - due(joint)).abs() < 1e-6);
            assert!((row.state[joint as usize] - due(joint) - 0.001).abs() < 1e-6);
        }
        assert!((row.timestamp - frame as f64 / 50.0).abs() < 1e-6);
        assert_eq!(row.images[0][..2], [0xff, 0xd8]);
    }
}

#[test]
fn what_is_no_whole_dataset_is_refused_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let out = exported(dir.path(), Pictures::Video);
    assert_eq!(read(&out).unwrap().videos, ["observation.images.scene"]);
    let refused = |dir: &Path| all(dir).unwrap_err().to_string();
    assert!(refused(dir.path()).contains("it is no LeRobot dataset"));
    let info = fs::read_to_string(out.join("meta/info.json")).unwrap();
    let with = |from: &str, to: &str| {
        assert!(info.contains(from));
        fs::write(out.join("meta/info.json"), info.replace(from, to)).unwrap();
        let why = refused(&out);
        fs::write(out.join("meta/info.json"), &info).unwrap();
        why
    };
    assert!(with("v3.0", "v2.1").contains("it is of version v2.1"));
    assert!(with("\"total_frames\": 180", "\"total_frames\": 0").contains("the dataset is empty"));
    assert!(with("\"total_frames\": 180", "\"total_frames\": 181").contains("the dataset is cut off"));
    assert!(with("\"action\"", "\"motion\"").contains("there is no action in it"));
    let data = out.join("data/chunk-000/file-001.parquet");
    let bytes = fs::read(&data).unwrap();
    fs::write(&data, &bytes[..bytes.len() / 2]).unwrap();
    assert!(refused(&out).contains("file-001.parquet"));
    fs::remove_file(&data).unwrap();
    assert!(refused(&out).contains("the dataset is cut off: it has 2 episodes and 120 rows"));
}
