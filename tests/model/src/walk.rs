//! Random events, told to the state machine, the model and the account alike.

use std::{collections::VecDeque, fmt, time::Duration};

use retake_authority::{
    Act, Config, Drive, Event, GroupSet, OperatorId, Owner, Protocol, RewindEnd, State, Supervision,
    deadline, step,
};
use retake_units::{Epoch, MonoTime};

use crate::{Account, Coverage, Model, Random};

/// The first difference between the state machine and what must be.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Finds it again.
    pub seed: u64,
    /// After so many events.
    pub step: u64,
    /// What is wrong.
    pub what: String,
    /// The last events before it, oldest first.
    pub trail: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, event {}: {}", self.seed, self.step, self.what)?;
        self.trail.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

impl std::error::Error for Failure {}

const TRAIL: usize = 24;
const OPERATORS: [OperatorId; 3] = [OperatorId(1), OperatorId(2), OperatorId(3)];

/// The configuration that a seed's walk is about: each protocol, with and without supervision, one to three groups.
pub fn setting(seed: u64) -> Config {
    let mut random = Random::new(seed ^ 0x5e77);
    let mut millis = |from: u64, to: u64| Duration::from_millis(from + random.below(to - from));
    let times = [millis(50, 150), millis(100, 600), millis(80, 300), millis(40, 600), millis(100, 500)];
    let [operator_timeout, policy_timeout, robot_timeout, idle_release, tap_limit] = times;
    // Free more often than the others: it allows most.
    let protocol =
        if random.one_in(2) { Protocol::Free } else { random.pick(&Protocol::ALL, Protocol::Free) };
    Config {
        groups: GroupSet::first(random.pick(&[1, 2, 2, 3], 2)),
        operator_timeout,
        policy_timeout,
        robot_timeout,
        supervision: if random.one_in(3) { Supervision::Required } else { Supervision::Optional },
        protocol,
        idle_release,
        tap_limit,
    }
}

/// Tells `steps` random events of this seed.
///
/// # Errors
/// The first difference.
pub fn walk(seed: u64, steps: u64) -> Result<Coverage, Failure> {
    let mut walk = Walk::new(seed);
    for step in 0..steps {
        walk.advance().map_err(|what| Failure { seed, step, what, trail: walk.trail.clone().into() })?;
    }
    Ok(walk.coverage)
}

struct Walk {
    config: Config,
    random: Random,
    state: State,
    model: Model,
    account: Account,
    now: MonoTime,
    /// What each operator's hands do, until they do something else.
    hands: [(GroupSet, Drive, bool); 3],
    coverage: Coverage,
    trail: VecDeque<String>,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let (config, first) = (setting(seed), Epoch(seed % 5));
        Self {
            config,
            random: Random::new(seed),
            state: State::new(first),
            model: Model::new(config, first),
            account: Account::new(&config),
            now: MonoTime::ZERO,
            hands: [(GroupSet::NONE, Drive::Direct, false); 3],
            coverage: Coverage::default(),
            trail: VecDeque::with_capacity(TRAIL),
        }
    }

    fn advance(&mut self) -> Result<(), String> {
        let due = deadline(&self.config, &self.state);
        let next = self.now + self.wait(due);
        if let Some(due) = due {
            self.nothing_ends_before(due.max(self.now))?;
            // Mostly the node looks in time, and sometimes it is late.
            if due <= next && !self.random.one_in(4) {
                self.now = due.max(self.now);
                self.tell(Event::Elapsed)?;
            }
        }
        self.now = next;
        let event = self.event();
        self.tell(event)
    }

    /// Mostly short, sometimes long, and often to the very instant at which something ends, or the one before.
    fn wait(&mut self, due: Option<MonoTime>) -> Duration {
        let until = due.map(|due| due.since(self.now)).filter(|until| *until < Duration::from_millis(400));
        match (self.random.below(24), until) {
            (0, Some(until)) => until,
            (1, Some(until)) => until.saturating_sub(Duration::from_nanos(1)),
            (2, Some(until)) => until + Duration::from_nanos(1),
            (3, _) if self.random.one_in(2) => Duration::from_millis(self.random.below(700)),
            (4..=8, _) => Duration::ZERO,
            _ => Duration::from_micros(self.random.below(9_000)),
        }
    }

    fn nothing_ends_before(&self, due: MonoTime) -> Result<(), String> {
        let before = MonoTime::from_nanos(due.nanos().saturating_sub(1));
        if before >= self.now && step(&self.config, self.state, Event::Elapsed, before).state != self.state {
            return Err(format!("something ended before the deadline {due:?}"));
        }
        if step(&self.config, self.state, Event::Elapsed, due).state == self.state {
            return Err(format!("nothing ended at the deadline {due:?}"));
        }
        Ok(())
    }

    fn tell(&mut self, event: Event) -> Result<(), String> {
        if self.trail.len() == TRAIL {
            self.trail.pop_front();
        }
        self.trail.push_back(format!("{:>12} ns  {event:?}", self.now.nanos()));
        let before = self.state;
        let outcome = step(&self.config, before, event, self.now);
        self.state = outcome.state;
        self.coverage.note(&self.config, &before, &outcome);
        self.account.write(event, outcome.refusal.is_some(), self.now);
        self.account.check(&self.config, &before, event, &outcome, self.now)?;
        let (changed, refusal) = self.model.tell(event, self.now);
        self.model.compare(&self.state, self.now)?;
        if (changed, refusal) != (outcome.changed, outcome.refusal) {
            let (is, why) = (outcome.changed, outcome.refusal);
            return Err(format!("must change {changed:?}, {refusal:?}, and changes {is:?}, {why:?}"));
        }
        Ok(())
    }

    fn event(&mut self) -> Event {
        // Mostly whoever holds the lease.
        let holder = OPERATORS.iter().position(|operator| self.state.operator() == Some(*operator));
        let anyone = self.random.pick(&[0, 0, 0, 1, 1, 2], 0);
        let who = holder.filter(|_| !self.random.one_in(5)).unwrap_or(anyone);
        let operator = OPERATORS.get(who).copied().unwrap_or(OperatorId(1));
        match self.random.below(32) {
            0..=11 => self.input(who, operator),
            12..=14 => Event::Act { operator, act: Act::Resume },
            15..=16 => Event::Act { operator, act: self.any_act() },
            17 if self.state.stopped() || self.random.one_in(4) => {
                Event::Act { operator, act: Act::ClearStop }
            }
            18..=19 => {
                // Now and then the policy believes in an epoch long past, or one that has not begun.
                let epoch = (self.state.epoch().0 + 1)
                    .saturating_sub(self.random.pick(&[0, 1, 1, 1, 1, 1, 2, 3, 9], 1));
                Event::Proposed { epoch: Epoch(epoch) }
            }
            20..=21 => self.rarely(),
            22..=23 if !self.account.episode_open() || self.random.one_in(40) => Event::EpisodeOpened,
            24 => Event::Elapsed,
            25 if self.random.one_in(3) => {
                let operator = self.random.pick(&OPERATORS, operator);
                Event::Act { operator, act: Act::RequestLease }
            }
            // Whoever has asked waits and watches, and the holder may have gone for a coffee.
            25..=26 if self.state.requested_by().is_some() => Event::Input {
                operator: self.state.requested_by().unwrap_or(operator),
                age: self.age(),
                clutch: GroupSet::NONE,
                drive: Drive::Direct,
                rewind: false,
                valid: true,
            },
            _ => Event::RobotSeen,
        }
    }

    /// Hands mostly stay where they are.
    fn input(&mut self, who: usize, operator: OperatorId) -> Event {
        // Who does not hold the lease mostly watches.
        let moves = if self.state.operator() == Some(operator) { 3 } else { 12 };
        if self.random.one_in(moves)
            && let Some(hands) = self.hands.get_mut(who)
        {
            let drive = if self.random.one_in(2) { Drive::Residual } else { Drive::Direct };
            let groups = match self.random.below(6) {
                0..=2 => GroupSet::NONE,
                3 => GroupSet::ALL,
                _ => (0..8).filter(|_| self.random.one_in(2)).fold(GroupSet::NONE, GroupSet::with),
            };
            *hands = (groups, drive, self.random.one_in(4));
        }
        let (clutch, drive, rewind) = self.hands.get(who).copied().unwrap_or_default();
        let age = self.age();
        Event::Input { operator, age, clutch, drive, rewind, valid: !self.random.one_in(30) }
    }

    /// Mostly young, sometimes as old as can be heard, or older.
    fn age(&mut self) -> Duration {
        match self.random.below(12) {
            0 => Duration::from_micros(self.random.below(160_000)),
            1 => self.config.operator_timeout.saturating_sub(Duration::from_nanos(self.random.below(3))),
            2..=5 => Duration::from_micros(self.random.below(30_000)),
            _ => Duration::ZERO,
        }
    }

    fn any_act(&mut self) -> Act {
        let acts = [
            Act::Pause,
            Act::Pause,
            Act::ReleaseLease,
            Act::RequestLease,
            Act::RequestLease,
            Act::RewindTap,
            Act::RewindTap,
            Act::MarkRecovery,
            Act::MarkCorrection,
        ];
        if self.random.one_in(16) { Act::Stop } else { self.random.pick(&acts, Act::Pause) }
    }

    fn rarely(&mut self) -> Event {
        let rewinds = !self.state.owned(&self.config, |owner| owner == Owner::Rewind).is_empty();
        if !rewinds && !self.random.one_in(3) {
            return Event::RobotSeen;
        }
        let ends = [
            RewindEnd::Exhausted,
            RewindEnd::AtGripper,
            RewindEnd::Blocked,
            RewindEnd::Arrived,
            RewindEnd::Contact,
            RewindEnd::Limited,
        ];
        match self.random.below(9) {
            0 => Event::PolicyFaulted,
            1 => Event::HelpNeeded,
            2 => Event::PolicyFar {
                groups: (0..3).filter(|_| self.random.one_in(2)).fold(GroupSet::NONE, GroupSet::with),
            },
            3 => Event::DriverTripped,
            4 if self.random.one_in(4) => Event::EpisodeClosed,
            5 if self.random.one_in(2) => Event::Restored,
            _ => Event::RewindEnded(self.random.pick(&ends, RewindEnd::Exhausted)),
        }
    }
}
