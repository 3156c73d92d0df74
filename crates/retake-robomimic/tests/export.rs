//! A recording is exported and read back: every number, every code, every name.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]
#![expect(clippy::wildcard_enum_match_arm, reason = "all other messages are as they are")]

#[path = "made/recording.rs"]
mod made;

use std::{num::NonZeroUsize, path::PathBuf};

use made::{Script, fast_dir, grey, record, value};
use retake_dataset::{Key, Split, Word, annotate, scan};
use retake_labels::Class;
use retake_robomimic::{
    Actions, Array, Attribute, Choose, Demo, Exported, Numbers, Options, Pictures, Reader, action_mode,
    export, intv_label, read,
};
use retake_units::WallTime;
use retake_wire::pb::{SegmentKind, Verdict};

fn usual() -> Script {
    use SegmentKind::{Correction, Demo, Hold, Policy, Recovery, Rewind};
    vec![
        (
            vec![(Policy, 60), (Rewind, 5), (Recovery, 10), (Correction, 20), (Hold, 3), (Policy, 25)],
            Verdict::Success,
        ),
        (vec![(Hold, 2), (Demo, 30)], Verdict::Failure),
        (vec![(Policy, 40)], Verdict::Discarded),
        (vec![(Policy, 12)], Verdict::Unspecified),
    ]
}

struct Made {
    dir: tempfile::TempDir,
    out: PathBuf,
    source: retake_dataset::Source,
}

fn made() -> Made {
    let dir = fast_dir();
    let source = record(dir.path(), "rec", &usual(), Some);
    let out = dir.path().join("out.hdf5");
    std::fs::write(dir.path().join("out.hdf5.partial"), b"what a crash left").unwrap();
    Made { dir, out, source }
}

fn exported(made: &Made, options: &Options<'_>) -> (Exported, Reader) {
    let done = export(std::slice::from_ref(&made.source), options, |_| {}).unwrap();
    assert!(!made.dir.path().join("out.hdf5.partial").exists());
    (done, read(&made.out).unwrap())
}

fn integers(array: &Array) -> Vec<i64> {
    assert_eq!(array.shape.len(), 1);
    match &array.numbers {
        Numbers::I64(values) => values.clone(),
        other => unreachable!("{other:?}"),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "as it is written")]
fn narrow(value: f64) -> f64 {
    f64::from(value as f32)
}

/// Ticks of the demo, as recorded; what it holds at each.
fn check_numbers(demo: &Demo, ticks: &[u64], scaled: bool) {
    assert_eq!(
        integers(&demo.columns["tick"]),
        ticks.iter().map(|t| i64::try_from(*t).unwrap()).collect::<Vec<_>>()
    );
    let column = |name: &str, width: usize| {
        let array = if name == "actions" { &demo.actions } else { &demo.columns[name] };
        assert_eq!(array.shape, [ticks.len(), width], "{name}");
        array.numbers.to_f64()
    };
    let unit = |value: f64| if scaled { 2.0 * (value + 2.0) / 5.0 - 1.0 } else { value };
    let expect = |first: u64, width: u64, shift: usize, map: &dyn Fn(f64) -> f64| -> Vec<f64> {
        let later = (0..ticks.len()).map(|step| ticks[(step + shift).min(ticks.len() - 1)]);
        later
            .flat_map(|tick| (first..first + width).map(move |index| (tick, index)))
            .map(|(tick, index)| map(value(tick, index)))
            .collect()
    };
    assert_eq!(column("actions", 3), expect(0, 3, 0, &|v| narrow(unit(v))));
    assert_eq!(column("commands", 3), expect(0, 3, 0, &|v| v));
    for (group, shift) in [("obs", 0), ("next_obs", 1)] {
        for (name, first, width) in [
            ("arm_pos", 10, 2),
            ("gripper_pos", 12, 1),
            ("arm_vel", 20, 2),
            ("gripper_vel", 22, 1),
            ("tool_pos", 30, 3),
        ] {
            let wide = usize::try_from(width).unwrap();
            assert_eq!(
                column(&format!("{group}/{name}"), wide),
                expect(first, width, shift, &narrow),
                "{group}/{name}"
            );
        }
        let quat: Vec<f64> = ticks.iter().flat_map(|_| [0.0, 0.0, 0.6, 0.8]).map(narrow).collect();
        assert_eq!(column(&format!("{group}/tool_quat"), 4), quat);
        let object = column(&format!("{group}/object"), 7);
        let positions: Vec<f64> = object.chunks(7).flat_map(|pose| pose[..3].to_vec()).collect();
        assert_eq!(positions, expect(40, 3, shift, &narrow));
    }
    let captured = integers(&demo.columns["capture_ns"]);
    let expected = ticks.iter().map(|tick| made::observation(*tick).captured_nanos);
    assert_eq!(captured, expected.collect::<Vec<_>>());
}

#[test]
fn every_number_is_as_it_was_recorded() {
    let made = made();
    let (done, reader) = exported(&made, &Options::new(&made.out));
    assert_eq!((done.episodes, done.segments, done.steps), (3, 0, 123 + 32 + 12));
    assert_eq!(done.skipped.len(), 1, "one is discarded: {:?}", done.skipped);
    assert_eq!(done.bytes, std::fs::metadata(&made.out).unwrap().len());
    assert_eq!(reader.names(), ["demo_0", "demo_1", "demo_2"]);
    assert_eq!(reader.total(), Some(167));
    let demos: Vec<Demo> = reader.demos().map(Result::unwrap).collect();
    check_numbers(&demos[0], &(1..=123).collect::<Vec<_>>(), true);
    check_numbers(&demos[1], &(134..=165).collect::<Vec<_>>(), true);
    let said = |demo: usize, key: &str| demos[demo].attributes[key].clone();
    assert_eq!(said(0, "key"), Attribute::Text("rec/1".into()));
    assert_eq!(said(1, "verdict"), Attribute::Text("failure".into()));
    assert_eq!(said(0, "operator"), Attribute::Text("ada".into()));
    assert_eq!(said(0, "policy_version"), Attribute::Text("v7".into()));
    assert_eq!(said(0, "task"), Attribute::Text("stack".into()));
    assert_eq!(said(0, "num_samples"), Attribute::Integer(123));
    assert_eq!(said(0, "round"), Attribute::Integer(-1));
    let proposals = demos[0].columns["policy_actions"].numbers.to_f64();
    assert!(proposals[..180].iter().all(|value| value.is_finite()));
    assert!(proposals[180..98 * 3].iter().all(|value| value.is_nan()), "nobody asked the policy");
    for (demo, last) in demos.iter().zip([1.0, 0.0, 0.0]) {
        let rewards = demo.columns["rewards"].numbers.to_f64();
        assert_eq!((rewards.iter().sum::<f64>(), *rewards.last().unwrap()), (last, last));
        let dones = integers(&demo.columns["dones"]);
        assert_eq!((dones.iter().sum::<i64>(), dones.last()), (1, Some(&1)));
        assert!(!demo.columns.contains_key("weights") && demo.others.is_empty() && demo.pictures.is_empty());
    }
    assert_eq!(reader.env_args()["env_name"], "stack");
    assert_eq!(reader.env_args()["type"], 1);
    assert_eq!(reader.env_args()["env_kwargs"]["control_freq"], 50.0);
}

#[test]
fn codes_are_those_of_the_labels() {
    let made = made();
    let (done, reader) = exported(&made, &Options::new(&made.out));
    let demo = reader.demo("demo_0").unwrap();
    let scanned = scan(&made.source, &retake_labels::Rule::default(), |_| {}).unwrap();
    let classes: Vec<Class> = (0..123).map(|row| scanned.episodes[0].class(row)).collect();
    let codes = |code: fn(Class) -> i64| classes.iter().map(|class| code(*class)).collect::<Vec<_>>();
    assert_eq!(integers(&demo.columns["action_modes"]), codes(action_mode));
    assert_eq!(integers(&demo.columns["intv_labels"]), codes(intv_label));
    assert_eq!(integers(&demo.columns["label"]), codes(|class| i64::from(class.number())));
    for group in ["label_arm", "label_gripper"] {
        assert_eq!(
            integers(&demo.columns[group]),
            codes(|class| i64::from(class.number())),
            "one script for both"
        );
    }
    // By hand: 750 ms at 50 Hz are 37 steps before the first of the human's.
    let modes = integers(&demo.columns["action_modes"]);
    assert_eq!(modes, [vec![0; 60], vec![1; 35], vec![0; 28]].concat());
    let labels = integers(&demo.columns["intv_labels"]);
    let by_hand = [vec![0; 23], vec![-10; 37 + 5], vec![1; 30], vec![-10; 3], vec![0; 25]].concat();
    assert_eq!(labels, by_hand);
    assert!(
        integers(&reader.demo("demo_1").unwrap().columns["action_modes"])[2..].iter().all(|mode| *mode == -1)
    );
    assert_eq!(done.classes[&Class::PreIntervention], 37);
}

#[test]
fn filter_keys_name_what_they_say() {
    let made = made();
    let [first, second] = [1, 2].map(|episode| Key { recording: "rec".into(), run: 0, episode });
    let split = Split { seed: 1, train: vec![first.clone()], valid: vec![second] };
    let options = Options { split: Some(&split), segments: true, ..Options::new(&made.out) };
    let (done, reader) = exported(&made, &options);
    // Whole, five runs and one more of the policy before; whole, demo; whole, policy.
    let names = |filter: &str| reader.masks().get(filter).cloned().unwrap_or_default();
    assert_eq!(names("episodes"), ["demo_0", "demo_7", "demo_9"]);
    assert_eq!((names("train"), names("valid")), (vec!["demo_0".to_owned()], vec!["demo_7".to_owned()]));
    assert_eq!((names("success"), names("failure")), (vec!["demo_0".to_owned()], vec!["demo_7".to_owned()]));
    assert_eq!(names("policy"), ["demo_0", "demo_9"]);
    assert_eq!(names("segment_policy"), ["demo_1", "demo_6"], "the last attempt is on no side");
    assert_eq!(names("segment_pre-intervention"), ["demo_2"]);
    assert_eq!(names("segment_correction"), ["demo_5"]);
    assert_eq!(names("segment_demo_valid"), ["demo_8"]);
    assert!(names("segment_demo").is_empty() && names("idle") == ["demo_0", "demo_7"]);
    assert_eq!((done.episodes, done.segments), (3, 6 + 1 + 1));
    let rewind = reader.demo("demo_3").unwrap();
    check_numbers_of_segment(&rewind);
    let list: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(done.weights.unwrap()).unwrap()).unwrap();
    let entries: Vec<(&str, f64)> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["filter_key"].as_str().unwrap(), entry["weight"].as_f64().unwrap()))
        .collect();
    // The human's 30 steps share a half; the policy has the rest, for nobody demonstrated in training.
    let third = 1.0 / 6.0;
    assert_eq!(entries.len(), 3);
    for ((filter, weight), (expected, share)) in entries.iter().zip([
        ("segment_policy", 0.5),
        ("segment_recovery", third),
        ("segment_correction", 2.0 * third),
    ]) {
        assert!(*filter == expected && (weight - share).abs() < 1e-12, "{entries:?}");
    }
}

/// Five steps of rewinding, ticks 61 to 65; what comes next is still the attempt's.
fn check_numbers_of_segment(demo: &Demo) {
    assert_eq!(integers(&demo.columns["tick"]), [61, 62, 63, 64, 65]);
    assert_eq!(demo.attributes["class"], Attribute::Text("rewind".into()));
    assert_eq!(demo.attributes["segment_of"], Attribute::Text("demo_0".into()));
    assert_eq!(demo.attributes["segment_start"], Attribute::Integer(60));
    let next = demo.columns["next_obs/arm_pos"].numbers.to_f64();
    assert_eq!(next[8..], [narrow(value(66, 10)), narrow(value(66, 11))]);
    assert_eq!(demo.columns["rewards"].numbers.to_f64(), [0.0; 5]);
    assert_eq!(integers(&demo.columns["dones"]), [0, 0, 0, 0, 1]);
}

#[test]
fn every_third_step_plain_with_pictures_and_weights() {
    let made = made();
    annotate(
        &made.source,
        &[],
        ("ada", WallTime::from_nanos(0)),
        &Word { round: Some(4), ..Word::default() },
    )
    .unwrap();
    let weigh = |key: &Key, row: usize| {
        f32::from(u16::try_from(row).unwrap()) + if key.episode == 1 { 0.5 } else { 0.0 }
    };
    let options = Options {
        every: NonZeroUsize::new(3).unwrap(),
        pictures: Pictures::WithNext,
        actions: Actions::Plain,
        weights: Some(&weigh),
        ..Options::new(&made.out)
    };
    let (_, reader) = exported(&made, &options);
    let demo = reader.demo("demo_0").unwrap();
    let ticks: Vec<u64> = (1..=123).step_by(3).collect();
    check_numbers(&demo, &ticks, false);
    let weights: Vec<f64> = (0..123).step_by(3).map(|row| f64::from(row) + 0.5).collect();
    assert_eq!(demo.columns["weights"].numbers.to_f64(), weights);
    assert_eq!(integers(&demo.columns["round"]), vec![4; ticks.len()]);
    assert_eq!(demo.pictures["obs/front_image"], [41, 8, 16, 3]);
    for (step, tick) in ticks.iter().enumerate() {
        // Every other tick has a picture of its own; the others the one before.
        let near = |tick: u64| grey(tick - u64::from(tick.is_multiple_of(2)));
        let later = ticks.get(step + 1).unwrap_or(tick);
        for (name, tick) in [("obs/front_image", tick), ("next_obs/front_image", later)] {
            let pixels = reader.picture("demo_0", name, step).unwrap();
            assert!(
                pixels.len() == 8 * 16 * 3 && pixels.iter().all(|pixel| pixel.abs_diff(near(*tick)) <= 1)
            );
        }
    }
    assert!(reader.picture("demo_0", "obs/front_image", 41).is_err());
    assert_eq!(reader.env_args()["env_kwargs"]["actions"], "plain");
}

#[test]
fn attempts_can_be_asked_for_by_name_or_by_what_they_are() {
    let made = made();
    let key = |episode| Key { recording: "rec".into(), run: 0, episode };
    let options = Options { choose: Choose::Keys(&[key(3)]), ..Options::new(&made.out) };
    let (done, reader) = exported(&made, &options);
    assert_eq!((done.episodes, reader.demo("demo_0").unwrap().samples), (1, 40), "discarded, but asked for");
    let again = export(std::slice::from_ref(&made.source), &options, |_| {}).unwrap_err();
    assert!(again.to_string().contains("already there"), "{again}");
    let out = made.dir.path().join("other.hdf5");
    let absent = Options { choose: Choose::Keys(&[key(9)]), ..Options::new(&out) };
    let error = export(std::slice::from_ref(&made.source), &absent, |_| {}).unwrap_err();
    assert!(error.to_string().contains("rec/9") && !out.exists(), "{error}");
    let none = |_: &retake_dataset::Episode, _: &retake_dataset::Standing| false;
    let nothing = Options { choose: Choose::Where(&none), ..Options::new(&out) };
    let error = export(std::slice::from_ref(&made.source), &nothing, |_| {}).unwrap_err();
    assert!(error.to_string().contains("nothing to export"), "{error}");
    assert_eq!(std::fs::read_dir(made.dir.path()).unwrap().count(), 2, "nothing is left behind");
}

#[test]
fn what_is_missing_or_wrong_is_said() {
    use retake_wire::Message;
    let script = usual();
    type Change = fn(Message) -> Option<Message>;
    let cases: [(&str, Change, &str); 4] = [
        (
            "no-observation",
            |message| match message {
                Message::Observation(seen) if seen.header.unwrap().seq == 1005 => None,
                other => Some(other),
            },
            "what tick 5 was decided from",
        ),
        (
            "no-tool",
            |message| match message {
                Message::Observation(mut seen) if seen.header.unwrap().seq == 1007 => {
                    seen.tool = None;
                    Some(seen.into())
                }
                other => Some(other),
            },
            "tick 7 has no usable pose of the tool",
        ),
        (
            "beyond",
            |message| match message {
                Message::Tick(mut tick) if tick.tick == 9 => {
                    tick.groups[0].command[0] = 3.5;
                    Some(tick.into())
                }
                other => Some(other),
            },
            "tick 9 is beyond its limits",
        ),
        (
            "gap",
            |message| match message {
                Message::Tick(tick) if tick.tick == 11 => None,
                other => Some(other),
            },
            "1 ticks are missing",
        ),
    ];
    for (name, change, why) in cases {
        let dir = fast_dir();
        let source = record(dir.path(), name, &script, change);
        let out = dir.path().join("out.hdf5");
        let done = export(&[source], &Options::new(&out), |_| {}).unwrap();
        assert_eq!(done.episodes, 2, "{name}");
        assert!(
            done.skipped[0].why.contains(why) || done.skipped[1].why.contains(why),
            "{name}: {:?}",
            done.skipped
        );
    }
}

#[test]
fn robots_that_differ_do_not_go_together() {
    let (one, two) = (made(), fast_dir());
    let other =
        record(two.path(), "other", &vec![(vec![(SegmentKind::Policy, 5)], Verdict::Success)], |message| {
            Some(match message {
                retake_wire::Message::Descriptor(mut robot) => {
                    robot.groups[0].name = "leg".into();
                    robot.into()
                }
                other => other,
            })
        });
    let error = export(&[one.source.clone(), other], &Options::new(&one.out), |_| {}).unwrap_err();
    assert!(
        error.to_string().starts_with("other/1 cannot be exported: its robot is not that of rec/1"),
        "{error}"
    );
    assert!(!one.out.exists());
}
