/// Limits of one commanded value, in its unit (radians or metres) and per second, second squared, second cubed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValueLimits {
    /// Smallest position.
    pub lower: f64,
    /// Largest position.
    pub upper: f64,
    /// Largest speed.
    pub velocity: f64,
    /// Largest acceleration.
    pub acceleration: f64,
    /// Largest jerk.
    pub jerk: f64,
}
