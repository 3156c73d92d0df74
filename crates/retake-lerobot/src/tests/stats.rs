//! Statistics against ones that are computed slowly and plainly.

use proptest::prelude::*;

use crate::stats::{Form, Histogram, QUANTILES, Summary, is_sampled};

fn near(found: f64, due: f64, scale: f64) -> bool {
    (found - due).abs() <= 1e-9 * scale.abs().max(1e-9)
}

/// As numpy does it: `numpy.quantile`, `mean`, `std`.
fn plain(values: &[f64]) -> (f64, f64, Vec<f64>) {
    let count = values.len() as f64;
    let mean = values.iter().map(|value| value / count).sum::<f64>();
    let variance = values.iter().map(|value| (value - mean) * (value - mean) / count).sum::<f64>();
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let quantile = |share: f64| {
        let place = share * (count - 1.0);
        let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
        low + (high - low) * place.fract()
    };
    (mean, variance.sqrt(), QUANTILES.iter().map(|(_, share)| quantile(*share)).collect())
}

proptest! {
    #[test]
    fn of_vectors(rows in prop::collection::vec(prop::array::uniform3(-1e3f32..1e3), 1..200)) {
        let flat: Vec<f32> = rows.iter().flatten().copied().collect();
        let summary = Summary::floats(&flat, 3);
        prop_assert_eq!(summary.count, rows.len() as u64);
        for (index, part) in summary.parts.iter().enumerate() {
            let column: Vec<f64> = rows.iter().map(|row| f64::from(row[index])).collect();
            let (mean, std, quantiles) = plain(&column);
            prop_assert!(near(part.mean, mean, 1e3) && near(part.variance.sqrt(), std, 1e3));
            prop_assert_eq!(part.min, column.iter().copied().fold(f64::INFINITY, f64::min));
            prop_assert_eq!(part.max, column.iter().copied().fold(f64::NEG_INFINITY, f64::max));
            for (found, due) in part.quantiles.iter().zip(quantiles) {
                prop_assert!(near(*found, due, 1e3), "{} {}", found, due);
            }
        }
    }

    #[test]
    fn joined_are_those_of_all(values in prop::collection::vec(-1e3f32..1e3, 2..200), cut in 0.0..1.0f64) {
        let cut = ((values.len() as f64 * cut) as usize).clamp(1, values.len() - 1);
        let mut joined = Summary::floats(&values[..cut], 1);
        joined.join(&Summary::floats(&values[cut..], 1));
        let whole = Summary::floats(&values, 1);
        prop_assert_eq!(joined.count, whole.count);
        let (joined, whole) = (&joined.parts[0], &whole.parts[0]);
        prop_assert!(near(joined.mean, whole.mean, 1e3) && near(joined.variance, whole.variance, 1e6));
        prop_assert_eq!((joined.min, joined.max), (whole.min, whole.max));
    }

    #[test]
    fn of_pictures(pixels in prop::collection::vec(any::<[u8; 3]>(), 12..60)) {
        let whole = pixels.len() / 4 * 4;
        let flat: Vec<u8> = pixels[..whole].iter().flatten().copied().collect();
        let mut histogram = Histogram::default();
        histogram.add(&flat, (4, whole / 4));
        let summary = histogram.summary();
        prop_assert_eq!((summary.form, summary.count), (Form::Picture, 1));
        for (channel, part) in summary.parts.iter().enumerate() {
            let column: Vec<f64> =
                pixels[..whole].iter().map(|pixel| f64::from(pixel[channel]) / 255.0).collect();
            let (mean, std, quantiles) = plain(&column);
            prop_assert!(near(part.mean, mean, 1.0) && near(part.variance.sqrt(), std, 1.0));
            for (found, due) in part.quantiles.iter().zip(quantiles) {
                prop_assert!(near(*found, due, 1.0), "{} {}", found, due);
            }
        }
    }

    #[test]
    fn so_many_pictures_are_sampled_as_lerobot_samples(rows in 1u64..5000) {
        let due = ((rows as f64).powf(0.75) as u64).clamp(100, 10_000).min(rows);
        prop_assert_eq!((0..rows).filter(|row| is_sampled(*row, rows)).count() as u64, due);
    }
}

#[test]
fn large_integers_keep_their_spread() {
    let start = 1_770_000_000_000_000_000i64;
    let summary = Summary::ints(&[start, start + 10, start + 20, start + 30]);
    assert!((summary.parts[0].variance - 125.0).abs() < 1e-9, "{summary:?}");
    assert_eq!(summary.json()["min"], serde_json::json!([start]));
}

#[test]
fn each_kind_has_the_shape_that_lerobot_demands() {
    let bools = Summary::bools(&[true, false, false, true]).json();
    assert_eq!(bools["min"], serde_json::json!([false]));
    assert_eq!(bools["mean"], serde_json::json!([0.5]));
    assert_eq!(bools["count"], serde_json::json!([4]));
    let mut histogram = Histogram::default();
    histogram.add(&[0, 51, 255].repeat(16), (4, 4));
    assert_eq!(histogram.summary().json()["max"], serde_json::json!([[[0.0]], [[0.2]], [[1.0]]]));
}
