//! The supervisor: takes over when failure is near, rewinds, corrects, hands back.

use std::time::Duration;

use retake_tasks::{Goal, Scene};
use retake_units::MonoTime;
use retake_wire::pb::{Cause, Owner, Phase, Status};

use crate::{
    attempt::{Progress, Watch},
    drive::{Hand, Speeds, towards},
};

/// Without progress for this long, the supervisor has seen enough.
const PATIENCE: Duration = Duration::from_millis(1800);
/// A rewind is held at least and at most this long.
const REWIND_AT_LEAST: Duration = Duration::from_millis(500);
const REWIND_AT_MOST: Duration = Duration::from_millis(3500);
/// Pause between letting one button go and pressing the next.
const BREATH: Duration = Duration::from_millis(150);
/// A correction that has passed the trouble goes on for this long before the robot is handed back.
const SETTLE: Duration = Duration::from_millis(400);
/// A correction that gets nowhere is given up, and the policy may try again.
const CORRECTION_AT_MOST: Duration = Duration::from_secs(20);
/// This much further from the goal than it was, the policy has gone astray, metres.
const ASTRAY: f64 = 0.02;
/// Pause between two presses of resume.
const RESUME_AGAIN: Duration = Duration::from_millis(700);

/// What the supervisor is doing.
#[derive(Clone, Copy, Debug)]
enum Doing {
    Watching(Option<Watch>),
    Rewinding { since: MonoTime, trouble: Progress },
    Breathing { until: MonoTime, trouble: Progress },
    Correcting { since: MonoTime, trouble: Progress, passed: Option<MonoTime> },
    HandingBack { resume_at: MonoTime },
}

/// One supervisor at work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Supervisor {
    doing: Doing,
    resumed_at: Option<MonoTime>,
}

/// What the hand does now, and whether it presses resume.
pub(crate) struct Answer {
    pub(crate) hand: Hand,
    pub(crate) resume: bool,
}

impl Answer {
    const IDLE: Self =
        Self { hand: Hand { clutch: false, rewind: false, twist: [0.0; 6], gripper: 0.0 }, resume: false };
}

impl Supervisor {
    pub(crate) const fn new() -> Self {
        Self { doing: Doing::Watching(None), resumed_at: None }
    }

    pub(crate) fn act(
        &mut self,
        status: &Status,
        scene: &Scene,
        goal: &Goal,
        speeds: Speeds,
        now: MonoTime,
    ) -> Answer {
        if status.phase() != Phase::Running {
            self.doing = Doing::Watching(None);
            let press = status.phase() == Phase::Ready && self.may_press(now);
            return Answer { resume: press, ..Answer::IDLE };
        }
        if status.needs_release {
            // Something took the robot away while a button was down; it counts again only after it has been up.
            return Answer::IDLE;
        }
        let progress = Progress::of(goal, scene);
        match self.doing {
            Doing::Watching(watch) => self.watch(watch, status, progress, now),
            Doing::Rewinding { since, trouble } => self.rewind(since, trouble, status, progress, now),
            Doing::Breathing { until, trouble } => {
                if now >= until {
                    self.doing = Doing::Correcting { since: now, trouble, passed: None };
                }
                Answer::IDLE
            }
            Doing::Correcting { since, trouble, passed } => {
                self.correct(since, trouble, passed, progress, now);
                Answer { hand: towards(goal, &scene.tool, scene.width, speeds), resume: false }
            }
            Doing::HandingBack { resume_at } => self.hand_back(resume_at, status, now),
        }
    }

    fn may_press(&mut self, now: MonoTime) -> bool {
        let may = self.resumed_at.is_none_or(|at| now.since(at) >= RESUME_AGAIN);
        if may {
            self.resumed_at = Some(now);
        }
        may
    }

    fn watch(&mut self, watch: Option<Watch>, status: &Status, progress: Progress, now: MonoTime) -> Answer {
        let mut watch = watch.unwrap_or_else(|| Watch::begin(progress, now));
        let held = status.groups.iter().find(|group| group.owner() == Owner::Hold);
        let failed =
            held.is_some_and(|group| matches!(group.cause(), Cause::PolicyStale | Cause::PolicyFault));
        if failed || watch.stuck(progress, now, PATIENCE) {
            // Nothing went astray if the policy merely stopped: correct from where it is.
            let best = watch.best();
            let astray = !failed && (progress.stage < best.stage || progress.left > best.left + ASTRAY);
            self.doing = if astray {
                Doing::Rewinding { since: now, trouble: watch.best() }
            } else {
                Doing::Breathing { until: now + BREATH, trouble: watch.best() }
            };
            return Answer::IDLE;
        }
        self.doing = Doing::Watching(Some(watch));
        // The service fell to hold for another reason: start the policy again.
        let resume = held.is_some() && self.may_press(now);
        Answer { resume, ..Answer::IDLE }
    }

    fn rewind(
        &mut self,
        since: MonoTime,
        trouble: Progress,
        status: &Status,
        progress: Progress,
        now: MonoTime,
    ) -> Answer {
        let held = now.since(since);
        let stopped = held > BREATH && status.groups.iter().any(|group| group.owner() == Owner::Hold);
        let back = held >= REWIND_AT_LEAST
            && progress.stage >= trouble.stage
            && progress.left <= trouble.left + ASTRAY;
        if stopped || back || held >= REWIND_AT_MOST {
            self.doing = Doing::Breathing { until: now + BREATH, trouble };
            return Answer::IDLE;
        }
        Answer { hand: Hand { rewind: true, ..Hand::default() }, resume: false }
    }

    fn correct(
        &mut self,
        since: MonoTime,
        trouble: Progress,
        passed: Option<MonoTime>,
        progress: Progress,
        now: MonoTime,
    ) {
        let past = progress.stage > trouble.stage;
        let passed = past.then(|| passed.unwrap_or(now));
        let settled = passed.is_some_and(|at| now.since(at) >= SETTLE);
        self.doing = if settled || now.since(since) >= CORRECTION_AT_MOST {
            Doing::HandingBack { resume_at: now + BREATH }
        } else {
            Doing::Correcting { since, trouble, passed }
        };
    }

    fn hand_back(&mut self, resume_at: MonoTime, status: &Status, now: MonoTime) -> Answer {
        if status.groups.iter().all(|group| group.owner() == Owner::Policy) {
            self.doing = Doing::Watching(None);
            return Answer::IDLE;
        }
        if now < resume_at {
            return Answer::IDLE;
        }
        self.doing = Doing::HandingBack { resume_at: now + RESUME_AGAIN };
        Answer { resume: true, ..Answer::IDLE }
    }
}
