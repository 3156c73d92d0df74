use std::str::FromStr;

/// How a scripted operator behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// Starts the policy, takes over when failure is near, rewinds, corrects, and hands back.
    Supervisor,
    /// Starts the policy and then is not heard any more.
    Absent,
    /// Drives every episode from the start.
    Demonstrator,
    /// Nobody is there: the policy is started at each episode, and nothing else is ever done.
    Unattended,
}

/// A name no script has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown scripted operator {0:?}; there are supervisor, demonstrator and absent")]
pub struct ScriptError(pub String);

impl FromStr for Script {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        match text {
            "supervisor" => Ok(Self::Supervisor),
            "absent" => Ok(Self::Absent),
            "demonstrator" => Ok(Self::Demonstrator),
            other => Err(ScriptError(other.to_owned())),
        }
    }
}

impl Script {
    /// Name of its station.
    pub const fn operator(self) -> &'static str {
        match self {
            Self::Supervisor => "supervisor",
            Self::Absent => "absent",
            Self::Demonstrator => "demonstrator",
            Self::Unattended => "unattended",
        }
    }
}
