//! Whole deployments on a manual clock: no sleeping, no network, the same every time.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod bumpless;
mod decoders;
mod disks;
mod groups;
mod hands;
mod help;
mod incidents;
mod limits;
mod links;
mod operators;
mod outcomes;
mod pad;
mod processes;
mod proposals;
mod protocols;
mod recorded_states;
mod replay;
mod restores;
mod rewind;
mod rewind_aborts;
mod rewind_tree;
mod shared;
mod speed;
mod start_states;
mod stop;
mod storms;
mod takeover;
mod tidy;
mod verdicts;
mod verify;
