use std::time::Duration;

use retake_units::MonoTime;

/// Somebody who needs the operator.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Who.
    pub source: String,
    /// Why, in their words.
    pub text: String,
    /// 0 to 1.
    pub need: f64,
    /// For how long.
    pub lasting: Duration,
}

/// Somebody who says how much they need the operator.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: String,
    need: f64,
    heard: MonoTime,
    /// Since when it has been calling.
    pub(crate) calling: Option<MonoTime>,
    /// The operator has seen its call; it counts again once its need has been low.
    pub(crate) seen: bool,
}

impl Source {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: String::new(),
            need: 0.0,
            heard: MonoTime::ZERO,
            calling: None,
            seen: false,
        }
    }

    /// What is not a number is the worst.
    pub(crate) fn says(&mut self, text: &str, need: f64, now: MonoTime) {
        self.text.clear();
        self.text.extend(text.chars().take(200));
        self.need = if need.is_nan() { 1.0 } else { need.clamp(0.0, 1.0) };
        self.heard = now;
    }

    pub(crate) fn silent(&self, silence: Duration, now: MonoTime) -> bool {
        now.since(self.heard) >= silence
    }

    /// Who has spoken and is silent now is in the worst of states.
    pub(crate) fn need(&self, silence: Duration, now: MonoTime) -> f64 {
        if self.silent(silence, now) { 1.0 } else { self.need }
    }

    pub(crate) const fn heard_at(&self) -> MonoTime {
        self.heard
    }
}
