//! Statistics as LeRobot keeps them, computed so that they are right: in `f64` and about the first value.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Which quantiles are kept.
pub(crate) const QUANTILES: [(&str, f64); 5] =
    [("q01", 0.01), ("q10", 0.1), ("q50", 0.5), ("q90", 0.9), ("q99", 0.99)];

/// How a feature's statistics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Form {
    Float,
    Int,
    Bool,
    /// Three channels as [3][1][1], of values between 0 and 1.
    Picture,
}

/// Statistics of one value of a feature.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Bits", into = "Bits")]
pub(crate) struct Part {
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) mean: f64,
    /// Mean square of the distance from the mean.
    pub(crate) variance: f64,
    pub(crate) quantiles: [f64; QUANTILES.len()],
}

/// As the journal keeps it: bit by bit, for numbers as text do not always come back the same.
type Bits = [u64; 4 + QUANTILES.len()];

impl From<Bits> for Part {
    fn from(bits: Bits) -> Self {
        let [min, max, mean, variance, quantiles @ ..] = bits.map(f64::from_bits);
        Self { min, max, mean, variance, quantiles }
    }
}

impl From<Part> for Bits {
    fn from(part: Part) -> Self {
        let [a, b, c, d, e] = part.quantiles;
        [part.min, part.max, part.mean, part.variance, a, b, c, d, e].map(f64::to_bits)
    }
}

/// Statistics of a feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) form: Form,
    /// Rows, or pictures that were looked at.
    pub(crate) count: u64,
    pub(crate) parts: Vec<Part>,
}

/// Statistics of values that are given as the first of them and, in any order, each one's distance from it.
pub(crate) fn part(first: f64, mut offsets: Vec<f64>) -> Part {
    if offsets.is_empty() {
        return Part::default();
    }
    let count = offsets.len() as f64;
    let mean = offsets.iter().sum::<f64>() / count;
    let variance = offsets.iter().map(|offset| (offset - mean).powi(2)).sum::<f64>() / count;
    offsets.sort_unstable_by(f64::total_cmp);
    let at = |index: usize| offsets.get(index).or(offsets.last()).copied().unwrap_or(0.0);
    let quantile = |share: f64| {
        let exact = share * (count - 1.0);
        let below = floor(exact);
        first + at(below) + (at(below + 1) - at(below)) * (exact - below as f64)
    };
    Part {
        min: first + at(0),
        max: first + at(offsets.len() - 1),
        mean: first + mean,
        variance,
        quantiles: QUANTILES.map(|(_, share)| quantile(share)),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index into values in memory")]
fn floor(exact: f64) -> usize {
    exact as usize
}

impl Summary {
    /// Of vectors of `width`, one after the other.
    pub(crate) fn floats(values: &[f32], width: usize) -> Self {
        let column = |part: usize| values.iter().skip(part).step_by(width).map(|value| f64::from(*value));
        let of = |index: usize| {
            let first = column(index).next().unwrap_or(0.0);
            part(first, column(index).map(|value| value - first).collect())
        };
        let count = values.len().checked_div(width).unwrap_or(0) as u64;
        Self { form: Form::Float, count, parts: (0..width).map(of).collect() }
    }

    pub(crate) fn ints(values: &[i64]) -> Self {
        let first = values.first().copied().unwrap_or(0);
        let offsets = values.iter().map(|value| value.saturating_sub(first) as f64).collect();
        Self { form: Form::Int, count: values.len() as u64, parts: vec![part(first as f64, offsets)] }
    }

    pub(crate) fn bools(values: &[bool]) -> Self {
        let offsets = values.iter().map(|value| f64::from(u8::from(*value))).collect();
        Self { form: Form::Bool, count: values.len() as u64, parts: vec![part(0.0, offsets)] }
    }

    /// Takes in those of another episode. Quantiles are averaged, as LeRobot 0.4 does: all values are no longer known.
    pub(crate) fn join(&mut self, other: &Self) {
        let (a, b) = (self.count as f64, other.count as f64);
        if b == 0.0 {
            return;
        }
        let share = b / (a + b);
        for (mine, theirs) in self.parts.iter_mut().zip(&other.parts) {
            if a == 0.0 {
                mine.clone_from(theirs);
                continue;
            }
            let apart = theirs.mean - mine.mean;
            mine.min = mine.min.min(theirs.min);
            mine.max = mine.max.max(theirs.max);
            mine.variance +=
                (theirs.variance - mine.variance) * share + apart * apart * share * (1.0 - share);
            mine.mean += apart * share;
            for (mine, theirs) in mine.quantiles.iter_mut().zip(theirs.quantiles) {
                *mine += (theirs - *mine) * share;
            }
        }
        self.count += other.count;
    }

    /// The values of one statistic, by part: `min`, `max`, `mean`, `std`, or a quantile.
    pub(crate) fn all(&self) -> Vec<(&'static str, Vec<f64>)> {
        let each = |of: &dyn Fn(&Part) -> f64| self.parts.iter().map(of).collect::<Vec<f64>>();
        let mut all = vec![
            ("min", each(&|part| part.min)),
            ("max", each(&|part| part.max)),
            ("mean", each(&|part| part.mean)),
            ("std", each(&|part| part.variance.sqrt())),
        ];
        for (index, (name, _)) in QUANTILES.iter().enumerate() {
            all.push((name, each(&|part| part.quantiles.get(index).copied().unwrap_or(0.0))));
        }
        all
    }

    /// As in `stats.json`.
    pub(crate) fn json(&self) -> Json {
        let mut entry = serde_json::Map::new();
        for (name, values) in self.all() {
            let exact = matches!(name, "min" | "max");
            let value = match self.form {
                Form::Picture => json!(values.iter().map(|value| [[value]]).collect::<Vec<_>>()),
                Form::Int if exact => json!(values.iter().map(|value| whole(*value)).collect::<Vec<_>>()),
                Form::Bool if exact => json!(values.iter().map(|value| *value > 0.5).collect::<Vec<_>>()),
                Form::Float | Form::Int | Form::Bool => json!(values),
            };
            entry.insert(name.into(), value);
        }
        entry.insert("count".into(), json!([self.count]));
        Json::Object(entry)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it was an i64, and saturates")]
pub(crate) fn whole(value: f64) -> i64 {
    value.round() as i64
}

/// Counts the values of each channel of pictures.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    pictures: u64,
    channels: [[u64; 256]; 3],
}

impl Default for Histogram {
    fn default() -> Self {
        Self { pictures: 0, channels: [[0; 256]; 3] }
    }
}

impl Histogram {
    /// Counts a picture; of a large one only every few pixels, as LeRobot does.
    pub(crate) fn add(&mut self, rgb: &[u8], (width, height): (usize, usize)) {
        let larger = width.max(height);
        let step = if larger < 300 { 1 } else { larger / 150 };
        for row in rgb.chunks_exact((3 * width).max(1)).step_by(step) {
            for pixel in row.chunks_exact(3).step_by(step) {
                for (channel, value) in self.channels.iter_mut().zip(pixel) {
                    channel[usize::from(*value)] += 1;
                }
            }
        }
        self.pictures += 1;
    }

    pub(crate) fn summary(&self) -> Summary {
        let parts = self.channels.iter().map(channel).collect();
        Summary { form: Form::Picture, count: self.pictures, parts }
    }
}

fn channel(counts: &[u64; 256]) -> Part {
    let total: u64 = counts.iter().sum();
    if total == 0 {
        return Part::default();
    }
    let levels = || counts.iter().enumerate().map(|(level, count)| (level as f64 / 255.0, *count as f64));
    let mean = levels().map(|(level, count)| level * count).sum::<f64>() / total as f64;
    let variance = levels().map(|(level, count)| count * (level - mean).powi(2)).sum::<f64>() / total as f64;
    // The value at a place among all, sorted.
    let at = |place: u64| {
        let mut before = 0;
        let found = counts.iter().position(|count| {
            before += count;
            before > place
        });
        found.unwrap_or(255) as f64 / 255.0
    };
    let quantile = |share: f64| {
        let exact = share * (total - 1) as f64;
        let below = floor(exact) as u64;
        at(below) + (at((below + 1).min(total - 1)) - at(below)) * (exact - below as f64)
    };
    Part {
        min: at(0),
        max: at(total - 1),
        mean,
        variance,
        quantiles: QUANTILES.map(|(_, share)| quantile(share)),
    }
}

/// Of `rows` pictures, whether that of `row` is one of those that statistics are made of: LeRobot's number of them, evenly spread.
pub(crate) fn is_sampled(row: u64, rows: u64) -> bool {
    let wanted = (rows as f64).powf(0.75).clamp(100.0, 10_000.0);
    let wanted = (floor(wanted) as u64).min(rows);
    let before = |row: u64| (u128::from(row) * u128::from(wanted)).checked_div(rows.into());
    before(row + 1) > before(row)
}
