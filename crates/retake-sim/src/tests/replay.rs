//! Same commands, same bits: across runs, across processes, across snapshots.

use proptest::prelude::*;
use retake_tasks::Task;

use super::Run;
use crate::{SimError, Snapshot, World};

/// Set in the child processes of the cross-process test.
const CHILD: &str = "RETAKE_SIM_DIGEST_CHILD";

fn digests(task: &str, seed: u64, chunks: usize) -> Vec<u64> {
    let mut run = Run::new(task, seed);
    (0..chunks)
        .map(|_| {
            run.chunk();
            run.world.digest()
        })
        .collect()
}

#[test]
fn the_same_seed_and_commands_give_the_same_bits() {
    let first = digests("nut-on-peg", 3, 40);
    assert_eq!(first, digests("nut-on-peg", 3, 40));
    assert_ne!(first, digests("nut-on-peg", 4, 40));
}

#[test]
fn a_reset_world_is_a_new_world() {
    let mut run = Run::new("lift", 1);
    for _ in 0..20 {
        run.chunk();
    }
    run.world.reset(2).unwrap();
    let mut fresh = Run::new("lift", 2);
    for _ in 0..20 {
        run.chunk();
        fresh.chunk();
        assert_eq!(run.world.digest(), fresh.world.digest());
    }
}

/// Prints for its parent when asked to; otherwise it is the parent.
#[test]
fn another_process_gives_the_same_bits() {
    let last = *digests("nut-on-peg", 5, 30).last().unwrap();
    if std::env::var(CHILD).is_ok() {
        println!("digest {last:016x}.");
        return;
    }
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "tests::replay::another_process_gives_the_same_bits"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout).into_owned();
    assert!(said.contains(&format!("digest {last:016x}.")), "here {last:016x}, there: {said}");
}

#[test]
fn a_snapshot_of_something_else_is_refused_and_changes_nothing() {
    let mut run = Run::new("lift", 1);
    run.chunk();
    let before = run.world.digest();
    let good = run.world.snapshot().unwrap();
    let nut = World::new(&Task::by_name("nut-on-peg").unwrap(), 1).unwrap().snapshot().unwrap();
    assert!(
        matches!(run.world.restore(&nut), Err(SimError::SnapshotTask { got, .. }) if got == "nut-on-peg")
    );
    let mut changed = Task::by_name("lift").unwrap();
    changed.objects[0].mass = 0.2;
    let other = World::new(&changed, 1).unwrap().snapshot().unwrap();
    assert!(matches!(run.world.restore(&other), Err(SimError::SnapshotTask { .. })));
    for at in [0, 5, 20, good.as_bytes().len() / 2, good.as_bytes().len() - 1] {
        let mut bytes = good.as_bytes().to_vec();
        bytes[at] ^= 1;
        let bad = Snapshot::from_bytes(&bytes).unwrap();
        assert_eq!(run.world.restore(&bad), Err(SimError::SnapshotDamaged));
    }
    let cut = Snapshot::from_bytes(&good.as_bytes()[..100]).unwrap();
    assert_eq!(run.world.restore(&cut), Err(SimError::SnapshotDamaged));
    assert!(Snapshot::from_bytes(&vec![0; crate::SNAPSHOT_LIMIT + 1]).is_none());
    assert_eq!(run.world.digest(), before);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Three ways on from a random moment: never left; gone back to it after going on; in a world built afresh.
    #[test]
    fn going_on_after_restore_is_as_if_never_left(seed in 0..1000_u64, chunks in 0..40_usize, nut in any::<bool>()) {
        let task = if nut { "nut-on-peg" } else { "lift" };
        let mut run = Run::new(task, seed);
        for _ in 0..chunks {
            run.chunk();
        }
        let snapshot = run.world.snapshot().unwrap();
        let here = run.world.digest();
        let onward = |run: &mut Run| -> Vec<u64> {
            (0..12).map(|_| { run.chunk(); run.world.digest() }).collect()
        };
        let left_alone = onward(&mut run);
        run.world.restore(&snapshot).unwrap();
        prop_assert_eq!(run.world.digest(), here);
        prop_assert_eq!(run.world.snapshot().unwrap(), snapshot.clone());
        let gone_back = onward(&mut run);
        prop_assert_eq!(&left_alone, &gone_back);
        let mut fresh = Run::new(task, seed + 1);
        fresh.world.restore(&Snapshot::from_bytes(snapshot.as_bytes()).unwrap()).unwrap();
        let elsewhere = onward(&mut fresh);
        prop_assert_eq!(&left_alone, &elsewhere);
    }
}
