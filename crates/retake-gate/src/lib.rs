//! The last check before the actuator.
//!
//! Every driver, and the simulator, lets commands through this one [`Gate`] and no other way. It keeps the highest epoch it
//! has seen and refuses older ones, refuses repeats and reorderings, bounds a command's age by the driver's own nonces,
//! refuses what is not finite, out of range or too far from the last set-point, and stops by itself when commands stop.
//! It never changes a command: it lets it through whole or not at all. No clock and no transport.

mod gate;

pub use gate::{Gate, GateConfig, GroupLimits};
pub use retake_wire::pb::Outcome;

#[cfg(test)]
mod tests;
