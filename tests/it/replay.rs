//! What an operator did, done again.

use retake_devices::{InputReplay, ReplayConfig};
use retake_log::{Recording, first_difference};
use retake_scripted::Script;
use retake_tests::{Deployment, Seen};
use retake_wire::{Message, Topic};

fn deployment() -> Deployment {
    Deployment::new("lift", "expert:wrong-turn").episodes(2)
}

#[test]
fn recorded_inputs_in_a_fresh_deployment_lead_to_the_same_decisions() {
    let dir = tempfile::tempdir().unwrap();
    let end = |mut run: retake_tests::Run| -> Seen {
        run.to_end();
        run.finish()
    };
    let first = end(deployment().script(Script::Supervisor).recorded(dir.path(), "first").start());
    let recording = Recording::open(&dir.path().join("first")).unwrap();
    let inputs: Vec<_> = recording
        .messages_on(&[Topic::Input])
        .filter_map(|logged| {
            let logged = logged.unwrap();
            if let Message::Input(input) = logged.message { Some((logged.at, input)) } else { None }
        })
        .collect();
    assert!(inputs.len() > 200);
    let replay = InputReplay::new(ReplayConfig::new(99), inputs);
    let second = end(deployment().operator(replay).recorded(dir.path(), "second").start());
    assert!(first.kinds("arm").contains(&retake_wire::pb::SegmentKind::Rewind));
    for group in ["arm", "gripper"] {
        assert_eq!(first.kinds(group), second.kinds(group), "{group}");
    }
    let again = Recording::open(&dir.path().join("second")).unwrap();
    assert_eq!(first_difference(&recording, &again).unwrap(), None);
}
