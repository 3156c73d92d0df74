//! Where a view goes: browser, native viewer or file.

use std::{
    any::Any,
    fmt, io,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    time::Duration,
};

use rerun::{
    MemoryLimit, RecordingStream, RecordingStreamBuilder, ServerOptions, SpawnOptions,
    log::ChunkBatcherConfig, web_viewer::WebViewerConfig,
};

use crate::logger::Logger;

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// A page served on this machine only, with the viewer built in.
    Web {
        /// Port of the page; any free one if none is given.
        port: Option<u16>,
    },
    /// An `.rrd` file for later.
    File(PathBuf),
    /// Rerun's own viewer, if `rerun` is installed.
    Native,
}

/// Why there is no view.
#[derive(Debug, thiserror::Error)]
pub enum VizError {
    /// The port is taken, or there is no loopback.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Port {
        /// The port asked for; 0 for any.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The page with the viewer cannot be served.
    #[error("the viewer's page cannot be served: {0}")]
    Page(String),
    /// The native viewer is not there or does not start.
    #[error("the native viewer does not start: {0} (pip install rerun-sdk=={VERSION}, or use the web view)")]
    Native(String),
    /// Rerun refused.
    #[error("the view cannot be opened: {0}")]
    Stream(String),
    /// The logging thread cannot be started.
    #[error("the view's thread cannot be started: {0}")]
    Thread(io::Error),
    /// What was logged did not get out.
    #[error("the view did not take everything in time: {0}")]
    Flush(String),
}

/// Version of the viewer that fits.
const VERSION: &str = "0.36.3";
/// History kept for a browser that connects late; the oldest goes first.
const HISTORY_BYTES: u64 = 1 << 30;
/// Rows are sent together for this long. Rerun's 8 ms for live data makes ten times the packets, and viewers pay per packet.
const BATCH: Duration = Duration::from_millis(80);
const FLUSH: Duration = Duration::from_secs(10);

/// An open view. The page is served until it is dropped.
pub struct Viz {
    pub(crate) stream: RecordingStream,
    pub(crate) logger: Option<Logger>,
    address: Option<String>,
    /// Kept because dropping it closes the page.
    _page: Option<Box<dyn Any + Send>>,
}

impl fmt::Debug for Viz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Viz").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Viz {
    /// Opens `view`, titled `name`.
    ///
    /// # Errors
    /// If the port is taken, the file cannot be written, or the native viewer is not installed.
    pub fn open(view: &View, name: &str) -> Result<Self, VizError> {
        let batches = ChunkBatcherConfig { flush_tick: BATCH, ..ChunkBatcherConfig::DEFAULT };
        let builder = RecordingStreamBuilder::new("retake").recording_name(name).batcher_config(batches);
        let refused = |error: rerun::RecordingStreamError| VizError::Stream(error.to_string());
        let (stream, address, page) = match view {
            View::File(path) => (builder.save(path).map_err(refused)?, None, None),
            View::Native => {
                let options = SpawnOptions { port: free_port(None)?, ..SpawnOptions::default() };
                let stream =
                    builder.spawn_opts(&options).map_err(|error| VizError::Native(first_line(&error)))?;
                (stream, None, None)
            }
            View::Web { port } => {
                let data_port = free_port(None)?;
                let page_port = free_port(*port)?;
                let options = ServerOptions {
                    memory_limit: MemoryLimit::from_bytes(HISTORY_BYTES),
                    ..ServerOptions::default()
                };
                let stream = builder.serve_grpc_opts("127.0.0.1", data_port, options).map_err(refused)?;
                let source = format!("rerun+http://127.0.0.1:{data_port}/proxy");
                let page = rerun::serve_web_viewer(WebViewerConfig {
                    bind_ip: "127.0.0.1".into(),
                    web_port: page_port.into(),
                    open_browser: false,
                    ..WebViewerConfig::default()
                })
                .map_err(|error| VizError::Page(error.to_string()))?;
                let address = format!("{}?url={}", page.server_url(), source.replace('+', "%2B"));
                (stream, Some(address), Some(Box::new(page) as Box<dyn Any + Send>))
            }
        };
        let logger = Some(Logger::new(stream.clone()));
        Ok(Self { stream, logger, address, _page: page })
    }

    /// What to open in a browser; only the web view has one.
    pub fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }

    /// Waits until everything logged so far has been handed over.
    ///
    /// # Errors
    /// If the file or the viewer does not take it in time.
    pub fn flush(&self) -> Result<(), VizError> {
        self.stream.flush_with_timeout(FLUSH).map_err(|error| VizError::Flush(error.to_string()))
    }
}

/// `wanted`, or any port that nobody listens on. Rerun itself only logs that a port is taken.
fn free_port(wanted: Option<u16>) -> Result<u16, VizError> {
    let port = wanted.unwrap_or(0);
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| listener.local_addr());
    bound.map(|address| address.port()).map_err(|source| VizError::Port { port, source })
}

fn first_line(error: &rerun::RecordingStreamError) -> String {
    error.to_string().lines().next().unwrap_or("no reason given").to_owned()
}
