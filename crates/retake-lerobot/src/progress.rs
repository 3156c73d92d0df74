//! The side file by which LeRobot's own weighted training (`--use_rabc=true`) takes the weights of an export.
//!
//! LeRobot means it for the progress `p` that a reward model sees (RA-BC, in SARM: Chen et al., 2025). It weighs row `i` by
//! `d = p[i + c] - p[i]`, where `c` is the length of the policy's chunks: 0 where `d < 0`, 1 where `d > 0.01`, and between them
//! `(d - (m - 2 s)) / (4 s + 1e-6)` with mean `m` and deviation `s` of all `d`; in each batch, weights are then scaled to a mean of 1. So
//! any weights can be said by a `p`: `d` is chosen row by row, `p` follows from it from the end backwards, and rows that no dataset
//! has bring `m` and `s` to where the line between runs from 0 to 1. All rows stand in one episode, because in one of its own the last
//! row's `d` would always be 0.

use std::{
    fs::{self, File},
    path::Path,
    sync::Arc,
};

use arrow_array::{Float32Array, Float64Array, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::{LerobotError, episodes::FileNumber, set::data_path, table::TableWriter};

/// Name of the side file, where LeRobot looks for it.
const NAME: &str = "sarm_progress.parquet";
/// The difference that weighs 1. LeRobot gives 1 to everything above 0.01.
const FULL: f64 = 0.008;
/// The difference that weighs nothing, for certain.
const NONE: f64 = -1e-5;
/// LeRobot's own small number.
const EPSILON: f64 = 1e-6;

/// Writes the side file for the export in `dir`, from its column `weight`, for policies that act in chunks of `chunk` rows. Weights are
/// taken relative to the largest.
///
/// # Errors
/// If the export has no weights, or all are 0; if the file is there already, or the system refuses.
pub fn write_progress(dir: &Path, chunk: u32) -> Result<(), LerobotError> {
    let weights = weights(dir)?;
    let largest = weights.iter().copied().fold(0.0, f64::max);
    if chunk == 0 || largest <= 0.0 {
        let why = if chunk == 0 { "a chunk has at least one row" } else { "all weights are 0" };
        return Err(LerobotError::Refused(format!("no {NAME} can be written: {why}")));
    }
    let weights: Vec<f64> = weights.into_iter().map(|weight| weight / largest).collect();
    let progress = progress(&weights, usize::try_from(chunk).unwrap_or(usize::MAX));
    let (path, partial) = (dir.join(NAME), dir.join(format!(".{NAME}.partial")));
    if path.exists() {
        return Err(LerobotError::Refused(format!("{} is already there: remove it first", path.display())));
    }
    _ = fs::remove_file(&partial);
    write(&partial, &progress)?;
    fs::rename(&partial, &path).map_err(LerobotError::io("rename to", &path))?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(LerobotError::io("sync", dir))
}

/// The weight of each row, in order.
fn weights(dir: &Path) -> Result<Vec<f64>, LerobotError> {
    let mut weights = Vec::new();
    for path in (0..).map(|number| data_path(dir, FileNumber(number))).take_while(|path| path.exists()) {
        let file = File::open(&path).map_err(LerobotError::io("open", &path))?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(|builder| builder.build());
        for batch in reader.map_err(LerobotError::file(&path))? {
            let batch = batch.map_err(LerobotError::file(&path))?;
            let column = batch.column_by_name("weight").and_then(|column| column.as_any().downcast_ref());
            let column: &Float32Array = column.ok_or_else(|| {
                LerobotError::file(&path)("it has no column `weight`; export without --twin")
            })?;
            weights.extend(column.values().iter().copied().map(f64::from));
        }
    }
    Ok(weights)
}

/// A progress of which each difference over `chunk` rows says the weight, 0 to 1, of its row. It is longer than `weights`.
fn progress(weights: &[f64], chunk: usize) -> Vec<f64> {
    let mut steps: Vec<f64> =
        weights.iter().map(|weight| if *weight > 0.0 { weight * FULL } else { NONE }).collect();
    // The last chunk of all has no row so far ahead, and no difference.
    let (deviation, ends) = ((FULL - EPSILON) / 4.0, chunk);
    let ballast = ballast(&steps, ends, (2.0 * deviation, deviation));
    steps.extend(ballast);
    let mut progress = vec![0.0; steps.len() + ends];
    for (row, step) in steps.iter().enumerate().rev() {
        let ahead = progress.get(row + chunk).copied().unwrap_or(0.0);
        if let Some(here) = progress.get_mut(row) {
            *here = ahead - step;
        }
    }
    progress
}

/// Differences that, with `steps` and as many zeros as `zeros`, have this mean and deviation.
fn ballast(steps: &[f64], zeros: usize, (mean, deviation): (f64, f64)) -> Vec<f64> {
    let known = (steps.len() + zeros) as f64;
    let off: f64 = steps.iter().map(|step| step - mean).sum::<f64>() - zeros as f64 * mean;
    let square: f64 =
        steps.iter().map(|step| (step - mean).powi(2)).sum::<f64>() + zeros as f64 * mean.powi(2);
    // With n more, half of them at a and half at b: their sum must undo `off`, and their squares bring the variance to its place.
    let mut pairs = 1_usize;
    loop {
        let n = 2.0 * pairs as f64;
        let (middle, wanted) = (-off / n, deviation.powi(2) * (known + n) - square);
        let spread = wanted / n - middle.powi(2);
        if spread >= 0.0 {
            let half = |value: f64| std::iter::repeat_n(mean + middle + value, pairs);
            return half(spread.sqrt()).chain(half(-spread.sqrt())).collect();
        }
        pairs += pairs / 10 + 1;
    }
}

fn write(path: &Path, progress: &[f64]) -> Result<(), LerobotError> {
    let field = |name: &str, kind: DataType| Field::new(name, kind, false);
    let schema = Arc::new(Schema::new(vec![
        field("index", DataType::Int64),
        field("episode_index", DataType::Int64),
        field("progress_sparse", DataType::Float64),
    ]));
    let mut table = TableWriter::create(path, Arc::clone(&schema))?;
    let rows = i64::try_from(progress.len()).unwrap_or(i64::MAX);
    let batch = RecordBatch::try_new(
        schema,
        vec![
            Arc::new(Int64Array::from_iter_values(0..rows)),
            Arc::new(Int64Array::from_iter_values((0..rows).map(|_| 0))),
            Arc::new(Float64Array::from(progress.to_vec())),
        ],
    );
    table.write(&batch.map_err(LerobotError::file(path))?)?;
    table.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As LeRobot 0.4.4 takes a progress.
    fn taken(progress: &[f64], chunk: usize) -> Vec<f64> {
        let end = progress.len();
        let steps: Vec<f64> =
            (0..end).map(|row| progress[(row + chunk).min(end - 1)] - progress[row]).collect();
        let mean = steps.iter().sum::<f64>() / end as f64;
        let deviation = (steps.iter().map(|step| (step - mean).powi(2)).sum::<f64>() / end as f64).sqrt();
        let weight = |step: f64| {
            let soft = (step - (mean - 2.0 * deviation)) / (4.0 * deviation + 1e-6);
            if step > 0.01 {
                1.0
            } else if step < 0.0 {
                0.0
            } else {
                soft.clamp(0.0, 1.0)
            }
        };
        steps.into_iter().map(weight).collect()
    }

    proptest! {
        #[test]
        fn lerobot_takes_any_weights_from_it(
            weights in proptest::collection::vec(prop_oneof![Just(0.0), Just(1.0), 0.0..1.0_f64], 1..300),
            chunk in 1_usize..120,
        ) {
            let found = taken(&progress(&weights, chunk), chunk);
            prop_assert!(found.len() <= 6 * (weights.len() + chunk) + 16);
            for (row, (weight, found)) in weights.iter().zip(&found).enumerate() {
                prop_assert!((weight - found).abs() < 1e-5, "row {row}: {found} for {weight}");
                prop_assert!(*weight > 0.0 || *found == 0.0, "row {row} must weigh nothing at all");
            }
        }
    }
}
