//! A made-up run, logged into a file and read back.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::BufReader,
};

use rerun::{
    external::re_log_encoding::DecoderApp,
    log::{Chunk, LogMsg},
};
use retake_node::{Node, Outbox};
use retake_units::MonoTime;

use crate::{View, Viz, VizError, VizNode, replay};

mod run;

#[derive(Default)]
struct Read {
    rows: BTreeMap<String, usize>,
    timelines: BTreeSet<String>,
    blueprints: usize,
}

fn read(path: &std::path::Path) -> Read {
    let mut read = Read::default();
    for message in DecoderApp::decode_lazy(BufReader::new(File::open(path).unwrap())) {
        match message.unwrap() {
            LogMsg::ArrowMsg(store, arrow) if store.is_recording() => {
                let chunk = Chunk::from_arrow_msg(&arrow).unwrap();
                *read.rows.entry(chunk.entity_path().to_string()).or_default() += chunk.num_rows();
                read.timelines.extend(chunk.timelines().keys().map(ToString::to_string));
            }
            LogMsg::BlueprintActivationCommand(_) => read.blueprints += 1,
            LogMsg::ArrowMsg(..) | LogMsg::SetStoreInfo(_) => {}
        }
    }
    read
}

fn assert_complete(read: &Read, seconds: usize) {
    let rows = |path: &str| read.rows.get(path).copied().unwrap_or(0);
    assert!(read.timelines.is_superset(&["tick".into(), "robot_time".into()].into()), "{:?}", read.timelines);
    assert_eq!(read.blueprints, 1, "the layout is sent once");
    for path in ["/groups/arm/measured", "/groups/arm/command", "/groups/gripper/measured"] {
        assert_eq!(rows(path), seconds * 50 + 1, "{path}: one per tick and its style");
    }
    assert_eq!(rows("/cameras/front"), seconds * 10);
    assert_eq!(rows("/authority/arm"), 6 + 1, "five changes of owner, the first owner, and the colours");
    assert_eq!(rows("/authority/gripper"), 1 + 1, "the gripper stays with the policy");
    assert_eq!(rows("/events/segments"), 6);
    assert!(rows("/world/robot/hand") > seconds * 40);
    assert_eq!(rows("/world/robot/base"), 1, "what never moves is logged once");
    assert!((seconds * 9..=seconds * 10 + 1).contains(&rows("/world/tool_path")));
    assert!(rows("/world/objects/cube/boxes") == 1 && rows("/events/notices") == 1);
}

#[test]
fn a_replayed_run_can_be_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.rrd");
    let mut viz = Viz::open(&View::File(path.clone()), "test").unwrap();
    assert_eq!(viz.address(), None);
    let mut told = Vec::new();
    let shown = replay(run::messages(run::SECONDS), &mut viz, |count, _| told.push(count)).unwrap();
    assert_eq!(shown.refused, 0);
    assert_eq!(told.last(), Some(&shown.messages));
    drop(viz);
    assert_complete(&read(&path), 20);
}

#[test]
fn the_node_logs_the_same_and_never_answers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.rrd");
    let mut node = VizNode::new(Viz::open(&View::File(path.clone()), "test").unwrap()).unwrap();
    let mut out = Outbox::default();
    for (index, (at, message)) in run::messages(run::SECONDS).enumerate() {
        node.receive(at, &message, &mut out);
        // A real run leaves the thread time; here it gets some now and then.
        if index % 500 == 0 {
            std::thread::park_timeout(std::time::Duration::from_millis(200));
        }
    }
    node.finish(MonoTime::ZERO, &mut out);
    assert_eq!(out.drain().count(), 0);
    drop(node);
    assert_complete(&read(&path), 20);
}

#[test]
fn the_web_view_says_where_it_is_and_refuses_a_taken_port() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let refused = Viz::open(&View::Web { port: Some(port) }, "test").unwrap_err();
    assert!(matches!(refused, VizError::Port { port: p, .. } if p == port), "{refused}");

    let viz = Viz::open(&View::Web { port: None }, "test").unwrap();
    let address = viz.address().unwrap();
    assert!(address.starts_with("http://127.0.0.1:"), "{address}");
    assert!(address.contains("?url=rerun%2Bhttp://127.0.0.1:"), "{address}");
}
