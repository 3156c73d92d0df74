//! The states of the simulated world that were recorded on the way through an episode.

use std::collections::VecDeque;

use retake_wire::{
    Message, Topic,
    pb::{EpisodeRecord, GroupTick, Owner, Phase, RobotDescriptor, SimState, TickRecord},
};

use crate::{LogError, Recording};

/// A moment of an episode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Tick.
    pub tick: u64,
    /// The arbiter's time, nanoseconds.
    pub at_nanos: i64,
}

impl Place {
    /// Seconds from here to a later place.
    pub fn seconds_to(self, later: Self) -> f64 {
        later.at_nanos.saturating_sub(self.at_nanos) as f64 * 1e-9
    }
}

/// A recorded state, and the first tick that was decided from it.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedState {
    /// When.
    pub place: Place,
    /// The state.
    pub state: SimState,
}

/// An episode as the places it can be begun again from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EpisodeStates {
    /// Episodes that the recording has ticks of, in order.
    pub episodes: Vec<u64>,
    /// The robot, if it was recorded.
    pub robot: Option<RobotDescriptor>,
    /// The arbiter's last word on the episode.
    pub record: Option<EpisodeRecord>,
    /// Version of the policy that was asked.
    pub policy: String,
    /// First tick at the start state.
    pub start: Option<Place>,
    /// First tick after the episode, or its last where that is not recorded.
    pub end: Place,
    /// First tick at which a human drove or rewound after the policy had driven.
    pub takeover: Option<Place>,
    /// In order. States that were saved under a name are among them.
    pub states: Vec<PlacedState>,
}

/// Reads the states of one episode. An episode that is not there has no start.
///
/// # Errors
/// If the system refuses to read.
pub fn episode_states(recording: &Recording, episode: u64) -> Result<EpisodeStates, LogError> {
    let wanted = [Topic::Descriptor, Topic::Episode, Topic::Tick, Topic::SimState];
    let mut reader = Reader { episode, ..Reader::default() };
    for logged in recording.messages_on(&wanted) {
        reader.note(logged?.message);
    }
    Ok(reader.found)
}

/// The newest state that was saved under `name`.
///
/// # Errors
/// If the system refuses to read.
pub fn named_state(recording: &Recording, name: &str) -> Result<Option<SimState>, LogError> {
    let mut found = None;
    for logged in recording.messages_on(&[Topic::SimState]) {
        if let Message::SimState(state) = logged?.message
            && state.name == name
        {
            found = Some(state);
        }
    }
    Ok(found)
}

#[derive(Debug, Default)]
struct Reader {
    episode: u64,
    found: EpisodeStates,
    /// States that no tick has been decided from yet.
    waiting: Vec<SimState>,
    /// The last ticks of the episode, and the observation each was decided from: a state may be recorded after its tick.
    recent: VecDeque<(u64, Place)>,
    policy_drove: bool,
    ended: bool,
}

/// Ticks remembered. A state that is recorded later than so many ticks after its own is given to the oldest of them.
const RECENT: usize = 50;

impl Reader {
    #[expect(clippy::wildcard_enum_match_arm, reason = "only these topics are read")]
    fn note(&mut self, message: Message) {
        match message {
            Message::Descriptor(descriptor) => self.found.robot = Some(descriptor),
            Message::Episode(record) if record.episode == self.episode => self.found.record = Some(record),
            Message::SimState(state) => self.state(state),
            Message::Tick(tick) => self.tick(&tick),
            _ => {}
        }
    }

    fn state(&mut self, state: SimState) {
        let decided = self.recent.iter().find(|(seq, _)| state.observation_seq <= *seq);
        match decided {
            Some(&(_, place)) => self.found.states.push(PlacedState { place, state }),
            None => self.waiting.push(state),
        }
    }

    fn tick(&mut self, tick: &TickRecord) {
        let place = Place { tick: tick.tick, at_nanos: tick.at_nanos };
        if tick.episode > 0 && self.found.episodes.last() != Some(&tick.episode) {
            self.found.episodes.push(tick.episode);
        }
        let (shown, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|state: &SimState| state.observation_seq <= tick.observation_seq);
        self.waiting = waiting;
        if tick.episode != self.episode || self.ended {
            return;
        }
        let open = matches!(tick.phase(), Phase::Ready | Phase::Running);
        if !open && self.found.start.is_none() {
            return;
        }
        self.found.end = place;
        self.ended = !open;
        if self.ended {
            self.recent.clear();
            return;
        }
        self.recent.push_back((tick.observation_seq, place));
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        self.found.start.get_or_insert(place);
        if !tick.policy_version.is_empty() {
            self.found.policy.clone_from(&tick.policy_version);
        }
        self.owners(&tick.groups, place);
        self.found.states.extend(shown.into_iter().map(|state| PlacedState { place, state }));
    }

    fn owners(&mut self, groups: &[GroupTick], place: Place) {
        let human = |owner: Owner| matches!(owner, Owner::Human | Owner::Rewind | Owner::Shared);
        if self.policy_drove && groups.iter().any(|group| human(group.owner())) {
            self.found.takeover.get_or_insert(place);
        }
        self.policy_drove |= groups.iter().any(|group| group.owner() == Owner::Policy);
    }
}
