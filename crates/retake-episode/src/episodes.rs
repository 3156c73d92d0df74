//! When an attempt begins and ends, and with which verdict.

use std::time::Duration;

use retake_units::MonoTime;

/// Where in its life an episode is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No robot yet.
    Waiting,
    /// The scene is being put into its start state.
    Resetting,
    /// At the start state; nobody has driven yet.
    Ready,
    /// Somebody drives, or has.
    Running,
    /// Over; waiting for the next.
    Ended,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The task was done.
    Success,
    /// It was not.
    Failure,
    /// Not to be used.
    Discarded,
}

/// Why an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The driver saw the task succeed.
    Task,
    /// Its time was up.
    Time,
    /// The operator said so.
    Operator,
    /// The service was stopped.
    Shutdown,
    /// The driver restarted or changed.
    Robot,
}

/// Rules for a session's episodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EpisodesConfig {
    /// How many to do; 0 for no end.
    pub count: u64,
    /// Seed of the first start state; each further episode adds one.
    pub seed: u64,
    /// Robot time an attempt may take from the first drive.
    pub time_limit: Option<Duration>,
    /// Pause before the next begins by itself; `None` waits for the operator.
    pub auto_next: Option<Duration>,
}

/// One attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Episode {
    /// Its number, from 1.
    pub number: u64,
    /// Seed of its start state.
    pub seed: u64,
    /// When somebody first drove.
    pub started: Option<MonoTime>,
    /// Verdict and reason, once over.
    pub ended: Option<(Option<Verdict>, EndReason, MonoTime)>,
}

/// What the session's episodes ask the node to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Put the scene into the start state of this episode.
    Reset(Episode),
    /// It may be driven from here.
    Open(Episode),
    /// Somebody began to drive it.
    Begin(Episode),
    /// It is over.
    Close(Episode),
    /// All are done.
    Finish,
}

/// A session's episodes, one after the other.
#[derive(Clone, Debug)]
pub struct Episodes {
    config: EpisodesConfig,
    phase: Phase,
    current: Episode,
    tally: [u64; 3],
    finished: bool,
}

impl Episodes {
    /// Before the first.
    pub const fn new(config: EpisodesConfig) -> Self {
        let current = Episode { number: 0, seed: config.seed, started: None, ended: None };
        Self { config, phase: Phase::Waiting, current, tally: [0; 3], finished: false }
    }

    /// Where the current one is.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// The current one; number 0 before the first.
    pub const fn current(&self) -> Episode {
        self.current
    }

    /// Successes, failures and discarded so far.
    pub const fn tally(&self) -> [u64; 3] {
        self.tally
    }

    /// All are done.
    pub const fn finished(&self) -> bool {
        self.finished
    }

    /// The robot is there: begin the first.
    pub fn robot_ready(&mut self) -> Option<Step> {
        (self.phase == Phase::Waiting).then(|| self.next())
    }

    /// The scene is in the start state of the current episode.
    pub fn reset_done(&mut self) -> Option<Step> {
        (self.phase == Phase::Resetting).then(|| {
            self.phase = Phase::Ready;
            Step::Open(self.current)
        })
    }

    /// Somebody drives.
    pub fn driven(&mut self, now: MonoTime) -> Option<Step> {
        (self.phase == Phase::Ready).then(|| {
            self.phase = Phase::Running;
            self.current.started = Some(now);
            Step::Begin(self.current)
        })
    }

    /// The attempt is over. Before anyone has driven there is nothing to judge, and only a shutdown or the robot ends it.
    pub fn end(&mut self, verdict: Option<Verdict>, reason: EndReason, now: MonoTime) -> Option<Step> {
        let abandoned = matches!(reason, EndReason::Shutdown | EndReason::Robot);
        let open = match self.phase {
            Phase::Running => true,
            Phase::Ready => abandoned,
            Phase::Waiting | Phase::Resetting | Phase::Ended => false,
        };
        open.then(|| {
            self.phase = Phase::Ended;
            self.current.ended = Some((verdict, reason, now));
            if let Some(verdict) = verdict {
                self.tally[verdict as usize] += 1;
            }
            Step::Close(self.current)
        })
    }

    /// After the end, the operator may still change their mind about the verdict.
    pub fn judge_again(&mut self, verdict: Verdict) -> Option<Step> {
        let (before, reason, at) = self.current.ended.filter(|_| self.phase == Phase::Ended)?;
        if before == Some(verdict) {
            return None;
        }
        if let Some(before) = before {
            self.tally[before as usize] -= 1;
        }
        self.tally[verdict as usize] += 1;
        self.current.ended = Some((Some(verdict), reason, at));
        Some(Step::Close(self.current))
    }

    /// The operator asks for the next.
    pub fn next_wanted(&mut self) -> Option<Step> {
        (self.phase == Phase::Ended && !self.finished).then(|| self.next())
    }

    /// Time passed: ends what took too long, and goes on by itself where that is the rule.
    pub fn elapsed(&mut self, now: MonoTime) -> Option<Step> {
        match (self.phase, self.current.started, self.current.ended) {
            (Phase::Running, Some(started), _) => {
                let over = self.config.time_limit.is_some_and(|limit| now.since(started) >= limit);
                over.then(|| self.end(Some(Verdict::Failure), EndReason::Time, now)).flatten()
            }
            (Phase::Ended, _, Some((_, _, ended))) if !self.finished => {
                let due = self.config.auto_next.is_some_and(|pause| now.since(ended) >= pause);
                due.then(|| self.next())
            }
            _ => None,
        }
    }

    fn next(&mut self) -> Step {
        if self.config.count > 0 && self.current.number >= self.config.count {
            self.finished = true;
            return Step::Finish;
        }
        let number = self.current.number + 1;
        let seed = self.config.seed.wrapping_add(number - 1);
        self.current = Episode { number, seed, started: None, ended: None };
        self.phase = Phase::Resetting;
        Step::Reset(self.current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> MonoTime {
        MonoTime::from_nanos(seconds * 1_000_000_000)
    }

    fn episodes(count: u64) -> Episodes {
        let mut episodes = Episodes::new(EpisodesConfig {
            count,
            seed: 7,
            time_limit: Some(Duration::from_secs(10)),
            auto_next: Some(Duration::from_secs(1)),
        });
        assert!(matches!(episodes.robot_ready(), Some(Step::Reset(Episode { number: 1, seed: 7, .. }))));
        episodes
    }

    #[test]
    fn an_attempt_goes_from_reset_to_verdict_to_the_next() {
        let mut episodes = episodes(2);
        assert!(matches!(episodes.reset_done(), Some(Step::Open(_))));
        assert!(matches!(episodes.driven(at(1)), Some(Step::Begin(_))));
        assert_eq!(episodes.driven(at(2)), None);
        assert_eq!(episodes.elapsed(at(10)), None);
        let Some(Step::Close(closed)) = episodes.elapsed(at(11)) else { panic!("time is up") };
        assert_eq!(closed.ended, Some((Some(Verdict::Failure), EndReason::Time, at(11))));
        assert_eq!(episodes.elapsed(at(11)), None);
        assert!(matches!(episodes.elapsed(at(12)), Some(Step::Reset(Episode { number: 2, seed: 8, .. }))));
        episodes.reset_done();
        episodes.driven(at(13));
        episodes.end(Some(Verdict::Success), EndReason::Task, at(14));
        assert_eq!(episodes.tally(), [1, 1, 0]);
        assert_eq!(episodes.elapsed(at(15)), Some(Step::Finish));
        assert!(
            episodes.finished() && episodes.elapsed(at(99)).is_none() && episodes.next_wanted().is_none()
        );
    }

    #[test]
    fn a_verdict_before_anyone_drove_is_no_verdict() {
        let mut episodes = episodes(1);
        assert_eq!(episodes.end(Some(Verdict::Success), EndReason::Operator, at(0)), None);
        episodes.reset_done();
        assert_eq!(episodes.end(Some(Verdict::Success), EndReason::Operator, at(0)), None);
        assert!(episodes.end(None, EndReason::Shutdown, at(0)).is_some());
    }

    #[test]
    fn the_operator_may_change_the_verdict_until_the_next_begins() {
        let mut episodes = episodes(0);
        assert_eq!(episodes.judge_again(Verdict::Success), None);
        episodes.reset_done();
        episodes.driven(at(0));
        episodes.end(Some(Verdict::Failure), EndReason::Operator, at(1));
        assert!(matches!(episodes.judge_again(Verdict::Discarded), Some(Step::Close(_))));
        assert_eq!((episodes.tally(), episodes.judge_again(Verdict::Discarded)), ([0, 0, 1], None));
        episodes.next_wanted();
        assert_eq!(episodes.judge_again(Verdict::Success), None);
    }
}
