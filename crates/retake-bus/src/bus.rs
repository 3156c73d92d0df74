use std::{collections::BTreeSet, fmt, sync::mpsc, time::Duration};

use retake_units::MonoTime;
use retake_wire::{RobotId, Topic};
use zenoh::{
    Session, Wait,
    pubsub::{Publisher, Subscriber},
    qos::{CongestionControl, Priority},
    query::{QueryTarget, Queryable},
};

use crate::{BusError, Clock, Endpoints, config::zenoh_config, lane::declare};

/// One node's connection to all others.
#[derive(Clone)]
pub struct Bus {
    pub(crate) session: Session,
    pub(crate) robot: RobotId,
    pub(crate) name: String,
}

/// Keeps a tap open until it is dropped.
pub struct RawSubscription {
    pub(crate) _subscriber: Subscriber<()>,
}

/// Speaks without being a node.
pub struct RawPublisher {
    publisher: Publisher<'static>,
}

/// Tells others, as long as it lives, that this node's subscriptions have reached them.
pub(crate) struct Announcement {
    _queryable: Queryable<()>,
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus").field("name", &self.name).field("robot", &self.robot).finish_non_exhaustive()
    }
}

impl fmt::Debug for RawSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawSubscription").finish_non_exhaustive()
    }
}

impl fmt::Debug for RawPublisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawPublisher").field("key", self.publisher.key_expr()).finish_non_exhaustive()
    }
}

impl RawPublisher {
    /// Hands bytes to the session, with the topic's quality of service and without a number.
    pub fn put(&self, bytes: Vec<u8>) {
        if let Err(error) = self.publisher.put(bytes).wait() {
            tracing::debug!("bytes were not sent: {error}");
        }
    }
}

/// Names that fit into a key and a thread's name.
fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    (1..=32).contains(&name.len()) && name.chars().all(allowed)
}

impl Bus {
    /// Opens the node's own ports and begins to call the others, who need not be up yet.
    ///
    /// # Errors
    /// If an endpoint is malformed, exposed or taken.
    pub fn open(name: &str, robot: &RobotId, endpoints: &Endpoints) -> Result<Self, BusError> {
        if !is_name(name) {
            return Err(BusError::BadName { name: name.to_owned() });
        }
        endpoints.check()?;
        endpoints.probe()?;
        let session =
            zenoh::open(zenoh_config(endpoints)?).wait().map_err(BusError::zenoh("open a session"))?;
        Ok(Self { session, robot: robot.clone(), name: name.to_owned() })
    }

    /// The node's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The robot whose keys it uses.
    pub fn robot(&self) -> &RobotId {
        &self.robot
    }

    /// Listens without being a node: `callback` gets the key below the robot's root, the bytes and the time they came.
    /// `pattern` is a key expression below that root, such as `**` or a topic's suffix. The callback runs on the receiving
    /// thread of all subscriptions of this process, so it must return at once.
    ///
    /// # Errors
    /// If the pattern is no key expression.
    pub fn subscribe_raw(
        &self,
        pattern: &str,
        clock: Clock,
        callback: impl Fn(&str, &[u8], MonoTime) + Send + Sync + 'static,
    ) -> Result<RawSubscription, BusError> {
        let root = format!("{}/", self.robot.root());
        let subscriber = self
            .session
            .declare_subscriber(format!("{root}{pattern}"))
            .callback(move |sample| {
                let received = clock.now();
                let suffix = sample.key_expr().as_str().strip_prefix(&root).unwrap_or_default();
                callback(suffix, &sample.payload().to_bytes(), received);
            })
            .wait()
            .map_err(BusError::zenoh("subscribe"))?;
        Ok(RawSubscription { _subscriber: subscriber })
    }

    /// Speaks without being a node: bytes of any kind on a topic that has no instances, for measurements and for tests of what
    /// nodes make of nonsense.
    ///
    /// # Errors
    /// If zenoh refuses the publisher.
    pub fn publish_raw(&self, topic: Topic) -> Result<RawPublisher, BusError> {
        declare(self, topic, "").map(|publisher| RawPublisher { publisher })
    }

    /// Waits until messages reach all the nodes called `names`: each is connected, has subscribed, and this side knows.
    ///
    /// # Errors
    /// After `timeout`, with the names of those who are missing.
    pub fn wait_for_peers(&self, names: &[String], timeout: Duration) -> Result<(), BusError> {
        let deadline = Clock::System.now() + timeout;
        loop {
            let here = self.ask_peers(Duration::from_millis(500));
            let missing: Vec<String> = names.iter().filter(|name| !here.contains(*name)).cloned().collect();
            if missing.is_empty() {
                return Ok(());
            }
            if Clock::System.now() >= deadline {
                return Err(BusError::PeersMissing { missing, waited: timeout });
            }
            pause(Duration::from_millis(20));
        }
    }

    /// Waits until all that was published before has been handed to the receivers' mailboxes. False if `timeout` passed
    /// first, because a receiver does not read.
    ///
    /// The question travels the same connections at the lowest priority, so it comes after everything else.
    pub fn flush(&self, timeout: Duration) -> bool {
        let begun = Clock::System.now();
        self.ask_peers(timeout);
        Clock::System.now().since(begun) < timeout
    }

    pub(crate) fn announce(&self) -> Result<Announcement, BusError> {
        let key = self.mesh_key(&self.name);
        let queryable = self
            .session
            .declare_queryable(key.clone())
            .callback(move |query| {
                if let Err(error) = query.reply(&key, "").wait() {
                    tracing::debug!("a question could not be answered: {error}");
                }
            })
            .wait()
            .map_err(BusError::zenoh("announce the node"))?;
        Ok(Announcement { _queryable: queryable })
    }

    pub(crate) fn close(&self) {
        if let Err(error) = self.session.close().wait() {
            tracing::warn!("{}: the session did not close cleanly: {error}", self.name);
        }
    }

    fn ask_peers(&self, timeout: Duration) -> BTreeSet<String> {
        let question = self
            .session
            .get(self.mesh_key("*"))
            .target(QueryTarget::All)
            .priority(Priority::Background)
            .congestion_control(CongestionControl::Drop)
            .timeout(timeout)
            .wait();
        let mut names = BTreeSet::new();
        let Ok(replies) = question else { return names };
        while let Ok(reply) = replies.recv() {
            if let Ok(sample) = reply.result() {
                names.extend(sample.key_expr().as_str().rsplit('/').next().map(str::to_owned));
            }
        }
        names
    }

    /// Not a topic: no message travels on it, only the question whether a node is there.
    fn mesh_key(&self, name: &str) -> String {
        format!("{}/mesh/{name}", self.robot.root())
    }
}

/// The runtime may wait; nothing else may.
pub(crate) fn pause(span: Duration) {
    let (_sender, receiver) = mpsc::sync_channel::<()>(0);
    let _ = receiver.recv_timeout(span);
}
