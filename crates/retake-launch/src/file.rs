use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use retake_bus::{Endpoints, Tls};
use retake_wire::RobotId;
use serde::{Deserialize, de::DeserializeOwned};
use toml::{
    Spanned,
    de::{DeTable, DeValue, ValueDeserializer},
};

use crate::{
    LaunchError,
    error::Fault,
    kind::{Common, NodeKind, NodeOptions, Restart},
};

/// A deployment as written in a file of `launch/`.
#[derive(Clone, Debug, PartialEq)]
pub struct LaunchFile {
    /// Where it was read from.
    pub path: PathBuf,
    /// The robot's name in every key.
    pub robot: RobotId,
    /// The task it is set up for.
    pub task: String,
    /// How the nodes are connected.
    pub bus: BusSection,
    /// Nodes in the order of the file.
    pub nodes: Vec<LaunchNode>,
    /// Tighter limits than the robot's own, by group.
    pub limits: BTreeMap<String, GroupLimits>,
}

/// One node of a deployment.
#[derive(Clone, Debug, PartialEq)]
pub struct LaunchNode {
    /// Its name.
    pub name: String,
    /// What it is and does.
    pub options: NodeOptions,
    /// Address of another machine that it runs on; `None` if it runs where the deployment is launched.
    pub elsewhere: Option<String>,
    /// Port it listens on.
    pub port: u16,
    /// What happens after a crash.
    pub restart: Restart,
}

impl LaunchNode {
    /// What the node is.
    pub const fn kind(&self) -> NodeKind {
        self.options.kind()
    }
}

/// The `[bus]` table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BusSection {
    /// Port of the first node; each following node has the next.
    pub base_port: u16,
    /// Address that nodes listen on and are called at, unless they say otherwise.
    pub host: String,
    /// Needed if `host` is not loopback.
    pub tls: Option<TlsFiles>,
}

/// The `[bus.tls]` table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// Certificate of the authority.
    pub ca: PathBuf,
    /// Certificate of the nodes.
    pub cert: PathBuf,
    /// Their private key.
    pub key: PathBuf,
}

impl Default for BusSection {
    fn default() -> Self {
        Self { base_port: 7600, host: "127.0.0.1".to_owned(), tls: None }
    }
}

/// A `[limits.<group>]` table; what is not given stays as the robot says. One number per value of the group.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GroupLimits {
    /// Smallest positions.
    pub lower: Option<Vec<f64>>,
    /// Largest positions.
    pub upper: Option<Vec<f64>>,
    /// Largest speeds.
    pub velocity: Option<Vec<f64>>,
    /// Largest accelerations.
    pub acceleration: Option<Vec<f64>>,
    /// Largest jerks.
    pub jerk: Option<Vec<f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeploymentSection {
    robot: String,
    task: String,
}

impl LaunchFile {
    /// Reads and parses a file.
    ///
    /// # Errors
    /// If it cannot be read or understood, with the place in it.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, LaunchError> {
        let path = path.as_ref().to_path_buf();
        let text = std::fs::read_to_string(&path)
            .map_err(|source| LaunchError::Unreadable { path: path.clone(), source })?;
        Self::parse(path, &text)
    }

    /// Parses a file's text; `path` is for messages.
    ///
    /// # Errors
    /// If it cannot be understood, with the place in it.
    pub fn parse(path: impl Into<PathBuf>, text: &str) -> Result<Self, LaunchError> {
        let path = path.into();
        parse(text, path.clone()).map_err(|fault| fault.place(path, text))
    }

    /// The node called `name`.
    pub fn node(&self, name: &str) -> Option<&LaunchNode> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// Where the node called `name` listens, and whom it calls: all nodes before it in the file.
    pub fn endpoints(&self, name: &str) -> Option<Endpoints> {
        let index = self.nodes.iter().position(|node| node.name == name)?;
        let scheme = if self.bus.tls.is_some() { "tls" } else { "tcp" };
        let at = |node: &LaunchNode| {
            let host = node.elsewhere.as_ref().unwrap_or(&self.bus.host);
            format!("{scheme}/{host}:{}", node.port)
        };
        Some(Endpoints {
            listen: vec![at(&self.nodes[index])],
            connect: self.nodes[..index].iter().map(at).collect(),
            tls: self.bus.tls.as_ref().map(|tls| Tls {
                ca: tls.ca.clone(),
                cert: tls.cert.clone(),
                key: tls.key.clone(),
            }),
        })
    }

    /// Names of all nodes except `name`.
    pub fn peers_of(&self, name: &str) -> Vec<String> {
        self.nodes.iter().filter(|node| node.name != name).map(|node| node.name.clone()).collect()
    }
}

const SECTIONS: &str = "a launch file has the tables deployment, bus, node.<name> and limits.<group>";

fn parse(text: &str, path: PathBuf) -> Result<LaunchFile, Fault> {
    let mut root = DeTable::parse(text).map_err(|error| Fault::toml(&error, 0))?.into_inner();
    let deployment = root.remove("deployment").ok_or_else(|| {
        Fault::new(
            0,
            "the table [deployment] is missing; write [deployment], robot = \"arm_1\" and task = \"lift\"",
        )
    })?;
    let at = deployment.span().start;
    let section: DeploymentSection = typed(deployment)?;
    let robot = section
        .robot
        .parse()
        .map_err(|error: retake_wire::RobotIdError| Fault::new(at, error.to_string()))?;
    let bus: BusSection = root.remove("bus").map(typed).transpose()?.unwrap_or_default();
    let limits = root.remove("limits").map(typed).transpose()?.unwrap_or_default();
    let nodes = root.remove("node").map(|nodes| parse_nodes(nodes, &bus)).transpose()?.unwrap_or_default();
    if let Some((key, _)) = root.iter().next() {
        return Err(Fault::new(
            key.span().start,
            format!("unknown table or key `{}`; {SECTIONS}", key.get_ref()),
        ));
    }
    if nodes.is_empty() {
        return Err(Fault::new(0, "no nodes; write a table such as [node.sim] with kind = \"sim\""));
    }
    Ok(LaunchFile { path, robot, task: section.task, bus, nodes, limits })
}

fn typed<T: DeserializeOwned>(value: Spanned<DeValue<'_>>) -> Result<T, Fault> {
    let begin = value.span().start;
    T::deserialize(ValueDeserializer::from(value)).map_err(|error| Fault::toml(&error, begin))
}

fn parse_nodes(nodes: Spanned<DeValue<'_>>, bus: &BusSection) -> Result<Vec<LaunchNode>, Fault> {
    let at = nodes.span().start;
    let DeValue::Table(table) = nodes.into_inner() else {
        return Err(Fault::new(at, "`node` must be a table; write [node.<name>]"));
    };
    let mut entries: Vec<_> = table.into_iter().collect();
    // toml keeps tables sorted by name; ports follow the order of the file.
    entries.sort_by_key(|(name, _)| name.span().start);
    let mut parsed = Vec::new();
    for (index, (name, value)) in entries.into_iter().enumerate() {
        let at = name.span().start;
        let name = name.into_inner().into_owned();
        if !is_name(&name) {
            return Err(Fault::new(at, format!("node name `{name}` must be 1 to 32 of a-z, 0-9, _ and -")));
        }
        let options = parse_options(value, &name)?;
        let Common { host, port, restart } = options.common();
        let next = u16::try_from(index).ok().and_then(|index| bus.base_port.checked_add(index));
        let port = port.or(next).filter(|port| *port > 0).ok_or_else(|| {
            Fault::new(
                at,
                format!("node `{name}` gets no port after base_port {}; choose a lower one", bus.base_port),
            )
        })?;
        let restart = restart.unwrap_or(options.kind().default_restart());
        let elsewhere = host.filter(|host| *host != bus.host);
        parsed.push(LaunchNode { name, options, elsewhere, port, restart });
    }
    Ok(parsed)
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    (1..=32).contains(&name.len()) && name.chars().all(allowed)
}

fn parse_options(value: Spanned<DeValue<'_>>, name: &str) -> Result<NodeOptions, Fault> {
    let kinds = NodeKind::ALL.map(NodeKind::name).join(", ");
    let written = value.get_ref().as_table().and_then(|table| table.get("kind"));
    let kind = written.ok_or_else(|| {
        Fault::new(value.span().start, format!("node `{name}` has no kind; write kind = one of {kinds}"))
    })?;
    let word = kind.get_ref().as_str().unwrap_or_default();
    let kind = NodeKind::ALL.into_iter().find(|kind| kind.name() == word).ok_or_else(|| {
        Fault::new(
            kind.span().start,
            format!("node `{name}` has the unknown kind `{word}`; kinds are {kinds}"),
        )
    })?;
    Ok(match kind {
        NodeKind::Sim => NodeOptions::Sim(typed(value)?),
        NodeKind::Camera => NodeOptions::Camera(typed(value)?),
        NodeKind::Policy => NodeOptions::Policy(typed(value)?),
        NodeKind::Intervention => NodeOptions::Intervention(typed(value)?),
        NodeKind::Operator => NodeOptions::Operator(typed(value)?),
        NodeKind::Monitor => NodeOptions::Monitor(typed(value)?),
        NodeKind::Recorder => NodeOptions::Recorder(typed(value)?),
        NodeKind::Viz => NodeOptions::Viz(typed(value)?),
    })
}
