/// Which stages of the chain acted, as the bits of `GroupTick.limits`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clamps(pub u32);

impl Clamps {
    /// The target was not a number; the group brakes.
    pub const NOT_FINITE: Self = Self(1);
    /// The target was outside the position limits.
    pub const RANGE: Self = Self(2);
    /// The target was outside the workspace.
    pub const WORKSPACE: Self = Self(4);
    /// The target moved faster than the rate limits allow.
    pub const RATE: Self = Self(8);
    /// The operator's profile changed what they asked for.
    pub const PROFILE: Self = Self(16);
    /// The profile would have changed it by more than it may.
    pub const SECTOR: Self = Self(32);
    /// The way to the target led into a keep-out ball.
    pub const KEEP_OUT: Self = Self(64);
    /// The command could not have stopped inside the workspace and outside the balls; the group brakes.
    pub const RECHECKED: Self = Self(128);

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Every stage of `other` is among these.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_among_others_or_not() {
        let both = Clamps::WORKSPACE.and(Clamps::RATE);
        assert!(both.has(Clamps::WORKSPACE) && both.has(Clamps::RATE) && both.has(both));
        assert!(
            !Clamps::WORKSPACE.has(both) && !both.has(Clamps::RANGE) && !Clamps::default().has(Clamps::RANGE)
        );
    }
}
