//! Tasks are checked on hand-made scenes; that the expert really solves them is shown in the simulator's tests.

mod files;
mod scenes;
