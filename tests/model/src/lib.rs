//! A second account of authority, to test the first against.
//!
//! [`Model`] keeps no state but what happened and when, and answers each question by reading that history backwards: slow, and
//! plain enough to be checked by reading it. It shares the vocabulary of `retake-authority` and none of its rules. [`Account`]
//! is a third, which knows only what was said and checks what must never happen, whatever the rules are. [`walk`] lets both
//! follow random events beside the state machine and reports the first difference with the seed that finds it again.

mod account;
mod compare;
mod coverage;
mod history;
mod protocol;
mod random;
mod rules;
mod walk;

pub use account::Account;
pub use coverage::Coverage;
pub use random::Random;
pub use rules::Model;
pub use walk::{Failure, setting, walk};
