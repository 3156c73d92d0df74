//! Task files and start poses.

use std::f64::consts::FRAC_PI_2;

use retake_kinematics::Shape;

use crate::geometry::{smallest, yaw};
use crate::{Success, Task, TaskError};

#[test]
fn every_file_is_a_task_with_its_own_name() {
    assert_eq!(Task::names(), ["lift", "nut-on-peg"]);
    assert_eq!(Task::files().len(), Task::names().len(), "a file that does not parse is left out");
    for text in Task::files() {
        let task = Task::from_toml(text).unwrap();
        assert_eq!(Task::by_name(&task.name).unwrap(), task);
        assert!(task.table_top().abs() < 1e-12);
    }
}

#[test]
fn an_unknown_task_lists_the_known_ones() {
    let error = Task::by_name("dance").unwrap_err();
    assert_eq!(error.to_string(), "no task `dance`; there are: lift, nut-on-peg");
}

#[test]
fn the_nut_fits_over_the_peg_with_room() {
    let task = Task::by_name("nut-on-peg").unwrap();
    let Success::Around { peg, hole, .. } = task.goal else { panic!("{:?}", task.goal) };
    let Shape::Box { size } = task.objects[peg].parts[0].shape else { panic!("a box") };
    assert!((0.004..0.02).contains(&(hole - size.x)));
    for part in &task.objects[task.grasp.object].parts {
        let Shape::Box { size } = part.shape else { panic!("a box") };
        let near = (part.origin.translation.x.abs() - size.x / 2.0)
            .max(part.origin.translation.y.abs() - size.y / 2.0);
        assert!(near >= hole / 2.0 - 1e-9, "no part of the nut reaches into its hole");
    }
}

#[test]
fn the_same_seed_places_the_same_and_within_the_ranges() {
    for name in Task::names() {
        let task = Task::by_name(&name).unwrap();
        for seed in 0..200 {
            let poses = task.place(seed);
            assert_eq!(poses, task.place(seed));
            for (pose, object) in poses.iter().zip(&task.objects) {
                let (at, range) = (pose.translation, &object.placement);
                assert!(
                    (range.x[0]..=range.x[1]).contains(&at.x) && (range.y[0]..=range.y[1]).contains(&at.y)
                );
                assert!((at.z - range.z).abs() < 1e-12);
                assert!((range.yaw[0] - 1e-9..=range.yaw[1] + 1e-9).contains(&yaw(pose)));
            }
        }
        assert_ne!(task.place(0), task.place(1));
    }
}

#[test]
fn broken_files_say_what_is_wrong() {
    let good = Task::files()[1];
    let error = |from: &str, to: &str| {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "`{from}` is not in the file");
        Task::from_toml(&text).unwrap_err()
    };
    let typo = error("time_limit", "time_limt");
    assert!(typo.to_string().contains("time_limt"), "{typo}");
    assert!(matches!(error("mass = 0.08", "mass = -1.0"), TaskError::BadNumber { entry } if entry == "nut"));
    assert!(
        matches!(error("width = 0.020", "width = nan"), TaskError::BadNumber { entry } if entry == "grasp.width")
    );
    assert!(
        matches!(error("x = [0.40, 0.54]", "x = [0.54, 0.40]"), TaskError::BadNumber { entry } if entry == "nut.placement")
    );
    assert!(
        matches!(error("peg = \"peg\"", "peg = \"bolt\""), TaskError::UnknownObject { name, .. } if name == "bolt")
    );
    assert!(matches!(error("name = \"peg\"", "name = \"nut\""), TaskError::Twice { name } if name == "nut"));
    assert!(matches!(error("shape = \"box\"", "shape = \"cone\""), TaskError::Syntax(_)));
    assert!(matches!(error("\"retreat\"", "\"rest\""), TaskError::Syntax(_)));
}

#[test]
fn the_smallest_turn_respects_symmetry() {
    assert!((smallest(FRAC_PI_2 + 0.1, 4) - 0.1).abs() < 1e-12);
    assert!((smallest(3.0, 2) - (3.0 - 2.0 * FRAC_PI_2)).abs() < 1e-12);
    assert!((smallest(-3.5, 1) - (4.0 * FRAC_PI_2 - 3.5)).abs() < 1e-12);
}
