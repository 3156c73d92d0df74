//! Connections that need certificates: both sides must show one that the same authority signed.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing there")]

use std::{net::TcpListener, path::Path, time::Duration};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use retake_bus::{AttachedNode, Bus, BusError, Clock, Endpoints, StopFlag, Tls};
use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{Message, RobotId, Topic};

/// A certificate for `localhost` by an authority of its own.
fn identity(dir: &Path) -> Tls {
    std::fs::create_dir_all(dir).unwrap();
    let ca_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = params.self_signed(&ca_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &Issuer::new(params, ca_key)).unwrap();
    let write = |name: &str, text: String| {
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    Tls {
        ca: write("ca.pem", ca.pem()),
        cert: write("cert.pem", leaf.pem()),
        key: write("key.pem", key.serialize_pem()),
    }
}

struct Mute;

impl Node for Mute {
    fn name(&self) -> &'static str {
        "mute"
    }
    fn subscriptions(&self) -> &[Topic] {
        &[]
    }
    fn publications(&self) -> &[Topic] {
        &[]
    }
    fn receive(&mut self, _: MonoTime, _: &Message, _: &mut Outbox) {}
    fn wake(&mut self, _: MonoTime, _: &mut Outbox) {}
    fn next_wake(&self) -> Option<MonoTime> {
        None
    }
}

#[test]
fn only_a_certificate_of_the_same_authority_gets_in() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs) = (identity(&dir.path().join("ours")), identity(&dir.path().join("theirs")));
    let robot: RobotId = "arm_1".parse().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = vec![format!("tls/localhost:{port}")];
    let listening = Endpoints { listen: address.clone(), connect: vec![], tls: Some(ours.clone()) };
    let bus = Bus::open("mute", &robot, &listening).unwrap();
    let stop = StopFlag::default();
    let thread = AttachedNode::open(Box::new(Mute), bus, Clock::System).unwrap().spawn(&stop, &stop).unwrap();
    let peers = ["mute".to_owned()];
    let calling = |tls: Option<Tls>| Endpoints { listen: vec![], connect: address.clone(), tls };

    let friend = Bus::open("friend", &robot, &calling(Some(ours.clone()))).unwrap();
    friend.wait_for_peers(&peers, Duration::from_secs(15)).unwrap();
    // Trusts our authority, but has a certificate of another.
    let forged = Tls { ca: ours.ca.clone(), ..theirs };
    let stranger = Bus::open("stranger", &robot, &calling(Some(forged))).unwrap();
    let refused = stranger.wait_for_peers(&peers, Duration::from_secs(3));
    assert!(matches!(refused, Err(BusError::PeersMissing { .. })), "{refused:?}");
    let naked = Bus::open("naked", &robot, &calling(None)).unwrap_err();
    assert!(matches!(naked, BusError::Exposed { .. }), "{naked}");
    stop.set();
    thread.join().unwrap();
}
