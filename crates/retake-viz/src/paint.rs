//! One colour and one word for each owner and phase, the same everywhere.

use retake_wire::pb;

/// Red, green, blue, opacity as Rerun packs them.
pub(crate) type Rgba = u32;

/// Who drives, as the strip and the trail show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Driver {
    pub(crate) word: &'static str,
    pub(crate) colour: Rgba,
}

pub(crate) const POLICY: Driver = Driver { word: "POLICY", colour: 0x3B82_F6FF };
pub(crate) const HUMAN: Driver = Driver { word: "HUMAN", colour: 0x22C5_5EFF };
pub(crate) const SHARED: Driver = Driver { word: "SHARED", colour: 0x14B8_A6FF };
pub(crate) const REWIND: Driver = Driver { word: "REWIND", colour: 0xA855_F7FF };
pub(crate) const HOLD: Driver = Driver { word: "HOLD", colour: 0xF59E_0BFF };
pub(crate) const STOP: Driver = Driver { word: "STOP", colour: 0xEF44_44FF };
pub(crate) const DRIVERS: [Driver; 6] = [POLICY, HUMAN, SHARED, REWIND, HOLD, STOP];

pub(crate) const fn driver(owner: pb::Owner, stopped: bool) -> Driver {
    if stopped {
        return STOP;
    }
    match owner {
        pb::Owner::Policy => POLICY,
        pb::Owner::Human => HUMAN,
        pb::Owner::Shared => SHARED,
        pb::Owner::Rewind => REWIND,
        pb::Owner::Hold | pb::Owner::Unspecified => HOLD,
    }
}

/// Phases of an episode, in order.
pub(crate) const PHASES: [(pb::Phase, &str, Rgba); 5] = [
    (pb::Phase::Waiting, "waiting", 0x6B72_80FF),
    (pb::Phase::Resetting, "resetting", 0x9CA3_AFFF),
    (pb::Phase::Ready, "ready", 0x38BD_F8FF),
    (pb::Phase::Running, "running", 0x10B9_81FF),
    (pb::Phase::Ended, "ended", 0x7857_4FFF),
];

pub(crate) fn phase(phase: pb::Phase) -> &'static str {
    PHASES.iter().find(|(known, ..)| *known == phase).map_or("waiting", |(_, word, _)| word)
}

/// Colours of the values of a group, far enough apart for eight.
pub(crate) const VALUES: [Rgba; 8] =
    [0x60A5_FAFF, 0xF871_71FF, 0x4ADE_80FF, 0xFBBF_24FF, 0xC084_FCFF, 0x22D3_EEFF, 0xFB92_3CFF, 0xF472_B6FF];

/// The same colour, fainter.
pub(crate) const fn faint(colour: Rgba, opacity: u8) -> Rgba {
    (colour & 0xFFFF_FF00) | opacity as u32
}
