//! Operators and views by name, as on the command line and in launch files.

use std::{path::PathBuf, str::FromStr};

use retake_scripted::{Script, ScriptError};
use retake_viz::View;

/// Who supervises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OperatorSpec {
    Gamepad,
    Scripted(Script),
    Replay(PathBuf),
    None,
}

/// A name nobody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SpecError {
    Script(ScriptError),
    Operator(String),
    View(String),
}

impl std::fmt::Display for SpecError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Script(error) => error.fmt(f),
            Self::Operator(name) => {
                write!(f, "unknown operator {name:?}; use gamepad, scripted:NAME, replay:FILE or none")
            }
            Self::View(name) => {
                write!(f, "unknown view {name:?}; use web, native, none or a file ending in .rrd")
            }
        }
    }
}

impl std::error::Error for SpecError {}

impl FromStr for OperatorSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        match text.split_once(':') {
            None if text == "gamepad" => Ok(Self::Gamepad),
            None if text == "none" => Ok(Self::None),
            Some(("scripted", name)) => name.parse().map(Self::Scripted).map_err(SpecError::Script),
            Some(("replay", path)) if !path.is_empty() => Ok(Self::Replay(path.into())),
            None | Some(_) => Err(SpecError::Operator(text.to_owned())),
        }
    }
}

impl std::fmt::Display for OperatorSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gamepad => f.write_str("gamepad"),
            Self::Scripted(script) => write!(f, "scripted:{}", script.operator()),
            Self::Replay(path) => write!(f, "replay:{}", path.display()),
            Self::None => f.write_str("none"),
        }
    }
}

/// Where to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ViewSpec {
    Web,
    Native,
    File(PathBuf),
    None,
}

impl FromStr for ViewSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        match text {
            "web" => Ok(Self::Web),
            "native" => Ok(Self::Native),
            "none" => Ok(Self::None),
            file if PathBuf::from(file).extension().is_some_and(|ending| ending == "rrd") => {
                Ok(Self::File(file.into()))
            }
            other => Err(SpecError::View(other.to_owned())),
        }
    }
}

impl ViewSpec {
    /// The view to open, if any; `port` is for the web.
    pub(crate) fn view(&self, port: Option<u16>) -> Option<View> {
        match self {
            Self::Web => Some(View::Web { port }),
            Self::Native => Some(View::Native),
            Self::File(path) => Some(View::File(path.clone())),
            Self::None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written_alike() {
        for name in ["gamepad", "none", "scripted:supervisor", "scripted:absent", "replay:a/b.jsonl"] {
            assert_eq!(name.parse::<OperatorSpec>().map(|spec| spec.to_string()), Ok(name.to_owned()));
        }
        for bad in ["", "pad", "scripted", "scripted:nobody", "replay:", "gamepad:1"] {
            assert!(bad.parse::<OperatorSpec>().is_err(), "{bad}");
        }
    }

    #[test]
    fn views_are_read() {
        assert_eq!("x/y.rrd".parse(), Ok(ViewSpec::File("x/y.rrd".into())));
        assert_eq!("web".parse(), Ok(ViewSpec::Web));
        assert!("x.mp4".parse::<ViewSpec>().is_err());
    }
}
