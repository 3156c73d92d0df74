//! The nodes put together, and the commands that run them.
