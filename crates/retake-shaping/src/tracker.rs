//! One value's command, moved only within its limits.

use rsruckig::prelude::{
    ControlInterface, DataArrayOrVec, IgnoreErrorHandler, InputParameter, OutputParameter, Ruckig, Trajectory,
};

use crate::ValueLimits;

/// Position, velocity and acceleration of a command.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Motion {
    /// Position, radians or metres.
    pub position: f64,
    /// Velocity, per second.
    pub velocity: f64,
    /// Acceleration, per second squared.
    pub acceleration: f64,
}

/// Follows a target as closely as velocity, acceleration, jerk and position limits allow.
///
/// The generator is Ruckig's (Berscheid & Kröger, "Jerk-limited real-time trajectory generation with arbitrary target
/// states", RSS 2021), by the crate `rsruckig`, run again each period from the last command to *rest* at the target. A
/// target state that moves would be reached in less time, but the generator may first back away from it to gain speed.
#[derive(Debug)]
pub struct Tracker {
    limits: ValueLimits,
    motion: Motion,
    generator: Ruckig<1, IgnoreErrorHandler>,
    input: InputParameter<1>,
    output: OutputParameter<1>,
    /// Share of the velocity limit that may be used.
    speed: f64,
    /// How the command would come to rest.
    braking: Trajectory<1>,
}

/// Slower than this per second, and accelerating less, a braking value is at rest.
const REST: f64 = 1e-9;

impl Tracker {
    /// A command at rest at `position`, advanced every `period_s` seconds.
    pub fn new(limits: ValueLimits, period_s: f64, position: f64) -> Self {
        let mut input = InputParameter::new(None);
        input.max_velocity[0] = limits.velocity;
        input.max_acceleration[0] = limits.acceleration;
        input.max_jerk[0] = limits.jerk;
        let mut tracker = Self {
            limits,
            motion: Motion::default(),
            generator: Ruckig::new(None, period_s),
            input,
            output: OutputParameter::new(None),
            speed: 1.0,
            braking: Trajectory::new(None),
        };
        tracker.rest_at(position);
        tracker
    }

    /// Where the command is.
    pub const fn motion(&self) -> Motion {
        self.motion
    }

    /// Limits it keeps, at full speed.
    pub const fn limits(&self) -> ValueLimits {
        self.limits
    }

    /// Uses only this share of the velocity limit from now on. A command that is faster is slowed down within acceleration and jerk.
    pub fn set_speed(&mut self, share: f64) {
        self.speed = share;
        self.input.max_velocity[0] = self.limits.velocity * share;
    }

    /// Puts the command at rest at `position` without moving there: only for a robot that is at rest itself.
    pub fn rest_at(&mut self, position: f64) {
        let position = position.clamp(self.limits.lower, self.limits.upper);
        self.set(Motion { position, velocity: 0.0, acceleration: 0.0 });
    }

    /// Takes the command back to a motion it had before.
    pub(crate) const fn set(&mut self, motion: Motion) {
        self.motion = motion;
    }

    /// Advances one period towards `position`, where the target is moving on with `velocity`.
    ///
    /// The command aims as far ahead as it needs to stop from that velocity, and so keeps up instead of lagging; it overshoots
    /// by as much if the target then stops dead. A velocity of zero never overshoots. A target that is not a number is no
    /// target: the command brakes.
    pub fn follow(&mut self, position: f64, velocity: f64) -> Motion {
        if !position.is_finite() || !velocity.is_finite() {
            return self.brake();
        }
        let ahead = position + self.stopping_distance(velocity);
        let ahead = ahead.clamp(self.limits.lower, self.limits.upper);
        if self.too_fast() {
            return self.slow_down(ahead);
        }
        self.input.control_interface = ControlInterface::Position;
        self.input.target_position[0] = ahead;
        self.advance()
    }

    /// The command is, or is about to be, faster than it may be since its speed was reduced.
    fn too_fast(&self) -> bool {
        let Motion { velocity, acceleration, .. } = self.motion;
        let coming = velocity + self.grown(acceleration);
        velocity.abs().max(coming.abs()) > self.limits.velocity * self.speed * (1.0 + 1e-6)
    }

    /// Slows down to the speed there may be, or to rest where the target is too near for that. The generator itself would slow down
    /// past that speed, and back away.
    fn slow_down(&mut self, target: f64) -> Motion {
        let before = self.motion;
        self.input.control_interface = ControlInterface::Velocity;
        self.input.target_velocity[0] = self.limits.velocity * self.speed * before.velocity.signum();
        self.advance();
        self.input.target_velocity[0] = 0.0;
        let seconds = self.plan_braking();
        let beyond = (self.braked_position(seconds) - target) * before.velocity.signum();
        if beyond > 0.0 {
            self.motion = before;
            return self.brake();
        }
        self.motion
    }

    /// Advances one period towards rest, as fast as the limits allow.
    pub fn brake(&mut self) -> Motion {
        if self.motion.velocity.abs() < REST && self.motion.acceleration.abs() < REST {
            self.rest_at(self.motion.position);
            return self.motion;
        }
        self.input.control_interface = ControlInterface::Velocity;
        self.advance()
    }

    /// Plans how the command would come to rest if it braked from here, and says how long that takes, seconds.
    pub(crate) fn plan_braking(&mut self) -> f64 {
        self.input.control_interface = ControlInterface::Velocity;
        self.set_input();
        match self.generator.calculate(&self.input, &mut self.braking) {
            Ok(_) => self.braking.get_duration(),
            Err(_) => 0.0,
        }
    }

    /// Where the command would be so many seconds after it began to brake, as last planned.
    pub(crate) fn braked_position(&self, seconds: f64) -> f64 {
        let mut position = DataArrayOrVec::new(None, self.motion.position);
        self.braking.at_time(seconds, &mut Some(&mut position), &mut None, &mut None, &mut None, &mut None);
        position[0]
    }

    /// What the velocity still grows by until the acceleration is gone.
    fn grown(&self, acceleration: f64) -> f64 {
        0.5 * acceleration * acceleration.abs() / self.limits.jerk
    }

    /// Way needed to stop from `velocity` without exceeding acceleration and jerk, with the velocity's sign.
    fn stopping_distance(&self, velocity: f64) -> f64 {
        let ValueLimits { acceleration, jerk, .. } = self.limits;
        let speed = velocity.abs().min(self.limits.velocity * self.speed);
        let time = if speed * jerk > acceleration * acceleration {
            speed / acceleration + acceleration / jerk
        } else {
            2.0 * (speed / jerk).sqrt()
        };
        0.5 * speed * time * velocity.signum()
    }

    /// Accepts what the generator says if it is a motion at all; otherwise the command stays where it is.
    fn advance(&mut self) -> Motion {
        self.set_input();
        self.generator.reset();
        let generated = self.generator.update(&self.input, &mut self.output).is_ok();
        let next = Motion {
            position: self.output.new_position[0],
            velocity: self.output.new_velocity[0],
            acceleration: self.output.new_acceleration[0],
        };
        let finite = [next.position, next.velocity, next.acceleration].iter().all(|value| value.is_finite());
        if generated && finite {
            // The generator is exact to about a nanometre; the limits are exact.
            self.motion =
                Motion { position: next.position.clamp(self.limits.lower, self.limits.upper), ..next };
        } else {
            self.rest_at(self.motion.position);
        }
        self.motion
    }

    fn set_input(&mut self) {
        self.input.current_position[0] = self.motion.position;
        self.input.current_velocity[0] = self.motion.velocity;
        self.input.current_acceleration[0] = self.motion.acceleration;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DT: f64 = 0.02;
    const LIMITS: ValueLimits =
        ValueLimits { lower: -1.0, upper: 2.0, velocity: 1.5, acceleration: 8.0, jerk: 160.0 };

    #[derive(Clone, Debug)]
    enum Order {
        Follow(f64, f64, u8),
        Brake(u8),
        Speed(f64),
    }

    fn orders() -> impl Strategy<Value = Vec<Order>> {
        let order = prop_oneof![
            3 => (-3.0..4.0, -3.0..3.0, 1u8..30).prop_map(|(p, v, n)| Order::Follow(p, v, n)),
            1 => (1u8..30).prop_map(Order::Brake),
            1 => (0.05f64..=1.0).prop_map(Order::Speed),
        ];
        proptest::collection::vec(order, 1..40)
    }

    fn run(orders: &[Order], mut each: impl FnMut(Motion, Motion)) -> Motion {
        let mut tracker = Tracker::new(LIMITS, DT, 0.3);
        for order in orders {
            let count = match order {
                Order::Follow(_, _, n) | Order::Brake(n) => *n,
                Order::Speed(share) => {
                    tracker.set_speed(*share);
                    0
                }
            };
            for _ in 0..count {
                let before = tracker.motion();
                let after = match order {
                    Order::Follow(position, velocity, _) => tracker.follow(*position, *velocity),
                    Order::Brake(_) => tracker.brake(),
                    Order::Speed(_) => before,
                };
                each(before, after);
            }
        }
        tracker.motion()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn no_order_breaks_a_limit(orders in orders()) {
            run(&orders, |before, after| {
                let slack = 1.0 + 1e-6;
                assert!((after.position - before.position).abs() <= LIMITS.velocity * DT * slack, "{before:?} {after:?}");
                assert!((after.velocity - before.velocity).abs() <= LIMITS.acceleration * DT * slack, "{before:?} {after:?}");
                assert!((after.acceleration - before.acceleration).abs() <= LIMITS.jerk * DT * slack, "{before:?} {after:?}");
                assert!(after.velocity.abs() <= LIMITS.velocity * slack && after.acceleration.abs() <= LIMITS.acceleration * slack);
                assert!((LIMITS.lower - 1e-9..=LIMITS.upper + 1e-9).contains(&after.position), "{after:?}");
            });
        }

        #[test]
        fn braking_always_comes_to_rest_and_stays(orders in orders()) {
            let mut tracker = Tracker::new(LIMITS, DT, 0.0);
            for order in &orders {
                if let Order::Follow(position, velocity, _) = order { tracker.follow(*position, *velocity); }
            }
            for _ in 0..60 { tracker.brake(); }
            let rest = tracker.motion();
            prop_assert_eq!((rest.velocity, rest.acceleration), (0.0, 0.0));
            prop_assert_eq!(tracker.brake(), rest);
        }
    }

    #[test]
    fn a_command_that_is_slowed_down_slows_down_soon_and_never_gets_faster() {
        for share in [0.05, 0.3, 0.9] {
            let mut tracker = Tracker::new(LIMITS, DT, -1.0);
            for _ in 0..25 {
                tracker.follow(1.9, 0.0);
            }
            assert!(
                (tracker.motion().velocity - LIMITS.velocity).abs() < 1e-6,
                "at full speed: {:?}",
                tracker.motion()
            );
            tracker.set_speed(share);
            for tick in 0..40 {
                let before = tracker.motion().velocity;
                let after = tracker.follow(1.9, 0.0).velocity;
                assert!(after <= before + 0.002, "{share}: {before} then {after}");
                assert!(after >= -1e-9, "{share}: backs away with {after}");
                if tick >= 15 {
                    assert!(
                        after <= share * LIMITS.velocity + 1e-9,
                        "{share}: still {after} after {tick} ticks"
                    );
                }
            }
        }
    }

    #[test]
    fn a_moving_target_is_kept_up_with() {
        let mut tracker = Tracker::new(LIMITS, DT, 0.0);
        let mut worst: f64 = 0.0;
        for tick in 1..200 {
            let t = f64::from(tick) * DT;
            let motion = tracker.follow(0.4 * (1.2 * t).sin(), 0.48 * (1.2 * t).cos());
            if t > 0.5 {
                worst = worst.max((motion.position - 0.4 * (1.2 * t).sin()).abs());
            }
        }
        assert!(worst < 5e-3, "{worst}");
    }

    #[test]
    fn engaging_never_backs_away_from_the_target() {
        let mut tracker = Tracker::new(LIMITS, DT, 0.0);
        for tick in 1..50 {
            let before = tracker.motion().position;
            assert!(tracker.follow(0.5 * f64::from(tick) * DT, 0.5).position >= before);
        }
    }

    #[test]
    fn a_target_at_rest_is_reached_without_overshoot() {
        let mut tracker = Tracker::new(LIMITS, DT, 0.0);
        for _ in 0..200 {
            assert!(tracker.follow(0.7, 0.0).position <= 0.7 + 1e-9);
        }
        assert!((tracker.motion().position - 0.7).abs() < 1e-9);
    }

    #[test]
    fn nonsense_targets_move_nothing() {
        let mut tracker = Tracker::new(LIMITS, DT, 0.5);
        let motion = tracker.follow(f64::NAN, 0.0);
        assert_eq!(motion, Motion { position: 0.5, velocity: 0.0, acceleration: 0.0 });
    }
}
