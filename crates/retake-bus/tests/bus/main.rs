//! Real zenoh sessions over loopback.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing there")]

mod aged;
mod stopped;
mod support;

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use retake_bus::{
    AttachedNode, Bus, BusError, Clock, Deployment, Endpoints, StopFlag, free_endpoint, run_node,
};
use retake_node::Node;
use retake_wire::{Topic, pb};
use support::{Listener, Pacer, ROBOT, robot, wait_until};

const SECOND: Duration = Duration::from_secs(1);

fn boxed(node: impl Node + 'static) -> Box<dyn Node> {
    Box::new(node)
}

#[test]
fn two_nodes_exchange_at_100_hz_and_the_last_words_arrive() {
    let (listener, heard) = Listener::new("recorder", &[Topic::Tick, Topic::Command]);
    let pacer = Pacer::new("arbiter", 200);
    let nodes = vec![boxed(pacer), boxed(listener)];
    let deployment = Deployment::start(&robot(), &Clock::System, nodes).unwrap();
    let reports = deployment.wait(&StopFlag::default()).unwrap();
    let heard: Vec<_> = heard.try_iter().collect();
    let ticks: Vec<u64> = heard.iter().filter_map(support::tick).collect();
    assert_eq!(ticks, (0..=200).collect::<Vec<_>>(), "every tick and the last words, in order");
    assert_eq!(heard.iter().filter_map(support::command).count(), 200);
    assert!(reports[0].finished && reports[0].flushed, "{}", reports[0]);
    assert!(reports[0].lateness.p50 < Duration::from_millis(5), "{}", reports[0]);
    assert_eq!((reports[1].missed, reports[1].mailbox_dropped), (0, 0));
}

#[test]
fn a_slow_receiver_gets_all_records_and_the_newest_beacon_only() {
    let (mut listener, heard) = Listener::new("recorder", &[Topic::Tick, Topic::Beacon]);
    listener.block_once = Some(Duration::from_millis(1500));
    let nodes = vec![boxed(Pacer::new("arbiter", 200)), boxed(listener)];
    let reports =
        Deployment::start(&robot(), &Clock::System, nodes).unwrap().wait(&StopFlag::default()).unwrap();
    let heard: Vec<_> = heard.try_iter().collect();
    assert_eq!(heard.iter().filter_map(support::tick).collect::<Vec<_>>(), (0..=200).collect::<Vec<_>>());
    let beacons: Vec<u64> = heard.iter().filter_map(support::beacon).collect();
    assert!(beacons.len() < 150 && beacons.is_sorted(), "{} beacons", beacons.len());
    assert_eq!(beacons.last(), Some(&199));
    assert!(reports[1].conflated > 50, "{:?}", reports[1]);
    assert_eq!(reports[1].mailbox_dropped, 0);
}

#[test]
fn garbage_is_counted_reported_and_harmless() {
    let (listener, heard) = Listener::new("arbiter", &[Topic::Input, Topic::Notice]);
    let listen = free_endpoint().unwrap();
    let bus =
        Bus::open("arbiter", &robot(), &Endpoints { listen: vec![listen.clone()], ..Endpoints::default() })
            .unwrap();
    let stop = StopFlag::default();
    let node = AttachedNode::open(boxed(listener), bus, Clock::System).unwrap();
    let thread = node.spawn(&stop, &stop).unwrap();
    let vandal = support::raw_session(&listen);
    let key = format!("retake/v1/{ROBOT}/operator/input");
    wait_until("the vandal is connected", || {
        support::put(&vandal, &key, vec![0xff; 300]);
        heard
            .try_iter()
            .any(|message| support::notice(&message).is_some_and(|notice| notice.code == "undecodable"))
    });
    support::put(&vandal, &key, retake_wire::Message::from(pb::OperatorInput::default()).encode());
    wait_until("a good message arrives after the bad", || {
        heard.try_iter().any(|m| m.topic() == Topic::Input)
    });
    stop.set();
    let report = thread.join().unwrap();
    assert!(report.undecodable > 0);
}

#[test]
fn a_topic_that_was_not_declared_is_refused() {
    let (listener, heard) = Listener::new("recorder", &[Topic::Command, Topic::Notice]);
    let mut rogue = Pacer::new("policy", 20);
    rogue.declared = vec![Topic::Tick];
    let nodes = vec![boxed(rogue), boxed(listener)];
    let reports =
        Deployment::start(&robot(), &Clock::System, nodes).unwrap().wait(&StopFlag::default()).unwrap();
    let heard: Vec<_> = heard.try_iter().collect();
    assert_eq!(reports[0].refused, 40, "20 commands and 20 beacons");
    assert!(heard.iter().all(|message| message.topic() != Topic::Command));
    assert!(heard.iter().filter_map(support::notice).any(|notice| notice.code == "publication_refused"));
}

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let endpoints = Endpoints { listen: vec![format!("tcp/127.0.0.1:{port}")], ..Endpoints::default() };
    let error = Bus::open("sim", &robot(), &endpoints).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&format!("port {port} on 127.0.0.1 is already in use")), "{text}");
    assert!(text.contains("base_port"), "{text}");
}

#[test]
fn an_open_door_is_refused() {
    let endpoints = Endpoints { listen: vec!["tcp/0.0.0.0:7600".into()], ..Endpoints::default() };
    assert!(matches!(Bus::open("sim", &robot(), &endpoints), Err(BusError::Exposed { .. })));
}

#[test]
fn a_missing_peer_is_named() {
    let endpoints = Endpoints { connect: vec![free_endpoint().unwrap()], ..Endpoints::default() };
    let bus = Bus::open("sim", &robot(), &endpoints).unwrap();
    let error = bus.wait_for_peers(&["camera".into(), "recorder".into()], SECOND / 2).unwrap_err();
    assert!(error.to_string().contains("camera, recorder"), "{error}");
}

#[test]
fn a_node_that_starts_again_is_heard_again() {
    let listen = free_endpoint().unwrap();
    let first = Endpoints { listen: vec![listen.clone()], ..Endpoints::default() };
    let (listener, heard) = Listener::new("recorder", &[Topic::Tick]);
    let late = Endpoints { listen: vec![free_endpoint().unwrap()], connect: vec![listen], tls: None };
    let stop = StopFlag::default();
    let bus = Bus::open("recorder", &robot(), &late).unwrap();
    let recorder =
        AttachedNode::open(boxed(listener), bus, Clock::System).unwrap().spawn(&stop, &stop).unwrap();
    // The recorder was up before the one it calls; then that one goes and comes back.
    for life in 0..2 {
        let bus = Bus::open("arbiter", &robot(), &first).unwrap();
        let end = StopFlag::default();
        let node = AttachedNode::open(boxed(Pacer::new("arbiter", 10)), bus, Clock::System).unwrap();
        node.wait_for_peers(&["recorder".into()], 10 * SECOND).unwrap();
        node.spawn(&end, &end).unwrap().join().unwrap();
        let ticks: Vec<u64> = heard.try_iter().filter_map(|message| support::tick(&message)).collect();
        assert_eq!(ticks, (0..=10).collect::<Vec<_>>(), "life {life}");
    }
    stop.set();
    assert_eq!(recorder.join().unwrap().missed, 0);
}

#[test]
fn a_blocked_receiver_delays_nobody_else() {
    let (mut blocked, unread) = Listener::new("viz", &[Topic::Tick, Topic::Command, Topic::Beacon]);
    blocked.block_once = Some(8 * SECOND);
    let (driver, heard) = Listener::new("driver", &[Topic::Command]);
    let nodes = vec![boxed(Pacer::new("arbiter", 150)), boxed(driver), boxed(blocked)];
    let deployment = Deployment::start(&robot(), &Clock::System, nodes).unwrap();
    let mut commands = 0;
    wait_until("the driver has all commands", || {
        commands += heard.try_iter().count();
        commands == 150
    });
    assert_eq!(unread.try_iter().count(), 0, "all arrived while the other was still blocked");
    deployment.stop().unwrap();
}

/// Carries bytes between a listener and who connects, until told to stall: the far side looks like a stopped process.
fn stalling_proxy(target: &str, stalled: &Arc<AtomicBool>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let target = target.trim_start_matches("tcp/").to_owned();
    let stalled = Arc::clone(stalled);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(&target) else { continue };
            for (mut from, mut to) in
                [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)]
            {
                let stalled = Arc::clone(&stalled);
                std::thread::spawn(move || {
                    let mut buffer = [0; 16_384];
                    while let Ok(count @ 1..) = from.read(&mut buffer) {
                        while stalled.load(Ordering::Relaxed) {
                            support::pause(Duration::from_millis(2));
                        }
                        if to.write_all(&buffer[..count]).is_err() {
                            break;
                        }
                    }
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
    format!("tcp/{address}")
}

#[test]
fn a_stopped_recorder_delays_no_command_and_loses_no_record() {
    let stalled = Arc::new(AtomicBool::new(false));
    let (listen, direct) = (free_endpoint().unwrap(), free_endpoint().unwrap());
    let through = stalling_proxy(&listen, &stalled);
    let ends = [StopFlag::default(), StopFlag::default(), StopFlag::default()];
    let open = |name: &str, listen: &str, connect: Vec<String>| {
        Bus::open(name, &robot(), &Endpoints { listen: vec![listen.to_owned()], connect, tls: None }).unwrap()
    };
    let (recorder, recorded) = Listener::new("recorder", &[Topic::Tick, Topic::Command]);
    let bus = open("recorder", &listen, vec![]);
    let recorder =
        AttachedNode::open(boxed(recorder), bus, Clock::System).unwrap().spawn(&ends[0], &ends[0]).unwrap();
    let (driver, driven) = Listener::new("driver", &[Topic::Command]);
    let bus = open("driver", &direct, vec![]);
    let driver =
        AttachedNode::open(boxed(driver), bus, Clock::System).unwrap().spawn(&ends[1], &ends[1]).unwrap();

    let mut pacer = Pacer::new("arbiter", 700);
    // Large records and commands, so that every buffer on the way to the stalled side fills.
    pacer.padding = 60_000;
    pacer.end_deployment = false;
    let bus = open("arbiter", &free_endpoint().unwrap(), vec![through, direct]);
    let arbiter = AttachedNode::open(boxed(pacer), bus, Clock::System).unwrap();
    arbiter.wait_for_peers(&["recorder".into(), "driver".into()], 10 * SECOND).unwrap();
    let arbiter = arbiter.spawn(&ends[2], &ends[2]).unwrap();
    wait_until("it runs", || recorded.try_recv().is_ok());
    stalled.store(true, Ordering::Relaxed);
    let mut commands = 0;
    wait_until("the driver has its commands although the recorder reads nothing", || {
        commands += driven.try_iter().count();
        commands >= 500
    });
    let early = recorded.try_iter().filter_map(|message| support::tick(&message)).count();
    assert!(early < 400, "the recorder was stalled, yet heard {early}");
    stalled.store(false, Ordering::Relaxed);
    wait_until("the driver has all commands", || {
        commands += driven.try_iter().count();
        commands == 700
    });
    ends[2].set();
    let report = arbiter.join().unwrap();
    ends[1].set();
    driver.join().unwrap();
    ends[0].set();
    let recorder = recorder.join().unwrap();
    let late: Vec<u64> = recorded.try_iter().filter_map(|message| support::tick(&message)).collect();
    assert_eq!(late.last(), Some(&700), "the last words came through");
    assert!(late.windows(2).all(|pair| pair[1] == pair[0] + 1), "no record is missing");
    assert_eq!(report.lane_dropped + report.lane_unsent, 0, "{report}");
    assert!(recorder.missed > 0, "commands the recorder missed are known to it");
    println!("{report}\n{recorder}");
    assert!(report.busy.p99 < Duration::from_millis(10), "{report}");
}

#[test]
fn a_panic_is_an_error_and_the_others_stop_in_order() {
    let (listener, _heard) = Listener::new("recorder", &[Topic::Tick]);
    let mut bad = Pacer::new("policy", 10);
    bad.panic_at = Some(5);
    let deployment = Deployment::start(&robot(), &Clock::System, vec![boxed(bad), boxed(listener)]).unwrap();
    let error = deployment.wait(&StopFlag::default()).unwrap_err();
    assert!(matches!(&error, BusError::Panicked { name, .. } if name == "policy"), "{error}");
}

#[test]
fn a_tap_sees_bytes_and_a_manual_clock_rules_the_node() {
    let listen = free_endpoint().unwrap();
    let bus =
        Bus::open("arbiter", &robot(), &Endpoints { listen: vec![listen.clone()], ..Endpoints::default() })
            .unwrap();
    let tap =
        Bus::open("tap", &robot(), &Endpoints { connect: vec![listen], ..Endpoints::default() }).unwrap();
    let (sender, seen) = mpsc::sync_channel(1000);
    let _open = tap
        .subscribe_raw("**", Clock::System, move |suffix, bytes, _| {
            let _ = sender.try_send((suffix.to_owned(), bytes.len()));
        })
        .unwrap();
    tap.wait_for_peers(&[], SECOND).unwrap();
    let begin = Clock::System.now();
    let moved = Clock::manual(begin);
    let manual = moved.clone();
    let stop = StopFlag::default();
    let mut pacer = Pacer::new("arbiter", 1000);
    pacer.next = Some(begin);
    let runs = stop.clone();
    let thread = std::thread::spawn(move || run_node(boxed(pacer), bus, manual, &runs).unwrap());
    wait_until("the tap sees the manual clock's ticks", || {
        moved.advance_to(moved.now() + Duration::from_millis(10));
        support::pause(Duration::from_millis(3));
        seen.try_iter().any(|(suffix, bytes)| suffix == "robot/command" && bytes > 0)
    });
    stop.set();
    let before = moved.now();
    let moved_by = before.since(begin);
    assert!(
        u128::from(thread.join().unwrap().lateness.count) <= moved_by.as_millis() / 10 + 1,
        "{moved_by:?}"
    );
}
