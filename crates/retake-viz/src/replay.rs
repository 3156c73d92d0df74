//! A recording in a view.

use retake_units::MonoTime;
use retake_wire::Message;

use crate::{Viz, VizError, logger::Logger};

/// What was shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Messages read.
    pub messages: u64,
    /// Things Rerun refused; zero unless something is wrong.
    pub refused: u64,
}

/// How often progress is told, messages.
const STRIDE: u64 = 1000;

/// Logs recorded messages as they would have been logged live, as fast as they come. `progress` is called every thousand
/// messages and at the end, with the count and the recording's time. The view stays open: keep `viz` as long as someone
/// looks.
///
/// # Errors
/// If the view does not take it all.
pub fn replay(
    messages: impl IntoIterator<Item = (MonoTime, Message)>,
    viz: &mut Viz,
    mut progress: impl FnMut(u64, MonoTime),
) -> Result<Replayed, VizError> {
    let stream = viz.stream.clone();
    let logger = viz.logger.get_or_insert_with(|| Logger::new(stream));
    let (mut count, mut last) = (0_u64, MonoTime::ZERO);
    for (at, message) in messages {
        logger.log(at, &message);
        (count, last) = (count + 1, at);
        if count.is_multiple_of(STRIDE) {
            progress(count, last);
        }
    }
    progress(count, last);
    let refused = logger.refused();
    viz.flush()?;
    Ok(Replayed { messages: count, refused })
}
