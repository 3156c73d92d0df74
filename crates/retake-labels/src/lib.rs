//! What each recorded step is an example of.
//!
//! [`label`] turns the evidence that a recording holds of an attempt (who drove each group at each tick, in what kind of segment)
//! into a [`Class`] per group and step. It is a pure function: labels are never recorded, so a better rule can be applied to old
//! recordings, and [`VERSION`] says which rule made a label. Nothing here knows files or clocks.

mod class;
mod label;

pub use class::{Class, combined};
pub use label::{Label, Rule, Step, label};

/// Version of the rules. It changes whenever the same evidence would be labelled otherwise.
pub const VERSION: u32 = 1;

#[cfg(test)]
mod tests;
