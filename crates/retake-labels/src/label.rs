use std::time::Duration;

use retake_wire::pb::SegmentKind;
use serde::{Deserialize, Serialize};

use crate::Class;

/// What is recorded of one group at one tick of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The arbiter's monotonic time of the tick, nanoseconds. Does not decrease within an attempt.
    pub at_nanos: i64,
    /// The kind of segment the tick is in.
    pub kind: SegmentKind,
}

/// How labels are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The policy's steps at most this long before an intervention count as what led to it. Sirius: 15 steps at 20 Hz.
    pub pre_intervention: Duration,
    /// Steps at most this long after a change of who drives, and before one, are on its edge.
    pub edge: Duration,
}

impl Default for Rule {
    fn default() -> Self {
        Self { pre_intervention: Duration::from_millis(750), edge: Duration::from_millis(100) }
    }
}

/// What one group's step is an example of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its class.
    pub class: Class,
    /// Near a change of who drives: the hand, or the policy, is only just taking over or letting go.
    pub edge: bool,
    /// Number of the intervention it belongs to, or led to, from 1 within the attempt; 0 for none.
    pub intervention: u32,
}

/// Labels one group's steps of one attempt, in order.
///
/// An intervention begins where a human drives or rewinds after somebody else drove or nobody did, and lasts until the policy
/// drives again. What the policy did in the time before it led to it; this does not reach across an earlier intervention, nor
/// beyond the attempt's start. Steps that nobody drove in between are idle and do not count as the policy's.
pub fn label(steps: &[Step], rule: &Rule) -> Vec<Label> {
    let unlabelled =
        |step: &Step| Label { class: Class::of_segment(step.kind), edge: false, intervention: 0 };
    let mut labels: Vec<Label> = steps.iter().map(unlabelled).collect();
    number(&mut labels);
    look_back(steps, &mut labels, rule.pre_intervention);
    mark_edges(steps, &mut labels, rule.edge);
    labels
}

/// Numbers interventions. One goes on across idle steps until the policy drives.
fn number(labels: &mut [Label]) {
    let (mut count, mut within) = (0, false);
    for label in labels {
        if label.class.is_intervention() {
            count += u32::from(!within);
            within = true;
            label.intervention = count;
        } else if label.class == Class::Idle {
            label.intervention = if within { count } else { 0 };
        } else {
            within = false;
        }
    }
}

fn look_back(steps: &[Step], labels: &mut [Label], window: Duration) {
    let mut open: Option<(i64, u32)> = None;
    for (step, label) in steps.iter().zip(labels).rev() {
        match label.class {
            Class::Rewind | Class::Recovery | Class::Correction => {
                open = Some((step.at_nanos, label.intervention));
            }
            Class::Policy => {
                let led_to = open.filter(|(start, _)| within(step.at_nanos, *start, window));
                if let Some((_, intervention)) = led_to {
                    (label.class, label.intervention) = (Class::PreIntervention, intervention);
                }
            }
            Class::Demo => open = None,
            Class::Idle | Class::PreIntervention => {}
        }
    }
}

fn mark_edges(steps: &[Step], labels: &mut [Label], span: Duration) {
    let driver = |step: &Step| match Class::of_segment(step.kind) {
        Class::Policy | Class::PreIntervention => 1,
        Class::Rewind => 2,
        Class::Recovery | Class::Correction | Class::Demo => 3,
        Class::Idle => 0,
    };
    let changes: Vec<i64> = steps
        .windows(2)
        .filter(|pair| driver(&pair[0]) != driver(&pair[1]))
        .map(|pair| pair[1].at_nanos)
        .collect();
    for (step, label) in steps.iter().zip(labels) {
        let next = changes.partition_point(|change| *change <= step.at_nanos);
        let after = next.checked_sub(1).and_then(|last| changes.get(last));
        let before = changes.get(next);
        label.edge = after.is_some_and(|change| within(*change, step.at_nanos, span))
            || before.is_some_and(|change| within(step.at_nanos, *change, span));
    }
}

/// `later` is at most `span` after `earlier`.
fn within(earlier: i64, later: i64, span: Duration) -> bool {
    u128::try_from(later.saturating_sub(earlier)).is_ok_and(|apart| apart <= span.as_nanos())
}
