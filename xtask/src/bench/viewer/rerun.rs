use retake_node::Node;
use retake_viz::{View, Viz, VizNode};
use tempfile::TempDir;

/// Who watches.
pub(crate) const WHAT: &str = "the view's own node, logging to a Rerun file";

/// The view's node, writing to a file in `dir`.
pub(crate) fn node(dir: &TempDir) -> anyhow::Result<Box<dyn Node>> {
    let file = View::File(dir.path().join("view.rrd"));
    Ok(Box::new(VizNode::new(Viz::open(&file, "bench")?)?))
}
