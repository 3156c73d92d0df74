use tempfile::TempDir;

use super::*;

const STEPS: [Step; 8] = [
    Step::Directory,
    Step::Lock,
    Step::Read,
    Step::Create,
    Step::Write,
    Step::Sync,
    Step::Rename,
    Step::SyncDirectory,
];

fn at(seconds: u64) -> WallTime {
    WallTime::from_nanos(seconds * 1_000_000_000)
}

fn first(dir: &Path, now: WallTime) -> u64 {
    reserve(dir, now).unwrap().first().0
}

#[test]
fn each_start_begins_above_all_that_the_last_one_could_use() {
    let dir = TempDir::new().unwrap();
    let mut last = 0;
    for _ in 0..5 {
        let first = first(dir.path(), at(1_800_000_000));
        assert!(last == 0 || first >= last + BLOCK, "{first} after {last}");
        last = first;
    }
    assert!(first(dir.path(), at(1_900_000_000)) >= 1_900_000_000_000_000_000, "and with the time of day");
}

#[test]
fn a_clock_set_back_by_years_lowers_nothing() {
    let dir = TempDir::new().unwrap();
    let before = first(dir.path(), at(1_800_000_000));
    assert!(first(dir.path(), at(0)) >= before + BLOCK);
    assert!(first(dir.path(), at(1_000_000_000)) >= before + 2 * BLOCK);
}

#[test]
fn a_lost_file_lowers_nothing_either() {
    let dir = TempDir::new().unwrap();
    let before = first(dir.path(), at(1_800_000_000));
    fs::remove_file(dir.path().join(BOUND)).unwrap();
    assert!(first(dir.path(), at(1_800_000_010)) > before + BLOCK);
}

#[test]
fn dying_between_any_two_steps_costs_epochs_and_repeats_none() {
    let steps = || STEPS.iter().copied();
    for dies_at in steps() {
        let dir = TempDir::new().unwrap();
        let before = first(dir.path(), at(1_800_000_000));
        let mut done = Vec::new();
        let died = reserve_by(dir.path(), at(5), &mut |step| {
            if step == dies_at {
                return Err(io::Error::other("killed"));
            }
            done.push(step);
            Ok(())
        });
        assert!(died.unwrap_err().to_string().contains("killed"));
        assert_eq!(done, steps().take_while(|step| *step != dies_at).collect::<Vec<_>>());
        // A write that was cut off leaves any part of it.
        for length in 0..30 {
            fs::write(dir.path().join(NEXT), &text(77 << 40)[..length]).unwrap();
            assert!(first(dir.path(), at(5)) >= before + BLOCK, "died at {dies_at:?}");
        }
    }
}

#[test]
fn the_bound_is_on_disk_before_anything_below_it_may_be_used() {
    let dir = TempDir::new().unwrap();
    let mut seen = Vec::new();
    let path = dir.path().join(BOUND);
    let reserved = reserve_by(dir.path(), at(9), &mut |step| {
        seen.push((step, path.exists()));
        Ok(())
    })
    .unwrap();
    assert_eq!(seen.last(), Some(&(Step::SyncDirectory, true)));
    assert!(seen.iter().all(|(step, there)| *there == (*step == Step::SyncDirectory)), "{seen:?}");
    assert_eq!(seen.iter().map(|(step, _)| *step).collect::<Vec<_>>(), STEPS);
    assert_eq!(stored(&path).unwrap(), Some(reserved.first().0 + BLOCK));
}

#[test]
fn two_arbiters_of_one_robot_do_not_start() {
    let dir = TempDir::new().unwrap();
    let holding = reserve(dir.path(), at(1)).unwrap();
    let refused = reserve(dir.path(), at(1)).unwrap_err();
    assert!(matches!(refused, EpochError::InUse { .. }), "{refused}");
    assert!(refused.to_string().contains("stop it first"));
    drop(holding);
    reserve(dir.path(), at(1)).unwrap();
    let starts: Vec<_> = (0..8)
        .map(|_| {
            let path = dir.path().to_owned();
            std::thread::spawn(move || {
                reserve(&path, at(1)).ok().map(|reserved| (reserved.first().0, reserved))
            })
        })
        .collect();
    let held: Vec<_> = starts.into_iter().filter_map(|start| start.join().unwrap()).collect();
    assert_eq!(held.len(), 1, "all of them hold what they got");
}

#[test]
fn what_is_damaged_is_refused_and_says_what_to_do() {
    let dir = TempDir::new().unwrap();
    let before = first(dir.path(), at(1_800_000_000));
    let good = fs::read(dir.path().join(BOUND)).unwrap();
    let mut texts = vec![vec![], b"1\n2\n".to_vec(), vec![0xff; 40], b"99999999999999999999999\n".repeat(2)];
    texts.extend((0..good.len()).map(|length| good[..length].to_vec()));
    texts.extend((0..good.len() * 8).map(|bit| {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    }));
    for text in texts {
        fs::write(dir.path().join(BOUND), &text).unwrap();
        let refused = reserve(dir.path(), at(1)).unwrap_err();
        assert!(matches!(refused, EpochError::Damaged { .. }), "{text:?}: {refused}");
        assert!(refused.to_string().contains("remove the file"));
        assert_eq!(fs::read(dir.path().join(BOUND)).unwrap(), text, "it is left for people to look at");
    }
    fs::write(dir.path().join(BOUND), text(u64::MAX - 1)).unwrap();
    assert!(matches!(reserve(dir.path(), at(1)).unwrap_err(), EpochError::Exhausted { .. }));
    fs::write(dir.path().join(BOUND), &good).unwrap();
    assert!(first(dir.path(), at(1)) >= before + BLOCK);
}

#[test]
fn a_full_disk_and_a_place_that_cannot_be_written_are_refused() {
    let dir = TempDir::new().unwrap();
    std::os::unix::fs::symlink("/dev/full", dir.path().join(NEXT)).unwrap();
    let refused = reserve(dir.path(), at(1)).unwrap_err().to_string();
    assert!(refused.contains("cannot write") && refused.contains("No space left"), "{refused}");
    assert!(!dir.path().join(BOUND).exists());
    fs::write(dir.path().join("file"), "").unwrap();
    for place in [dir.path().join("file/robot"), PathBuf::from("/proc/retake-test/robot")] {
        let refused = reserve(&place, at(1)).unwrap_err().to_string();
        assert!(refused.contains("cannot create") && refused.contains("state_dir"), "{refused}");
    }
}

#[test]
fn the_directory_is_where_the_system_keeps_state() {
    let dir = |state: Option<&str>, home: Option<&str>| {
        dir_from(state.map(OsString::from), home.map(OsString::from), "arm").ok()
    };
    assert_eq!(dir(Some("/s"), Some("/h")), Some("/s/retake/arm".into()));
    assert_eq!(dir(Some("s"), Some("/h")), Some("/h/.local/state/retake/arm".into()));
    assert_eq!(dir(None, Some("/h")), Some("/h/.local/state/retake/arm".into()));
    assert_eq!(dir(None, None), None);
}
