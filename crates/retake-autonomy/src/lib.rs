//! How far the policy may go on by itself.
//!
//! Policies, critics and monitors say how much they need the operator ([`Autonomy::heard`]); at each tick
//! [`Autonomy::step`] makes a [`Level`] of it: full, slowed, or hold. Down at once, up only after calm has lasted; hold is left
//! only by the operator's own act. It advises and slows, and is never the safety layer: all limits stand without it.
//!
//! What must hold, and is tested: what is not a number, or has gone silent, counts as the worst · a need as high as
//! `hold_above` is never suppressed · an operator who is not there is never waited for: what would slow then holds · between
//! two thresholds nothing chatters.

mod history;
mod level;
mod source;

pub use level::{Autonomy, AutonomyConfig, Level, Situation};
pub use source::Call;

#[cfg(test)]
mod tests;
