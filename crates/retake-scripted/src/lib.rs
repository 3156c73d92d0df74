//! Scripted operators.
//!
//! They sit where a person would: they see observations and the status, and act through the same input topic as a gamepad,
//! clutch and all. [`Script`] names them; [`ScriptedOperator`] is the node that runs one.

mod attempt;
mod drive;
mod node;
mod script;
mod supervisor;

pub use node::{ScriptedConfig, ScriptedOperator, Speeds};
pub use script::{Script, ScriptError};
