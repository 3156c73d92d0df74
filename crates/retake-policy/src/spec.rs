//! Policies by name, as on the command line.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use crate::Defect;

/// Which policy to run.
#[derive(Clone, Debug, PartialEq)]
pub enum PolicySpec {
    /// The scripted expert, and what is wrong with it.
    Expert(Defect),
    /// A trained one: a checkpoint, or a folder of checkpoints of which one is announced.
    Learnt(PathBuf),
}

/// A policy name that means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown policy {0:?}; use learnt:DIR with a checkpoint of `retake train`, expert, or expert:DEFECT with one of bias=METRES, \
     noise=RADIANS, wrong-turn, freeze, nan, short, late=MILLISECONDS, stale"
)]
pub struct SpecError(pub String);

impl PolicySpec {
    /// Version announced with each proposal; of a trained policy, its folder's name, for which folder is served may change.
    pub fn version(&self) -> String {
        match self {
            Self::Expert(Defect::None) => "expert-1".into(),
            Self::Expert(defect) => format!("expert-1+{}", defect.name()),
            Self::Learnt(dir) => {
                dir.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
            }
        }
    }
}

impl From<Defect> for PolicySpec {
    fn from(defect: Defect) -> Self {
        Self::Expert(defect)
    }
}

impl fmt::Display for PolicySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expert(_) => f.write_str(&self.version()),
            Self::Learnt(dir) => write!(f, "learnt:{}", dir.display()),
        }
    }
}

impl FromStr for PolicySpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let unknown = || SpecError(text.to_owned());
        let (name, defect) = text.split_once(':').unwrap_or((text, ""));
        if name == "learnt" && !defect.is_empty() {
            return Ok(Self::Learnt(defect.into()));
        }
        if name != "expert" {
            return Err(unknown());
        }
        let (defect, value) =
            defect.split_once('=').map_or((defect, None), |(name, value)| (name, Some(value)));
        let number = |default: f64| match value {
            None => Ok(default),
            Some(value) => {
                value.parse::<f64>().ok().filter(|v| v.is_finite() && *v >= 0.0).ok_or_else(unknown)
            }
        };
        let plain = |defect: Defect| if value.is_none() { Ok(defect) } else { Err(unknown()) };
        let defect = match defect {
            "" if text == "expert" => Defect::None,
            "bias" => Defect::Bias { metres: number(0.02)? },
            "noise" => Defect::Noise { radians: number(0.03)? },
            "wrong-turn" => plain(Defect::WrongTurn)?,
            "freeze" => plain(Defect::Freeze)?,
            "nan" => plain(Defect::Nan)?,
            "short" => plain(Defect::Short)?,
            "late" => Defect::Late { by: Duration::from_secs_f64(number(200.0)?.min(60_000.0) / 1000.0) },
            "stale" => plain(Defect::Stale)?,
            _ => return Err(unknown()),
        };
        Ok(Self::Expert(defect))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read() {
        let defect = |text: &str| text.parse::<PolicySpec>();
        assert_eq!(defect("expert"), Ok((Defect::None).into()));
        assert_eq!(defect("expert:wrong-turn"), Ok((Defect::WrongTurn).into()));
        assert_eq!(defect("expert:bias=0.03"), Ok((Defect::Bias { metres: 0.03 }).into()));
        assert_eq!(defect("expert:late=250"), Ok((Defect::Late { by: Duration::from_millis(250) }).into()));
        assert_eq!(defect("learnt:a/b"), Ok(PolicySpec::Learnt("a/b".into())));
        for bad in [
            "",
            "learnt",
            "learnt:",
            "export",
            "expert:",
            "expert:wrong",
            "expert:bias=x",
            "expert:bias=-1",
            "expert:nan=1",
            "expert:bias=NaN",
        ] {
            assert_eq!(defect(bad), Err(SpecError(bad.into())));
        }
    }
}
