//! Quantities that refuse to mix.
//!
//! Decides nothing and owns nothing: newtypes with checked constructors. [`MonoTime`] is the only time that logic sees;
//! [`WallTime`] exists to label files for people, and the two cannot be subtracted from one another.

#![no_std]

mod counter;
mod time;

pub use counter::{Epoch, Tick};
pub use time::{MonoTime, WallTime};
