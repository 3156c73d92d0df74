//! The `retake` program as people and scripts meet it: real processes, real files, real signals.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

mod check;
mod crash;
mod dataset;
mod deployment;
mod dying_nodes;
mod epochs;
mod exports;
mod full_disk;
mod launch;
mod learning;
mod lockstep;
mod log;
mod process;
mod refusals;
mod refused_launches;
mod replay;
mod states;
mod story;
mod suggest;
mod verify;
