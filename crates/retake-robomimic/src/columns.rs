//! The datasets of a demo, made from an attempt's steps.

use std::ops::Range;

use retake_labels::Class;

use crate::{
    Actions, Numbers, action_mode, intv_label,
    steps::{Shape, Steps},
};

/// A dataset of a demo.
#[derive(Debug)]
pub(crate) struct Column {
    /// Its name below the demo.
    pub(crate) name: String,
    /// Numbers per step; none for a dataset of one dimension.
    pub(crate) width: Option<usize>,
    pub(crate) numbers: Numbers,
}

/// What is the same for all demos of an attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    pub(crate) actions: Actions,
    pub(crate) success: bool,
    /// -1 if nobody has said it.
    pub(crate) round: i64,
    pub(crate) weighted: bool,
}

/// The datasets of the steps in `range`, pictures excepted.
pub(crate) fn columns(shape: &Shape, steps: &Steps, range: &Range<usize>, about: About) -> Vec<Column> {
    let count = range.len();
    let units = |values: &[f64]| match about.actions {
        Actions::Scaled => scaled(shape, values),
        Actions::Plain => values.to_vec(),
    };
    let mut actions = units(&steps.commands);
    if about.actions == Actions::Scaled {
        // They are within the limits, but for rounding.
        actions.iter_mut().for_each(|value| *value = value.clamp(-1.0, 1.0));
    }
    let wide = |name: &str, values: &[f64], width: usize| Column {
        name: name.to_owned(),
        width: Some(width),
        numbers: Numbers::F64(part(values, range, width)),
    };
    let single = |column: Column| Column {
        numbers: Numbers::F32(column.numbers.to_f64().into_iter().map(narrow).collect()),
        ..column
    };
    let width = shape.width();
    let mut columns = vec![
        single(wide("actions", &actions, width)),
        single(wide("policy_actions", &units(&steps.proposals), width)),
        wide("commands", &steps.commands, width),
        scalars("tick", steps.ticks.get(range.clone()).unwrap_or_default().to_vec()),
        scalars("capture_ns", steps.captured.get(range.clone()).unwrap_or_default().to_vec()),
        scalars("round", vec![about.round; count]),
    ];
    let succeeded = about.success && range.end == steps.len();
    let at_the_end = |value: u8| (1..=count).map(move |step| if step == count { value } else { 0 });
    let rewards = at_the_end(u8::from(succeeded)).map(f32::from).collect();
    columns.push(Column { name: "rewards".into(), width: None, numbers: Numbers::F32(rewards) });
    columns.push(scalars("dones", at_the_end(1).map(i64::from).collect()));
    let classes = steps.classes.get(range.clone()).unwrap_or_default();
    let of = |code: fn(Class) -> i64, classes: &[Class]| classes.iter().map(|class| code(*class)).collect();
    columns.push(scalars("action_modes", of(action_mode, classes)));
    columns.push(scalars("intv_labels", of(intv_label, classes)));
    columns.push(scalars("label", of(number, classes)));
    for ((name, _), classes) in shape.groups.iter().zip(&steps.group_classes) {
        let classes = classes.get(range.clone()).unwrap_or_default();
        columns.push(scalars(&format!("label_{name}"), of(number, classes)));
    }
    if about.weighted {
        let weights = steps.weights.get(range.clone()).unwrap_or_default().to_vec();
        columns.push(Column { name: "weights".into(), width: None, numbers: Numbers::F32(weights) });
    }
    columns.extend(observed(shape, steps).into_iter().flat_map(|(name, values, width)| {
        [("obs", 0), ("next_obs", 1)].map(|(group, ahead)| {
            let values = shifted(&values, range, width, (ahead, steps.len()));
            let numbers = Numbers::F32(values.into_iter().map(narrow).collect());
            Column { name: format!("{group}/{name}"), width: Some(width), numbers }
        })
    }));
    columns
}

/// What is observed at each step: name, numbers of all steps, numbers per step.
fn observed(shape: &Shape, steps: &Steps) -> Vec<(String, Vec<f64>, usize)> {
    let mut observed = Vec::new();
    let groups = shape.groups.iter().zip(&steps.positions).zip(&steps.velocities);
    for (((name, width), positions), velocities) in groups {
        observed.push((format!("{name}_pos"), positions.clone(), *width));
        observed.push((format!("{name}_vel"), velocities.clone(), *width));
    }
    let tool = |part: Range<usize>| -> Vec<f64> {
        steps.tool.iter().flat_map(|pose| pose.get(part.clone()).unwrap_or_default()).copied().collect()
    };
    observed.push(("tool_pos".into(), tool(0..3), 3));
    observed.push(("tool_quat".into(), tool(3..7), 4));
    if shape.objects > 0 {
        observed.push(("object".into(), steps.objects.clone(), 7 * shape.objects));
    }
    observed
}

/// What was observed so many steps after each of `range`; where the attempt has no such step, at its last.
fn shifted(values: &[f64], range: &Range<usize>, width: usize, (ahead, steps): (usize, usize)) -> Vec<f64> {
    let later = range.clone().map(|step| (step + ahead).min(steps.saturating_sub(1)));
    later.flat_map(|step| part(values, &(step..step + 1), width)).collect()
}

fn part(values: &[f64], range: &Range<usize>, width: usize) -> Vec<f64> {
    values.get(range.start * width..range.end * width).unwrap_or_default().to_vec()
}

fn scalars(name: &str, values: Vec<i64>) -> Column {
    Column { name: name.to_owned(), width: None, numbers: Numbers::I64(values) }
}

fn number(class: Class) -> i64 {
    i64::from(class.number())
}

/// From -1 at the lower limit to 1 at the upper.
fn scaled(shape: &Shape, values: &[f64]) -> Vec<f64> {
    let limits = shape.lower.iter().zip(&shape.upper).cycle();
    values.iter().zip(limits).map(|(value, (low, high))| 2.0 * (value - low) / (high - low) - 1.0).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "a 32-bit float is what is asked for")]
pub(crate) const fn narrow(value: f64) -> f32 {
    value as f32
}
