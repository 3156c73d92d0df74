//! The simulated robot: a seven-joint arm with a gripper, a table and a task's objects, on the Rapier physics engine.
//!
//! [`World`] takes joint position commands, as a real arm's position interface does, and moves by physics alone: the
//! joints are servos with limited torque, the fingers hold things by friction, and what the arm bumps into pushes back.
//! Same seed and same commands give bit-identical states, also across [`World::snapshot`] and [`World::restore`].
//! It reads no clock and has no threads; the simulator node wraps it for the bus.
//!
//! Metres, radians, seconds, newtons; poses in the robot's base frame (x forward, y left, z up).

mod arm;
mod contact;
mod convert;
mod descriptor;
mod digest;
mod engine;
mod error;
mod named;
mod node;
mod past;
mod scene;
mod servo;
mod snapshot;
mod state;
#[cfg(test)]
mod tests;
mod world;

pub use descriptor::{CONTROL_HZ, descriptor};
pub use error::SimError;
pub use named::{StartState, is_state_name};
pub use node::SimNode;
pub use snapshot::{SNAPSHOT_LIMIT, Snapshot};
pub use state::SimState;
pub use world::World;
