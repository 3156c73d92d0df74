//! Reads an export again before it gets its name.

use std::{collections::BTreeSet, path::Path};

use crate::{Demo, Numbers, Progress, Reader, RobomimicError, read};

/// What a demo of the file must be like.
#[derive(Clone, Debug)]
pub(crate) struct Promise {
    pub(crate) name: String,
    pub(crate) steps: usize,
    /// Sum of all numbers that were written, bit by bit.
    pub(crate) sum: u64,
}

/// Adds up the bits of numbers, by where they are.
pub(crate) fn add(sum: &mut u64, name: &str, numbers: &Numbers) {
    let mut note = |bits: u64| *sum = sum.rotate_left(5).wrapping_mul(0x0100_0000_01b3) ^ bits;
    name.bytes().for_each(|byte| note(u64::from(byte)));
    match numbers {
        Numbers::F32(values) => values.iter().for_each(|value| note(u64::from(value.to_bits()))),
        Numbers::F64(values) => values.iter().for_each(|value| note(value.to_bits())),
        Numbers::I64(values) => values.iter().for_each(|value| note(value.cast_unsigned())),
    }
}

/// Compares the file at `path` with what was promised.
///
/// # Errors
/// Says where it differs.
pub(crate) fn verify(
    path: &Path,
    promises: &[Promise],
    masks: &[(String, Vec<String>)],
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<(), RobomimicError> {
    let reader = read(path)?;
    let wrong = |place: &str, why: String| Err(RobomimicError::file(path, place, why));
    let names: Vec<&str> = promises.iter().map(|promise| promise.name.as_str()).collect();
    if reader.names() != names {
        let (found, meant) = (reader.names().len(), names.len());
        return wrong("/data", format!("it has {found} demos, not {meant}, or not those that were written"));
    }
    let total: usize = promises.iter().map(|promise| promise.steps).sum();
    if reader.total().and_then(|total| usize::try_from(total).ok()) != Some(total) {
        return wrong("/data, attribute total", format!("{:?}, not {total}", reader.total()));
    }
    let known: BTreeSet<&str> = names.iter().copied().collect();
    for (name, demos) in masks.iter().filter(|(_, demos)| !demos.is_empty()) {
        let place = format!("/mask/{name}");
        if reader.masks().get(name) != Some(demos) {
            return wrong(&place, "it does not name the demos that were meant".into());
        }
        if let Some(absent) = demos.iter().find(|demo| !known.contains(demo.as_str())) {
            return wrong(&place, format!("there is no {absent}"));
        }
    }
    let mut first: Option<Demo> = None;
    for (index, promise) in promises.iter().enumerate() {
        let demo = reader.demo(&promise.name)?;
        check(&reader, &demo, promise, first.as_ref())?;
        first.get_or_insert(demo);
        progress(&Progress::Verifying { demos: index + 1, of: promises.len() });
    }
    Ok(())
}

fn check(
    reader: &Reader,
    demo: &Demo,
    promise: &Promise,
    first: Option<&Demo>,
) -> Result<(), RobomimicError> {
    let wrong = |name: &str, why: String| {
        Err(RobomimicError::file(reader.path(), &format!("/data/{}/{name}", demo.name), why))
    };
    if demo.samples != promise.steps {
        return wrong("", format!("it has {} steps, not {}", demo.samples, promise.steps));
    }
    let mut sum = 0;
    let mut all: Vec<_> = demo.columns.iter().map(|(name, array)| (name.as_str(), array)).collect();
    all.push(("actions", &demo.actions));
    all.sort_by_key(|(name, _)| *name);
    for (name, array) in all {
        if array.shape.first() != Some(&demo.samples) {
            return wrong(name, format!("it has extents {:?} for {} steps", array.shape, demo.samples));
        }
        // Where the policy had nothing to say there is no number.
        if name != "policy_actions" && !array.numbers.is_finite() {
            return wrong(name, "it has something that is no number".into());
        }
        add(&mut sum, name, &array.numbers);
    }
    if sum != promise.sum {
        return wrong("", "what is read is not what was written".into());
    }
    for (name, extents) in &demo.pictures {
        if extents.first() != Some(&demo.samples) {
            return wrong(name, format!("it has extents {extents:?} for {} steps", demo.samples));
        }
        for step in 0..demo.samples {
            reader.picture(&demo.name, name, step)?;
        }
    }
    let Some(first) = first else { return Ok(()) };
    let tails = |demo: &Demo| -> Vec<(String, Vec<usize>)> {
        let columns = demo.columns.iter().map(|(name, array)| (name, &array.shape));
        let all = columns.chain(&demo.pictures);
        all.map(|(name, shape)| (name.clone(), shape.get(1..).unwrap_or_default().to_vec())).collect()
    };
    if tails(first) == tails(demo) {
        Ok(())
    } else {
        wrong("", format!("its datasets are not those of {}", first.name))
    }
}
