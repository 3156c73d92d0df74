//! A node as a function of messages and time.
//!
//! Every node is a [`Node`]: it is told what arrived and what time it is, and answers with messages and the time it wants
//! to be woken next. It never reads a clock, waits or publishes by itself. [`Lockstep`] runs a whole deployment in one
//! thread on a manual clock; `retake-bus` runs the same nodes in real time over zenoh. A [`Witness`] writes down what a node was
//! told, so that what it did can be repeated.

mod echo;
mod lockstep;
mod node;
mod witness;

pub use echo::Echo;
pub use lockstep::{Fate, Lockstep, Stuck};
pub use node::{Node, Outbox};
pub use witness::Witness;
