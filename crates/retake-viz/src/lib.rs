//! What happens, live or from a recording, in the Rerun viewer.
//!
//! [`Viz`] is an open view: a page in the browser, the native viewer, or a file. [`VizNode`] feeds it from a running
//! deployment on a thread of its own, [`replay`] from recorded messages; both log the same.

mod chart;
mod events;
mod layout;
mod logger;
mod node;
mod paint;
mod queue;
mod replay;
mod scene;
mod series;
mod status;
#[cfg(test)]
mod tests;
mod trail;
mod view;

pub use chart::Curve;
pub use node::VizNode;
pub use replay::{Replayed, replay};
pub use view::{View, Viz, VizError};
