//! Stretches of one class as demos of their own, and how often each class is to be drawn.

use std::{collections::BTreeMap, ops::Range, path::Path};

use retake_labels::Class;
use retake_weights::{Scheme, solve};
use serde::Serialize;

/// Runs of equal classes. Where nobody drove there is nothing to learn, and no segment.
pub(crate) fn runs(classes: &[Class]) -> Vec<(Class, Range<usize>)> {
    let mut start = 0;
    let mut found = Vec::new();
    for run in classes.chunk_by(|a, b| a == b) {
        if let Some(class) = run.first().filter(|class| **class != Class::Idle) {
            found.push((*class, start..start + run.len()));
        }
        start += run.len();
    }
    found
}

/// Name of the filter key of a class's segments.
pub(crate) fn filter_key(class: Class) -> String {
    format!("segment_{}", class.name())
}

/// An entry of robomimic's `train.data`, as since 0.5: with `train.normalize_weights_by_ds_size` the steps behind its filter key
/// are drawn with a probability that is its weight among all entries'.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WeightEntry {
    /// The exported file's name. It is beside the list.
    pub path: String,
    /// Filter key of one class's segments.
    pub filter_key: String,
    /// Share of what is drawn.
    pub weight: f64,
    /// Only one entry is evaluated with roll-outs; robomimic wants it said.
    pub eval: bool,
}

/// The list for `train.data`, from how many steps behind each class's filter key there are: Sirius' shares. Empty if there is nothing
/// to learn from.
pub(crate) fn entries(out: &Path, counts: &BTreeMap<Class, u64>) -> Vec<WeightEntry> {
    let path = out.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let learnt = counts.iter().filter(|(class, _)| Scheme::SIRIUS.learns(**class, false));
    let learnt = learnt.map(|(class, count)| (*class, *count)).collect();
    let solved = solve(&Scheme::SIRIUS, &learnt).map(|solution| solution.classes).unwrap_or_default();
    let shares = solved.into_iter().map(|(class, of)| (class, of.mass)).filter(|(_, mass)| *mass > 0.0);
    let entry = |(index, (class, weight)): (usize, (Class, f64))| WeightEntry {
        path: path.clone(),
        filter_key: filter_key(class),
        weight,
        eval: index == 0,
    };
    shares.enumerate().map(entry).collect()
}
