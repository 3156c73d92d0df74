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
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn text(value: Value) -> String {
        serde_json::to_string(&map(value, &written)).unwrap()
    }

    fn value(text: &str) -> Value {
        map(serde_json::from_str(text).unwrap(), &read)
    }

    #[test]
    fn it_can_be_read_by_people_and_what_is_none_is_refused() {
        let text = text(json!({"speed": [0.25, -0.0], "count": u64::MAX, "name": "=x", "none": null}));
        assert_eq!(
            text,
            r#"{"count":18446744073709551615,"name":"=x","none":null,"speed":["=0.25","=-0.0"]}"#
        );
        assert!(ArbiterConfig::from_json("{}").unwrap_err().to_string().contains("missing field"));
    }

    proptest! {
        #[test]
        fn every_number_comes_back_to_the_bit(bits in any::<u64>(), whole in any::<u64>()) {
            let number = f64::from_bits(bits);
            prop_assume!(number.is_finite());
            let again = value(&text(json!({"a": [number], "b": whole})));
            prop_assert_eq!(again["a"][0].as_f64().map(f64::to_bits), Some(bits));
            prop_assert_eq!(again["b"].as_u64(), Some(whole));
        }
    }
}
