//! Someone who watches a deployment: the view's own node where `xtask` was built with it, else a stand-in.

#[cfg(feature = "viewer")]
#[path = "viewer/rerun.rs"]
mod imp;
#[cfg(not(feature = "viewer"))]
#[path = "viewer/stand_in.rs"]
mod imp;

pub(crate) use imp::{WHAT, node};
