use std::{fmt, str::FromStr};

/// A robot's name in every key. Parsed, so that no wildcard or separator can leak into a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RobotId(String);

/// A robot's name has a character that keys cannot carry, or has a wrong length.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("robot name {0:?} must be 1 to 32 of a-z, 0-9 and _")]
pub struct RobotIdError(String);

impl RobotId {
    /// Root of all this robot's keys.
    pub fn root(&self) -> String {
        format!("retake/v1/{}", self.0)
    }
}

impl FromStr for RobotId {
    type Err = RobotIdError;

    fn from_str(text: &str) -> Result<Self, RobotIdError> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if (1..=32).contains(&text.len()) && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(RobotIdError(text.to_owned()))
        }
    }
}

impl fmt::Display for RobotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_and_separators_are_refused() {
        for bad in ["", "*", "a/b", "a$b", "A", "a b", "ä", &"a".repeat(33)] {
            assert!(bad.parse::<RobotId>().is_err(), "{bad}");
        }
        assert_eq!("arm_1".parse::<RobotId>().map(|id| id.root()), Ok("retake/v1/arm_1".to_owned()));
    }
}
