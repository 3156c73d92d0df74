//! Curves of a report.

use rerun::{Scalars, SeriesLines, SeriesPoints};

use crate::{Viz, VizError};

/// A value that changes from one step of an axis to the next.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// What it is: curves of one name are drawn together.
    pub chart: String,
    /// Whose.
    pub name: String,
    /// Where on the axis, and how much there.
    pub points: Vec<(i64, f64)>,
}

impl Viz {
    /// Draws curves over `axis`, a sequence such as rounds.
    ///
    /// # Errors
    /// If the view does not take them.
    pub fn draw(&self, axis: &'static str, curves: &[Curve]) -> Result<(), VizError> {
        let refused = |error: rerun::RecordingStreamError| VizError::Stream(error.to_string());
        for curve in curves {
            let path = [curve.chart.as_str(), curve.name.as_str()];
            let path: Vec<_> = path.iter().map(|part| rerun::EntityPathPart::new(*part)).collect();
            let path = rerun::EntityPath::from(path);
            // A single round is a point and no line.
            self.stream.log_static(path.clone(), &SeriesLines::new()).map_err(refused)?;
            self.stream
                .log_static(path.clone(), &SeriesPoints::new().with_marker_sizes([4.0]))
                .map_err(refused)?;
            for (step, value) in &curve.points {
                self.stream.set_time_sequence(axis, *step);
                self.stream.log(path.clone(), &Scalars::single(*value)).map_err(refused)?;
            }
        }
        self.flush()
    }
}
