use std::{collections::BTreeSet, net::TcpListener, time::Duration};

use retake_node::Node;
use retake_wire::RobotId;

use crate::{AttachedNode, Bus, BusError, Clock, Endpoints, NodeReport, NodeThread, StopFlag, bus::pause};

/// All nodes of one process must see each other within this time.
const MESH_TIMEOUT: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(10);
/// Between finding a free port and opening it, somebody else may take it.
const PORT_ATTEMPTS: usize = 5;

/// Several nodes in one process, each on its own thread with its own zenoh session over loopback TCP, as if they were
/// processes.
#[derive(Debug)]
pub struct Deployment {
    nodes: Vec<(StopFlag, NodeThread)>,
    end: StopFlag,
}

impl Deployment {
    /// Connects all nodes with each other and then starts them. They are stopped in the order given, so those who listen to
    /// the others' last words (the recorder) come last.
    ///
    /// # Errors
    /// If two nodes have one name, or a node cannot be connected.
    pub fn start(robot: &RobotId, clock: &Clock, nodes: Vec<Box<dyn Node>>) -> Result<Self, BusError> {
        let names: Vec<String> = nodes.iter().map(|node| node.name().to_owned()).collect();
        let mut seen = BTreeSet::new();
        if let Some(name) = names.iter().find(|name| !seen.insert(*name)) {
            return Err(BusError::SameName { name: name.clone() });
        }
        let mut attached = Vec::new();
        let mut earlier = Vec::new();
        for node in nodes {
            let (bus, listen) = open_on_free_port(node.name(), robot, &earlier)?;
            earlier.push(listen);
            attached.push(AttachedNode::open(node, bus, clock.clone())?);
        }
        for node in &attached {
            node.wait_for_peers(&names, MESH_TIMEOUT)?;
        }
        let end = StopFlag::default();
        let mut nodes = Vec::new();
        for node in attached {
            let stop = StopFlag::default();
            nodes.push((stop.clone(), node.spawn(&stop, &end)?));
        }
        Ok(Self { nodes, end })
    }

    /// Set this to stop all nodes; a node that ends the deployment sets it too.
    pub fn stop_flag(&self) -> StopFlag {
        self.end.clone()
    }

    /// Waits until `stop` or this deployment's own flag is set, or a node dies; then stops the nodes one after the other.
    ///
    /// # Errors
    /// If a node panicked. All others have been stopped in order even so.
    pub fn wait(self, stop: &StopFlag) -> Result<Vec<NodeReport>, BusError> {
        while !stop.is_set()
            && !self.end.is_set()
            && !self.nodes.iter().any(|(_, thread)| thread.is_finished())
        {
            pause(LOOK);
        }
        self.stop()
    }

    /// Stops the nodes one after the other, in the order they were given.
    ///
    /// # Errors
    /// If a node panicked. All others have been stopped in order even so.
    pub fn stop(self) -> Result<Vec<NodeReport>, BusError> {
        let reports: Vec<Result<NodeReport, BusError>> = self
            .nodes
            .into_iter()
            .map(|(stop, thread)| {
                stop.set();
                thread.join()
            })
            .collect();
        reports.into_iter().collect()
    }
}

fn open_on_free_port(name: &str, robot: &RobotId, earlier: &[String]) -> Result<(Bus, String), BusError> {
    let mut attempt = 1;
    loop {
        let listen = free_endpoint()?;
        let endpoints = Endpoints { listen: vec![listen.clone()], connect: earlier.to_vec(), tls: None };
        match Bus::open(name, robot, &endpoints) {
            Ok(bus) => return Ok((bus, listen)),
            Err(BusError::PortInUse { .. } | BusError::Zenoh { .. }) if attempt < PORT_ATTEMPTS => {
                attempt += 1
            }
            Err(error) => return Err(error),
        }
    }
}

/// An endpoint on loopback that nobody uses now.
///
/// # Errors
/// If the system has no free port.
pub fn free_endpoint() -> Result<String, BusError> {
    let listen = |source| BusError::Listen { endpoint: "tcp/127.0.0.1:0".to_owned(), source };
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    Ok(format!("tcp/{address}"))
}
