//! The configuration as JSON that leads back to the very same bits.

use serde_json::{Number, Value};

use crate::ArbiterConfig;

/// A configuration that cannot be written as text or read from it.
#[derive(Debug)]
pub struct ConfigError(serde_json::Error);

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the arbiter's configuration cannot be written or read: {}", self.0)
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl ArbiterConfig {
    /// The configuration as JSON. Numbers that are not whole are strings that begin with `=`: JSON readers may round such
    /// numbers, and here the last bit counts.
    ///
    /// # Errors
    /// If a value has no JSON.
    pub fn to_json(&self) -> Result<String, ConfigError> {
        let value = serde_json::to_value(self).map_err(ConfigError)?;
        serde_json::to_string(&map(value, &written)).map_err(ConfigError)
    }

    /// Reads what [`Self::to_json`] wrote, bit for bit.
    ///
    /// # Errors
    /// If it is not such a text.
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        let value = serde_json::from_str(text).map_err(ConfigError)?;
        serde_json::from_value(map(value, &read)).map_err(ConfigError)
    }
}

/// `leaf` applied to everything that is neither a list nor an object.
fn map(value: Value, leaf: &impl Fn(Value) -> Value) -> Value {
    match value {
        Value::Array(values) => Value::Array(values.into_iter().map(|value| map(value, leaf)).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, map(value, leaf))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => leaf(value),
    }
}

fn written(value: Value) -> Value {
    match value.as_f64().filter(|_| value.is_f64()) {
        // Debug prints the shortest text that leads back to the same number.
        Some(number) => Value::String(format!("={number:?}")),
        None => value,
    }
}

fn read(value: Value) -> Value {
    let number = value.as_str().and_then(|text| text.strip_prefix('=')).and_then(|text| text.parse().ok());
    number.and_then(Number::from_f64).map_or(value, Value::Number)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use retake_authority::{Protocol, Supervision};
    use retake_episode::EpisodesConfig;
    use retake_shaping::TeleopConfig;

    use super::*;
    use crate::RewindConfig;

    fn config(bits: [u64; 2], seed: u64) -> ArbiterConfig {
        let [linear_speed, speed] = bits.map(f64::from_bits);
        ArbiterConfig {
            operator_timeout: Duration::from_nanos(seed),
            policy_timeout: Duration::from_millis(480),
            robot_timeout: Duration::from_millis(200),
            input_age: Duration::from_millis(100),
            proposal_age: Duration::from_millis(320),
            supervision: Supervision::Required,
            protocol: Protocol::HgDagger,
            idle_release: Duration::from_secs(10),
            teleop: TeleopConfig { linear_speed, angular_speed: 0.1, precision: 3.0, gripper_speed: 1e300 },
            rewind: RewindConfig { speed, tracking_error: -0.0, tap_limit: Duration::from_secs(2) },
            episodes: EpisodesConfig { count: 5, seed, time_limit: None, auto_next: Some(Duration::ZERO) },
            first_epoch: seed,
            nonce_seed: u64::MAX,
        }
    }

    #[test]
    fn it_can_be_read_by_people() {
        let text = config([0.25_f64.to_bits(); 2], 7).to_json().unwrap();
        assert!(
            text.contains(r#""linear_speed":"=0.25""#) && text.contains(r#""protocol":"hg-dagger""#),
            "{text}"
        );
        assert!(ArbiterConfig::from_json("{}").unwrap_err().to_string().contains("missing field"));
    }

    proptest! {
        #[test]
        fn every_finite_number_comes_back_to_the_bit(a in any::<u64>(), b in any::<u64>(), seed in any::<u64>()) {
            prop_assume!(f64::from_bits(a).is_finite() && f64::from_bits(b).is_finite());
            let config = config([a, b], seed);
            let again = ArbiterConfig::from_json(&config.to_json().unwrap()).unwrap();
            prop_assert_eq!(again.teleop.linear_speed.to_bits(), a);
            prop_assert_eq!(again.rewind.speed.to_bits(), b);
            prop_assert_eq!(again.rewind.tracking_error.to_bits(), (-0.0_f64).to_bits());
            prop_assert_eq!(again, config);
        }
    }
}
