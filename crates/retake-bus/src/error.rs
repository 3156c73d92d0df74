use std::time::Duration;

/// Why the bus cannot be used as asked.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// An endpoint cannot be read.
    #[error(
        "endpoint {endpoint:?} is not understood; write it as tcp/127.0.0.1:7600, or tls/<host>:<port> with certificates"
    )]
    BadEndpoint {
        /// As written.
        endpoint: String,
    },
    /// An endpoint that others could reach, in the clear.
    #[error(
        "endpoint {endpoint:?} is not on the loopback interface and has no TLS, so anyone on the network could drive the robot; \
         use 127.0.0.1, or write it as tls/<host>:<port> and give ca, cert and key"
    )]
    Exposed {
        /// As written.
        endpoint: String,
    },
    /// Several nodes or programs want one port.
    #[error(
        "port {port} on {host} is already in use; stop the other program (`ss -ltnp | grep {port}` shows it) \
         or choose another base_port in the launch file"
    )]
    PortInUse {
        /// Host it was to be opened on.
        host: String,
        /// The port.
        port: u16,
    },
    /// The port cannot be opened for another reason.
    #[error("cannot listen on {endpoint}: {source}; check the address and that you may open this port")]
    Listen {
        /// As written.
        endpoint: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of the TLS identity is missing.
    #[error("TLS file {path} cannot be read: {source}; check the paths of ca, cert and key")]
    TlsFile {
        /// Its path.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A name that keys cannot carry.
    #[error("node name {name:?} must be 1 to 32 of a-z, 0-9, _ and -; rename the node")]
    BadName {
        /// That name.
        name: String,
    },
    /// Two nodes of one name.
    #[error("two nodes of the deployment are called {name:?}; rename one")]
    SameName {
        /// That name.
        name: String,
    },
    /// Nodes that should be there did not come.
    #[error("not connected after {waited:?} to: {}; check that they run and that their ports are the ones in the launch file", .missing.join(", "))]
    PeersMissing {
        /// Their names.
        missing: Vec<String>,
        /// How long they were waited for.
        waited: Duration,
    },
    /// A node's code panicked; its thread is gone.
    #[error("node {name:?} panicked: {message}; this is a bug in the node, its report is lost")]
    Panicked {
        /// The node.
        name: String,
        /// What it said.
        message: String,
    },
    /// The operating system gave no thread.
    #[error("cannot start a thread for {name:?}: {source}; the machine is out of memory or threads")]
    Thread {
        /// The node.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// zenoh refused.
    #[error("zenoh refused to {action}: {message}")]
    Zenoh {
        /// What was asked of it.
        action: String,
        /// What it said.
        message: String,
    },
}

impl BusError {
    /// For `map_err` on a call into zenoh.
    pub(crate) fn zenoh(action: &str) -> impl FnOnce(zenoh::Error) -> Self + '_ {
        move |error| Self::Zenoh { action: action.to_owned(), message: error.to_string() }
    }
}
