//! How much each recorded step is to teach.
//!
//! A [`Scheme`] is a way of weighting from the literature. [`solve`] turns it, and how many steps there are of each class, into a
//! weight per class that training can use whatever the counts: never negative, never beyond [`CAP`], and with the mean 1.
//! [`thin`] chooses what is kept where memory is limited. All of it is pure.

mod memory;
mod scheme;
mod solve;

pub use memory::{Keep, ParseKeepError, thin};
pub use scheme::{Application, Scheme, SchemeError};
pub use solve::{CAP, ClassWeight, Solution, WeightError, solve};

#[cfg(test)]
mod tests;
