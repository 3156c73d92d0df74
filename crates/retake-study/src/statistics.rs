//! Means and how sure they are.

use std::f64::consts::FRAC_2_PI;

use serde::{Deserialize, Serialize};

/// A mean over repetitions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Repetitions.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Standard error of the mean: the sample's standard deviation over the root of the count. None of a single one.
    pub error: Option<f64>,
    /// Half of the width of the 95 % interval of Student's t around the mean. None of a single one.
    pub half_width: Option<f64>,
}

impl Estimate {
    /// Of these values. None of none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        let mean = values.iter().sum::<f64>() / count as f64;
        let freedom = count.checked_sub(1)?;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let error = (freedom > 0).then(|| (squares / freedom as f64 / count as f64).sqrt());
        let half_width = error.map(|error| error * t_quantile(0.975, freedom));
        Some(Self { count, mean, error, half_width })
    }

    /// Zero is not in the interval.
    pub fn excludes_zero(&self) -> bool {
        self.half_width.is_some_and(|half| self.mean.abs() > half)
    }
}

/// The `p` quantile, 0.5 < p < 1, of Student's t distribution with `freedom` degrees of freedom, by bisection.
fn t_quantile(p: f64, freedom: usize) -> f64 {
    let inside = 2.0 * p - 1.0;
    let (mut low, mut high) = (0.0, 1e6);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if within(middle, freedom) < inside { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Probability that |T| <= t with `freedom` degrees of freedom: the finite series of Abramowitz and Stegun, 26.7.3 and 26.7.4.
fn within(t: f64, freedom: usize) -> f64 {
    let angle = (t / (freedom as f64).sqrt()).atan();
    let (sine, cosine) = angle.sin_cos();
    let odd = freedom % 2 == 1;
    // Terms cos^k with k = 1, 3, … (odd) or 0, 2, … (even), each with the product of (k-1)/k before it.
    let mut term = if odd { cosine } else { 1.0 };
    let mut sum = 0.0;
    let mut power = if odd { 1 } else { 0 };
    while power + 2 <= freedom {
        sum += term;
        let next = power as f64;
        term *= cosine * cosine * (next + 1.0) / (next + 2.0);
        power += 2;
    }
    if odd { FRAC_2_PI * (angle + sine * sum) } else { sine * sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_printed_tables() {
        for (freedom, printed) in [
            (1, 12.706),
            (2, 4.303),
            (3, 3.182),
            (4, 2.776),
            (9, 2.262),
            (10, 2.228),
            (29, 2.045),
            (120, 1.980),
        ] {
            let quantile = t_quantile(0.975, freedom);
            assert!((quantile - printed).abs() < 0.0006, "{freedom}: {quantile}, printed {printed}");
        }
    }

    #[test]
    fn an_estimate_by_hand() {
        // Mean 2, sample variance 1, standard error 1/√3, t(2) = 4.303.
        let estimate = Estimate::of(&[1.0, 2.0, 3.0]).unwrap();
        assert_eq!((estimate.count, estimate.mean), (3, 2.0));
        assert!((estimate.error.unwrap() - 0.577_350).abs() < 1e-6);
        assert!((estimate.half_width.unwrap() - 2.484_1).abs() < 1e-3);
        assert!(!estimate.excludes_zero());
        assert!(Estimate::of(&[1.0, 1.1, 0.9]).unwrap().excludes_zero());
    }

    #[test]
    fn one_value_says_nothing_of_its_error() {
        let one = Estimate::of(&[0.5]).unwrap();
        assert_eq!((one.mean, one.error, one.half_width, one.excludes_zero()), (0.5, None, None, false));
        assert_eq!(Estimate::of(&[]), None);
    }
}
