//! Cameras rendered on the CPU: what each camera of a simulated robot sees, without a display or a GPU.
//!
//! [`SceneModel`] turns a descriptor and an observation into posed primitives, [`Renderer`] turns those into pixels, and
//! [`CameraNode`] does so at each camera's rate and publishes JPEG. The same scene always gives the same bytes.

mod clip;
mod ground;
mod jpeg;
mod light;
mod mesh;
mod model;
mod node;
mod number;
mod raster;
mod renderer;
mod rig;
mod scene;
#[cfg(test)]
mod tests;

pub use jpeg::{JpegError, encode_jpeg};
pub use model::{Body, BodyKind, Part, SceneError, SceneModel};
pub use node::CameraNode;
pub use renderer::{MAX_SIDE, Renderer};
pub use retake_kinematics::Shape;
pub use scene::{CameraView, Item, Scene};
