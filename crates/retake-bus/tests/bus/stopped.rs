//! A recorder in a process of its own, stopped by SIGSTOP and continued.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use retake_bus::{AttachedNode, Bus, Clock, Endpoints, StopFlag, free_endpoint, run_node};
use retake_wire::Topic;

use crate::{
    boxed,
    support::{self, Listener, Pacer, robot, wait_until},
};

const LISTEN: &str = "RETAKE_TEST_RECORDER_LISTENS";

/// Not a test by itself: the parent runs this binary again with the variable set, and this is then the recorder.
#[test]
fn recorder_process() {
    let Ok(listen) = std::env::var(LISTEN) else { return };
    let (listener, heard) = Listener::new("recorder", &[Topic::Tick]);
    let bus =
        Bus::open("recorder", &robot(), &Endpoints { listen: vec![listen], ..Endpoints::default() }).unwrap();
    let stop = StopFlag::default();
    let runs = stop.clone();
    let thread = std::thread::spawn(move || run_node(boxed(listener), bus, Clock::System, &runs).unwrap());
    let mut ticks = Vec::new();
    wait_until("the last words", || {
        ticks.extend(heard.try_iter().filter_map(|message| support::tick(&message)));
        ticks.last() == Some(&400)
    });
    stop.set();
    assert_eq!(thread.join().unwrap().missed, 0);
    assert_eq!(ticks, (0..=400).collect::<Vec<_>>(), "the record is whole");
}

fn signal(child: &Child, name: &str) {
    let done = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(done.success(), "{name}");
}

#[test]
fn a_recorder_process_under_sigstop_delays_no_command_and_loses_no_record() {
    let listen = free_endpoint().unwrap();
    let mut recorder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "stopped::recorder_process", "--nocapture"])
        .env(LISTEN, &listen)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let (driver, driven) = Listener::new("driver", &[Topic::Command]);
    let direct = free_endpoint().unwrap();
    let bus =
        Bus::open("driver", &robot(), &Endpoints { listen: vec![direct.clone()], ..Endpoints::default() })
            .unwrap();
    let stop = StopFlag::default();
    let driver = AttachedNode::open(boxed(driver), bus, Clock::System).unwrap().spawn(&stop, &stop).unwrap();
    let mut pacer = Pacer::new("arbiter", 400);
    pacer.padding = 60_000;
    let endpoints =
        Endpoints { listen: vec![free_endpoint().unwrap()], connect: vec![listen, direct], tls: None };
    let bus = Bus::open("arbiter", &robot(), &endpoints).unwrap();
    let arbiter = AttachedNode::open(boxed(pacer), bus, Clock::System).unwrap();
    arbiter.wait_for_peers(&["recorder".into(), "driver".into()], Duration::from_secs(20)).unwrap();
    let end = StopFlag::default();
    let begun = Clock::System.now();
    let arbiter = arbiter.spawn(&end, &end).unwrap();
    let mut commands = 0;
    wait_until("it runs", || {
        commands += driven.try_iter().count();
        commands > 20
    });
    signal(&recorder, "-STOP");
    wait_until("the driver gets its commands while the recorder is stopped", || {
        commands += driven.try_iter().count();
        commands >= 350
    });
    let took = Clock::System.now().since(begun);
    signal(&recorder, "-CONT");
    let report = arbiter.join().unwrap();
    stop.set();
    driver.join().unwrap();
    assert!(recorder.wait().unwrap().success(), "the recorder's own assertions hold");
    assert!(report.flushed && report.lane_dropped == 0, "{report}");
    assert!(took < Duration::from_secs(15), "350 commands at 100 Hz took {took:?}");
    println!("{report}");
}
