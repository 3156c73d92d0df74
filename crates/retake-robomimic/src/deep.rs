use std::{path::Path, thread};

use crate::RobomimicError;

/// Types in a file may be nested as deep as 64 kB of description allow, and whoever reads them calls itself as often.
const STACK: usize = 64 << 20;

/// Does `work` with a stack that the most deeply nested file cannot exhaust. A panic in it is an error, too: no file may end us.
pub(crate) fn deep<T: Send>(
    path: &Path,
    work: impl FnOnce() -> Result<T, RobomimicError> + Send,
) -> Result<T, RobomimicError> {
    thread::scope(|scope| {
        let started = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let worker = started.map_err(RobomimicError::io("start a thread to read", path))?;
        let failed = |_| Err(RobomimicError::file(path, "somewhere in it", "it is damaged beyond reading"));
        worker.join().unwrap_or_else(failed)
    })
}
