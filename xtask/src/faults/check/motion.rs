//! Whether set-points stay within the robot's limits, and come to rest where nobody may move it.

use std::time::Duration;

use retake_units::MonoTime;
use retake_wire::pb::{Command, GroupValues, RobotDescriptor};

use super::Void;

/// What is wrong with one set-point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    NotFinite,
    OutOfRange,
    TooFast,
    TooSharp,
    Altered,
    Unlicensed(Void),
}

/// One value's limits.
#[derive(Clone, Copy, Debug)]
struct Limit {
    lower: f64,
    upper: f64,
    velocity: f64,
    acceleration: f64,
    jerk: f64,
}

/// One set-point and how it was come to; derivatives only where ticks follow each other.
#[derive(Clone, Debug)]
struct Point {
    session: u64,
    tick: u64,
    q: Vec<f64>,
    v: Option<Vec<f64>>,
    a: Option<Vec<f64>>,
    /// The robot has come to rest since.
    rests: bool,
}

/// The robot must come to rest from here.
#[derive(Clone, Debug)]
struct Brake {
    since: MonoTime,
    from: Vec<f64>,
    way: Vec<f64>,
    time: f64,
    told: bool,
}

#[derive(Debug)]
pub(super) struct Motion {
    limits: Vec<Limit>,
    period: f64,
    last: Option<Point>,
    brake: Option<Brake>,
    resets: u64,
}

/// Slower than this, units per tick, is rest.
const REST: f64 = 2e-5;
/// Derivatives are exact to the generator's rounding; what is left is for interpolation within a tick.
const SLACK: f64 = 1.02;
/// A set-point after a gap may be this many periods of full speed further.
const CATCH_UP: f64 = 4.0;

impl Motion {
    pub(super) fn new(robot: &RobotDescriptor) -> Self {
        let at = |values: &[f64], index: usize| values.get(index).copied().unwrap_or_default();
        let limits = robot.groups.iter().flat_map(|group| {
            (0..group.lower.len()).map(move |index| Limit {
                lower: at(&group.lower, index),
                upper: at(&group.upper, index),
                velocity: at(&group.velocity, index),
                acceleration: at(&group.acceleration, index),
                jerk: at(&group.jerk, index),
            })
        });
        Self { limits: limits.collect(), period: 1.0 / robot.control_hz, last: None, brake: None, resets: 0 }
    }

    /// The set-point moved by other means than commands.
    pub(super) fn forget(&mut self) {
        self.last = None;
        self.brake = None;
    }

    /// The driver stopped at its set-point by itself; whatever comes next starts from rest.
    pub(super) fn tripped(&mut self) {
        self.brake = None;
        if let Some(last) = &mut self.last {
            let still = vec![0.0; last.q.len()];
            (last.v, last.a, last.rests) = (Some(still.clone()), Some(still), true);
        }
    }

    /// The driver refused the first command from rest: the next set-point is more than one tick from it.
    pub(super) fn missed(&mut self) {
        if let Some(last) = self.last.as_mut().filter(|last| last.rests) {
            (last.v, last.a, last.rests) = (None, None, false);
        }
    }

    /// Whether the scene was put back since the last call.
    pub(super) fn resets(&mut self, resets: u64) -> bool {
        let changed = self.resets != resets;
        self.resets = resets;
        if changed {
            self.forget();
        }
        changed
    }

    pub(super) fn step(
        &mut self,
        command: &Command,
        applied: &[GroupValues],
        licensed: Result<(), Void>,
        decided: MonoTime,
    ) -> Vec<(Found, String)> {
        let flat = |groups: &[GroupValues]| -> Vec<f64> {
            groups.iter().flat_map(|group| group.values.iter().copied()).collect()
        };
        let q = flat(&command.position);
        let mut found = Vec::new();
        if q.len() != self.limits.len() || q.iter().any(|value| !value.is_finite()) {
            found.push((Found::NotFinite, format!("tick {}: {q:?}", command.tick)));
            self.forget();
            return found;
        }
        if flat(applied) != q {
            found.push((Found::Altered, format!("tick {}: applied is not what was commanded", command.tick)));
        }
        for (index, (value, limit)) in q.iter().zip(&self.limits).enumerate() {
            if *value < limit.lower - 1e-5 || *value > limit.upper + 1e-5 {
                found.push((Found::OutOfRange, format!("tick {}: value {index} is {value}", command.tick)));
            }
        }
        let session = command.header.unwrap_or_default().session;
        let point = self.derive(session, command.tick, q, &mut found);
        self.judge_licence(&point, licensed, decided, &mut found);
        self.last = Some(point);
        found
    }

    fn derive(&self, session: u64, tick: u64, q: Vec<f64>, found: &mut Vec<(Found, String)>) -> Point {
        let fresh = Point { session, tick, q: q.clone(), v: None, a: None, rests: false };
        let Some(last) = &self.last else { return fresh };
        let follows = last.rests || last.session == session && tick > last.tick;
        let next = last.rests || tick == last.tick + 1;
        #[expect(clippy::cast_precision_loss, reason = "a small number of ticks")]
        let ticks = if last.rests {
            1.0
        } else if follows {
            (tick - last.tick) as f64
        } else {
            CATCH_UP
        };
        let seconds = ticks.min(CATCH_UP) * self.period;
        let v: Vec<f64> = q.iter().zip(&last.q).map(|(q, last)| (q - last) / seconds).collect();
        for (index, (v, limit)) in v.iter().zip(&self.limits).enumerate() {
            if v.abs() > limit.velocity * SLACK {
                found.push((Found::TooFast, format!("tick {tick}: value {index} at {v} per second")));
            }
        }
        if !(follows && next) {
            return fresh;
        }
        let a: Option<Vec<f64>> = last
            .v
            .as_ref()
            .map(|last| v.iter().zip(last).map(|(v, last)| (v - last) / self.period).collect());
        for (index, limit) in self.limits.iter().enumerate() {
            let now = a.as_ref().and_then(|a| a.get(index));
            let before = last.a.as_ref().and_then(|a| a.get(index));
            if now.is_some_and(|a| a.abs() > limit.acceleration * SLACK + 1e-3) {
                found.push((Found::TooSharp, format!("tick {tick}: value {index} accelerates at {now:?}")));
            }
            if let (Some(now), Some(before)) = (now, before)
                && ((now - before) / self.period).abs() > limit.jerk * SLACK + 1.0
            {
                found.push((
                    Found::TooSharp,
                    format!("tick {tick}: value {index} jerks from {before} to {now}"),
                ));
            }
        }
        Point { v: Some(v), a, ..fresh }
    }

    fn judge_licence(
        &mut self,
        point: &Point,
        licensed: Result<(), Void>,
        decided: MonoTime,
        found: &mut Vec<(Found, String)>,
    ) {
        let Err(void) = licensed else {
            self.brake = None;
            return;
        };
        let Some(last) = &self.last else { return };
        let brake = match self.brake.take() {
            Some(brake) => brake,
            None => self.must_brake(last, decided),
        };
        let moving = point.q.iter().zip(&last.q).any(|(q, last)| (q - last).abs() > REST);
        let beyond =
            point.q.iter().zip(&brake.from).zip(&brake.way).any(|((q, from), way)| (q - from).abs() > *way);
        let late = decided.since(brake.since) > Duration::from_secs_f64(brake.time);
        let bad = beyond || (late && moving);
        if bad && !brake.told {
            let why = if beyond { "went further than braking takes" } else { "still moves" };
            found.push((
                Found::Unlicensed(void),
                format!("tick {}: {why}, {:?} after it had to stop", point.tick, decided.since(brake.since)),
            ));
        }
        self.brake = Some(Brake { told: brake.told || bad, ..brake });
    }

    /// From `last` on, the robot has to come to rest as fast as its limits allow, with one tick of patience.
    fn must_brake(&self, last: &Point, since: MonoTime) -> Brake {
        let mut time: f64 = 0.0;
        let mut way = Vec::with_capacity(self.limits.len());
        for (index, limit) in self.limits.iter().enumerate() {
            let at = |values: &Option<Vec<f64>>, or: f64| {
                values.as_ref().and_then(|values| values.get(index)).map_or(or, |value| value.abs())
            };
            let (v, a) = (at(&last.v, limit.velocity), at(&last.a, limit.acceleration));
            // The acceleration goes to zero, the speed it left is taken away, and that deceleration goes to zero again.
            let peak = v + a * a / (2.0 * limit.jerk);
            let full = peak / limit.acceleration + limit.acceleration / limit.jerk;
            let takes = a / limit.jerk + full + 3.0 * self.period;
            time = time.max(takes);
            way.push(peak * takes + 1e-3);
        }
        // Groups and joints may brake together, at the pace of the slowest.
        Brake { since, from: last.q.clone(), way, time: time * 1.5 + self.period, told: false }
    }
}
