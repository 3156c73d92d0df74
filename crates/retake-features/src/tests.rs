use proptest::prelude::*;
use retake_kinematics::{Model, pose_error};
use retake_sim::{CONTROL_HZ, descriptor};
use retake_tasks::Task;
use retake_wire::pb::{CommandSpace, GroupValues, Observation, Pose, RobotDescriptor};

use crate::{Actions, FeatureError, Features};

fn robot() -> RobotDescriptor {
    descriptor("arm", &Task::by_name("nut-on-peg").unwrap(), CONTROL_HZ).unwrap()
}

fn made() -> (Actions, Features) {
    Actions::new(&robot()).unwrap()
}

fn command(joints: &[f64], width: f64) -> Vec<GroupValues> {
    vec![GroupValues { values: joints.to_vec() }, GroupValues { values: vec![width] }]
}

fn observation() -> Observation {
    let pose = |x: f64| Pose { x, y: 0.1, z: 0.2, qw: 1.0, ..Pose::default() };
    Observation {
        position: command(&[0.0; 7], 0.07),
        tool: Some(pose(0.5)),
        objects: vec![pose(0.6), pose(0.4)],
        grip_force: 3.0,
        ..Observation::default()
    }
}

#[test]
fn a_row_holds_what_its_keys_say() {
    let (_, features) = made();
    let row = features.row(&observation(), &command(&[0.0; 7], 0.06)).unwrap();
    assert_eq!(row.len(), features.width());
    let at = |name: &str| {
        let keys = features.keys();
        let index = keys.iter().position(|key| key.name == name).unwrap();
        let start: usize = keys[..index].iter().map(|key| key.width).sum();
        row[start..start + keys[index].width].to_vec()
    };
    assert_eq!(at("tool_pos"), [0.5, 0.1, 0.2]);
    assert_eq!(at("tool_rot6d"), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    let near = at("nut_pos_in_tool");
    assert!((near[0] - 0.1).abs() < 1e-6 && near[1].abs() < 1e-6 && near[2].abs() < 1e-6, "{near:?}");
    assert_eq!(at("peg_pos"), [0.4, 0.1, 0.2]);
    assert_eq!(
        (at("gripper_pos"), at("gripper_applied"), at("grip_force")),
        (vec![0.07], vec![0.06], vec![3.0])
    );
}

#[test]
fn what_is_missing_or_no_number_is_no_row() {
    let (_, features) = made();
    let applied = command(&[0.0; 7], 0.06);
    let spoilt: [fn(&mut Observation); 6] = [
        |seen| seen.tool = None,
        |seen| seen.objects.truncate(1),
        |seen| seen.objects[1].y = f64::NAN,
        |seen| seen.tool = Some(Pose::default()),
        |seen| seen.position.truncate(1),
        |seen| seen.grip_force = f64::INFINITY,
    ];
    for spoil in spoilt {
        let mut seen = observation();
        spoil(&mut seen);
        assert_eq!(features.row(&seen, &applied), None, "{seen:?}");
    }
    assert_eq!(features.row(&observation(), &applied[..1]), None);
}

#[test]
fn robots_that_cannot_be_driven_are_refused() {
    let spoilt = |spoil: fn(&mut RobotDescriptor)| {
        let mut robot = robot();
        spoil(&mut robot);
        Actions::new(&robot).map(|_| ()).unwrap_err().to_string()
    };
    assert!(spoilt(|robot| robot.urdf = "<robot".into()).contains("kinematic model"));
    assert!(spoilt(|robot| robot.tool_link = "hat".into()).contains("kinematic model"));
    assert!(spoilt(|robot| robot.groups[0].joints.reverse()).contains("moves \"tool\""));
    assert!(spoilt(|robot| robot.groups[0].set_space(CommandSpace::Scalar)).contains("moves \"tool\""));
    assert!(spoilt(|robot| robot.groups[1].upper.clear()).contains("gripper"));
    assert!(matches!(
        Actions::new(&RobotDescriptor { control_hz: 0.0, ..robot() }).map(|_| ()),
        Err(FeatureError::Rate(_))
    ));
}

#[test]
fn numbers_that_are_none_drive_nowhere() {
    let (actions, _) = made();
    let start = command(&Task::by_name("lift").unwrap().home.joints, 0.04);
    assert_eq!(actions.follow(&start, &[0.0; 6], 4), None);
    let mut nan = [0.0; 7];
    nan[3] = f32::NAN;
    assert_eq!(actions.follow(&start, &nan, 4), None);
    assert_eq!(actions.follow(&start[..1], &[0.0; 7], 4), None);
    // However fast a policy wants to go, targets stay within the range.
    let plan = actions.follow(&start, &[1e30, 0.0, 0.0, 0.0, 0.0, 0.0, -1e30], 16).unwrap();
    let robot = robot();
    for step in plan {
        for (group, limits) in step.groups.iter().zip(&robot.groups) {
            for ((value, lower), upper) in group.values.iter().zip(&limits.lower).zip(&limits.upper) {
                assert!(value >= lower && value <= upper, "{value}");
            }
        }
    }
}

proptest! {
    /// What is learnt from a way is the way that is gone.
    #[test]
    fn a_way_comes_back(twist in prop::array::uniform6(-0.2_f32..0.2), rate in -0.1_f32..0.1) {
        let (actions, _) = made();
        let start = command(&Task::by_name("lift").unwrap().home.joints, 0.04);
        let mut action = twist.to_vec();
        action.push(rate);
        let plan = actions.follow(&start, &action, 5).unwrap();
        let back = actions.between(&start, &plan[4].groups, 5.0 * actions.period()).unwrap();
        for (said, done) in action.iter().zip(&back) {
            prop_assert!((said - done).abs() < 0.01, "{action:?} {back:?}");
        }
        // And it is the tool's way, in the base frame.
        let chain = Model::from_urdf(&robot().urdf).unwrap().chain("tool").unwrap();
        let from = chain.forward(&start[0].values);
        let way = pose_error(&from, &chain.forward(&plan[4].groups[0].values)).vector();
        for (index, said) in twist.iter().enumerate() {
            prop_assert!((way[index] - 0.1 * f64::from(*said)).abs() < 1e-3);
        }
    }
}
