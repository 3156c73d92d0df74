//! Gamepads: events, state, shaping, map, and where events come from.

mod controls;
mod edges;
mod event;
mod gilrs_names;
mod gilrs_source;
mod legend;
mod map;
mod recording;
mod rewind;
mod rumble;
mod selection;
mod shape;
mod source;
mod state;

pub use controls::{Controls, Mapper, Situation};
pub use event::{
    Axis, Button, MappingKind, PadEvent, Stamped, StreamError, Trigger, parse_stream, write_line,
};
pub use gilrs_source::{GilrsSource, PadError, PadListing, list_pads};
pub use legend::legend;
pub use map::{AxisMap, ButtonMap, MapError, PadMap, Signed};
pub use recording::Recording;
pub use rumble::Feel;
pub use shape::{Shape, TriggerShape};
pub use source::{PadSource, RecordedSource, ScriptedSource};
pub use state::{PadInfo, PadState, Readiness};

#[cfg(test)]
mod hazard_tests;
#[cfg(test)]
mod map_tests;
