//! Which attempts are exported, and whether they go together.

use std::collections::BTreeSet;

use retake_dataset::{Episode, Key, Split, Standing, difference};

use crate::{
    Actions, Choose, Exported, Options, RobomimicError, Skipped,
    steps::{Shape, Steps},
};

/// Decides attempt by attempt.
#[derive(Debug)]
pub(crate) struct Chooser<'a> {
    choose: Choose<'a>,
    actions: Actions,
    /// Asked for by name, and not met yet.
    missing: BTreeSet<&'a Key>,
    /// The first that was chosen, and what all others must be like.
    first: Option<(Key, std::sync::Arc<retake_wire::pb::RobotDescriptor>, Shape)>,
}

impl<'a> Chooser<'a> {
    pub(crate) fn new(options: &Options<'a>) -> Self {
        let missing = match options.choose {
            Choose::Keys(keys) => keys.iter().collect(),
            Choose::Usable | Choose::Where(_) => BTreeSet::new(),
        };
        Self { choose: options.choose, actions: options.actions, missing, first: None }
    }

    /// Whether it is exported; otherwise why not, in words, if somebody may wonder.
    pub(crate) fn takes(&mut self, episode: &Episode, standing: &Standing) -> Result<bool, String> {
        let asked = match self.choose {
            Choose::Keys(keys) => keys.contains(&episode.key),
            Choose::Where(filter) => filter(episode, standing),
            Choose::Usable => {
                if standing.discarded {
                    return Err("it is discarded".into());
                }
                if let Some(problem) = episode.problems.first() {
                    return Err(problem.clone());
                }
                true
            }
        };
        self.missing.remove(&episode.key);
        if asked && episode.is_empty() { Err("it has no usable tick".into()) } else { Ok(asked) }
    }

    /// The shape of `episode`'s demo.
    ///
    /// # Errors
    /// If it is not that of those before it, or its commands cannot be scaled.
    pub(crate) fn shape(&mut self, episode: &Episode, cameras: &[String]) -> Result<Shape, RobomimicError> {
        let shape = Shape::of(episode, cameras);
        let refused = |why: String| RobomimicError::Episode { key: episode.key.clone(), why };
        if self.actions == Actions::Scaled && !shape.has_limits() {
            let why = "its robot's groups have no limits to scale commands to; export them as they are";
            return Err(refused(why.into()));
        }
        if let Some((key, robot, first)) = &self.first {
            if let Some(what) = difference(robot, &episode.robot) {
                return Err(refused(format!("its robot is not that of {key}: {what}")));
            }
            if shape.objects != first.objects || shape.cameras != first.cameras {
                let of = |shape: &Shape| format!("{} objects, cameras {:?}", shape.objects, shape.cameras);
                let (own, other) = (of(&shape), of(first));
                return Err(refused(format!(
                    "it has {own}, and {key} has {other}: one file cannot have both"
                )));
            }
            if self.actions == Actions::Scaled && (&shape.lower, &shape.upper) != (&first.lower, &first.upper)
            {
                return Err(refused(format!("its robot's limits are not those of {key}")));
            }
        } else {
            self.first = Some((episode.key.clone(), std::sync::Arc::clone(&episode.robot), shape.clone()));
        }
        Ok(shape)
    }

    /// What cannot be told of an attempt before its steps are there.
    pub(crate) fn check(&self, shape: &Shape, steps: &Steps) -> Result<(), String> {
        if steps.len() == 0 {
            return Err("none of its steps is exported".into());
        }
        let width = shape.width().max(1);
        let outside =
            steps.commands.chunks(width).zip(&steps.ticks).find(|(command, _)| !shape.allows(command));
        match outside.filter(|_| self.actions == Actions::Scaled) {
            Some((_, tick)) => Err(format!("the command of tick {tick} is beyond its limits")),
            None => Ok(()),
        }
    }

    /// An attempt is left out. One that was asked for by name may not be.
    pub(crate) fn skip(&self, key: &Key, why: String, exported: &mut Exported) -> Result<(), RobomimicError> {
        if matches!(self.choose, Choose::Keys(_)) {
            return Err(RobomimicError::Episode { key: key.clone(), why });
        }
        exported.skipped.push(Skipped { key: key.clone(), why });
        Ok(())
    }

    /// The robot of the first attempt, and the shape of all.
    pub(crate) fn first(&self) -> Option<(&retake_wire::pb::RobotDescriptor, &Shape)> {
        self.first.as_ref().map(|(_, robot, shape)| (robot.as_ref(), shape))
    }

    /// All that were asked for by name were there.
    pub(crate) fn finish(&self) -> Result<(), RobomimicError> {
        match self.missing.first() {
            Some(key) => {
                Err(RobomimicError::Refused(format!("there is no attempt {key} in these recordings")))
            }
            None => Ok(()),
        }
    }
}

/// A split that says two things about one attempt is none.
pub(crate) fn check_split(split: &Split) -> Result<(), RobomimicError> {
    let train: BTreeSet<&Key> = split.train.iter().collect();
    match split.valid.iter().find(|key| train.contains(key)) {
        Some(key) => Err(RobomimicError::Refused(format!("the split both trains and validates with {key}"))),
        None => Ok(()),
    }
}
