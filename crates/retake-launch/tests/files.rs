//! Every kind of malformed file, and every wiring mistake.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing there")]

use std::{collections::BTreeMap, time::Duration};

use retake_launch::{
    LaunchError, LaunchFile, NodeKind, NodeOptions, NodeTopics, Problem, Restart, Supervision, Wiring, check,
    restrict,
};
use retake_wire::{
    Topic,
    pb::{Group, RobotDescriptor},
};

const HEAD: &str = "deployment = { robot = \"arm_1\", task = \"lift\" }\n\n";
const ALL: &str = r#"
[node.sim]
kind = "sim"
[node.arbiter]
kind = "intervention"
[node.recorder]
kind = "recorder"
dir = "recordings"
"#;

fn parse(body: &str) -> Result<LaunchFile, LaunchError> {
    LaunchFile::parse("launch/x.toml", &format!("{HEAD}{body}"))
}

#[test]
fn the_demo_is_well_formed_and_well_wired() {
    let file = LaunchFile::read("../../launch/demo.toml").unwrap();
    let names: Vec<_> = file.nodes.iter().map(|node| (node.name.as_str(), node.port)).collect();
    let expected = ["sim", "camera", "policy", "intervention", "operator", "monitor", "recorder"];
    assert_eq!(
        names,
        expected.into_iter().zip(7600..).collect::<Vec<_>>(),
        "ports follow the order of the file"
    );
    assert_eq!(check(&file, &wiring()), []);
    let NodeOptions::Intervention(options) = &file.node("intervention").unwrap().options else { panic!() };
    assert_eq!(
        (options.supervision, options.operator_timeout),
        (Supervision::Required, Some(Duration::from_millis(100)))
    );
    assert_eq!(file.node("intervention").unwrap().restart, Restart::Never);
    assert_eq!(file.node("camera").unwrap().restart, Restart::OnFailure);
    let endpoints = file.endpoints("policy").unwrap();
    assert_eq!(endpoints.listen, ["tcp/127.0.0.1:7602"]);
    assert_eq!(endpoints.connect, ["tcp/127.0.0.1:7600", "tcp/127.0.0.1:7601"]);
    assert_eq!(file.peers_of("sim").len(), 6);
}

#[test]
fn a_node_elsewhere_has_its_own_address_and_needs_tls() {
    let file =
        parse(&format!("{ALL}[node.policy]\nkind = \"policy\"\npolicy = \"expert\"\nhost = \"192.0.2.7\""))
            .unwrap();
    assert_eq!(file.endpoints("policy").unwrap().listen, ["tcp/192.0.2.7:7603"]);
    assert_eq!(file.node("policy").unwrap().elsewhere.as_deref(), Some("192.0.2.7"));
    assert!(check(&file, &wiring()).iter().any(|problem| matches!(problem, Problem::Endpoint(_))));
}

#[test]
fn every_fault_has_a_place_and_says_what_to_do() {
    // Body after the head's two lines; place; words of the message.
    let table: &[(&str, &str, &[&str])] = &[
        ("[node.a]\nkind = ", "4:8", &["string values must be quoted"]),
        ("[nodes.a]\nkind = \"sim\"", "3:2", &["unknown table or key `nodes`", "node.<name>"]),
        ("", "1:1", &["no nodes", "[node.sim]"]),
        ("[node.a]\ntask = \"x\"", "3:1", &["has no kind", "intervention"]),
        ("[node.a]\nkind = \"robot\"", "4:8", &["unknown kind `robot`", "sim, camera"]),
        ("[node.a]\nkind = 3", "4:8", &["unknown kind"]),
        ("[node.\"A b\"]\nkind = \"viz\"\nview = \"web\"", "3:7", &["`A b`", "a-z"]),
        ("[node.a]\nkind = \"intervention\"\nsed = 1", "5:1", &["unknown field `sed`", "`seed`"]),
        ("[node.a]\nkind = \"policy\"", "3:1", &["missing field `policy`"]),
        ("[node.a]\nkind = \"policy\"\npolicy = 1", "5:10", &["invalid type", "string"]),
        (
            "[node.a]\nkind = \"sim\"\nrestart = \"always\"",
            "5:11",
            &["unknown variant `always`", "on-failure"],
        ),
        ("[node.a]\nkind = \"sim\"\nport = 70000", "5:8", &["70000"]),
        ("[node.a]\nkind = \"intervention\"\npolicy_timeout = 100", "5:18", &["duration", "\"250ms\""]),
        (
            "[node.a]\nkind = \"intervention\"\npolicy_timeout = \"100 bananas\"",
            "5:18",
            &["100 bananas", "\"250ms\""],
        ),
        ("[node]\na = 1", "4:5", &["has no kind"]),
        (
            "[bus]\nbase_prot = 1\n[node.a]\nkind = \"viz\"\nview = \"web\"",
            "4:1",
            &["unknown field `base_prot`", "base_port"],
        ),
        (
            "[bus]\nbase_port = 65535\n[node.a]\nkind=\"viz\"\nview=\"w\"\n[node.b]\nkind=\"viz\"\nview=\"w\"",
            "8:7",
            &["no port"],
        ),
        (
            "[limits.arm]\nspeed = [1.0]\n[node.a]\nkind = \"viz\"\nview = \"web\"",
            "4:1",
            &["unknown field `speed`", "velocity"],
        ),
        ("[node.a]\nkind = \"viz\"\nview = \"w\"\n[node.a]\nkind = \"viz\"", "6:7", &["duplicate key"]),
    ];
    for (body, place, words) in table {
        let text = parse(body).expect_err(body).to_string();
        assert!(text.starts_with(&format!("launch/x.toml:{place}: ")), "{body}\n{text}");
        for word in *words {
            assert!(text.contains(word), "{body}\n{text}");
        }
    }
    let text = LaunchFile::parse("x", "[node.a]\nkind = \"sim\"\ntask = \"x\"").unwrap_err().to_string();
    assert!(text.contains("[deployment] is missing"), "{text}");
    let text =
        LaunchFile::parse("x", "[deployment]\nrobot = \"Arm 1\"\ntask = \"lift\"\n").unwrap_err().to_string();
    assert!(text.contains("\"Arm 1\" must be 1 to 32"), "{text}");
    let text = LaunchFile::read("/nowhere.toml").unwrap_err().to_string();
    assert!(text.contains("/nowhere.toml") && text.contains("check the path"), "{text}");
}

fn wiring() -> Wiring {
    use NodeKind::{Camera, Intervention, Monitor, Operator, Policy, Recorder, Sim, Viz};
    use Topic::{
        Applied, Beacon, Command, Descriptor, Episode, Input, Observation, PolicyInfo, Proposal, Reset,
        Segment, Status, Tick, Watermark,
    };
    let entry = |kind, publishes: &[Topic], subscribes: &[Topic]| {
        (kind, NodeTopics { publishes: publishes.to_vec(), subscribes: subscribes.to_vec() })
    };
    let everything = [Observation, Tick, Episode, Topic::Camera, Watermark];
    let topics = BTreeMap::from([
        entry(Sim, &[Descriptor, Observation, Applied], &[Command, Reset]),
        entry(Camera, &[Topic::Camera], &[Descriptor, Observation]),
        entry(Policy, &[Proposal, PolicyInfo], &[Observation, Beacon]),
        entry(Operator, &[Input], &[Observation, Beacon, Status]),
        entry(Monitor, &[Topic::Help], &[Observation, Beacon, Status]),
        entry(
            Intervention,
            &[Command, Reset, Beacon, Status, Tick, Segment, Episode],
            &[Observation, Applied, Proposal, Input],
        ),
        entry(Recorder, &[Watermark], &everything[..4]),
        entry(Viz, &[], &everything),
    ]);
    let group = Group {
        name: "arm".into(),
        lower: vec![-1.0, -1.0],
        upper: vec![1.0, 1.0],
        velocity: vec![2.0, 2.0],
        acceleration: vec![4.0, 4.0],
        jerk: vec![8.0, 8.0],
        ..Group::default()
    };
    Wiring {
        topics,
        descriptor: RobotDescriptor {
            robot: "panda".into(),
            groups: vec![group],
            ..RobotDescriptor::default()
        },
    }
}

fn fatal(body: &str) -> Vec<String> {
    let problems = check(&parse(body).unwrap(), &wiring());
    problems.iter().filter(|problem| problem.is_fatal()).map(ToString::to_string).collect()
}

#[test]
fn every_wiring_mistake_is_found() {
    assert_eq!(fatal(ALL), [""; 0]);
    let with = |more: &str| format!("{ALL}{more}");
    let table: Vec<(String, &[&str])> = vec![
        (
            with("[node.twin]\nkind = \"sim\""),
            &["Observation is published by sim and twin", "remove all but one"],
        ),
        (with("[node.boss]\nkind = \"intervention\""), &["Command is published by arbiter and boss"]),
        (
            with("[node.tape]\nkind = \"recorder\"\ndir = \"x\""),
            &["Watermark is published by recorder and tape"],
        ),
        (ALL.replace("\"sim\"", "\"viz\"\nview = \"web\""), &["nobody publishes Descriptor", "kind sim"]),
        (
            ALL.replace("\"intervention\"", "\"viz\"\nview = \"w\""),
            &["nobody publishes Command", "kind intervention"],
        ),
        (with("port = 7600"), &["sim and recorder both listen on port 7600"]),
        (with("[bus]\nhost = \"0.0.0.0\""), &["tcp/0.0.0.0:760", "no TLS"]),
        (with("[bus.tls]\nca = \"/no\"\ncert = \"/no\"\nkey = \"/no\""), &["/no cannot be read"]),
        (with("[limits.leg]\nvelocity = [1.0]"), &["limits.leg", "it has arm"]),
        (with("[limits.arm]\nvelocity = [1.0]"), &["limits.arm.velocity: has 1 values, the group has 2"]),
        (
            with("[limits.arm]\nvelocity = [1.0, 2.1]"),
            &["limits.arm.velocity: value 1 is 2.1", "only tighten"],
        ),
        (with("[limits.arm]\nacceleration = [0.0, 1.0]"), &["limits.arm.acceleration: value 0"]),
        (with("[limits.arm]\njerk = [nan, 1.0]"), &["limits.arm.jerk: value 0 is NaN"]),
        (with("[limits.arm]\nlower = [-1.5, 0.0]"), &["limits.arm.lower: value 0 is -1.5"]),
        (with("[limits.arm]\nupper = [0.5, 1.5]"), &["limits.arm.upper: value 1 is 1.5"]),
        (with("[limits.arm]\nlower = [0.5, 0.0]\nupper = [0.5, 0.5]"), &["value 0 leaves no room"]),
    ];
    for (body, words) in table {
        let found = fatal(&body).join("\n");
        for word in words {
            assert!(found.contains(word), "{body}\nfound: {found}");
        }
    }
}

#[test]
fn a_reader_without_a_source_is_a_warning() {
    let problems = check(&parse(ALL).unwrap(), &wiring());
    assert!(!problems.iter().any(Problem::is_fatal));
    let text = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(text.contains("arbiter would never hear Proposal; add a node of kind policy"), "{text}");
}

#[test]
fn a_kind_the_program_lacks_is_found() {
    let mut lacking = wiring();
    lacking.topics.remove(&NodeKind::Recorder);
    let problems = check(&parse(ALL).unwrap(), &lacking);
    assert!(problems.iter().any(|problem| problem.to_string().contains("built without")));
}

#[test]
fn limits_restrict_the_robot() {
    let file = parse(&format!("{ALL}[limits.arm]\nvelocity = [0.5, 1.0]\nupper = [0.5, 0.5]")).unwrap();
    let mut robot = wiring().descriptor;
    restrict(&mut robot, &file.limits);
    assert_eq!(
        (&robot.groups[0].velocity[..], &robot.groups[0].upper[..]),
        (&[0.5, 1.0][..], &[0.5, 0.5][..])
    );
    assert_eq!(robot.groups[0].lower, [-1.0, -1.0]);
}
