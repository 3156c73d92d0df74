//! Results for people and for spreadsheets.

use std::fmt::Write as _;

use retake_labels::Class;

use crate::results::{Results, Score};
use crate::statistics::Estimate;

impl Results {
    /// As Markdown tables, readable as they are.
    pub fn to_markdown(&self) -> String {
        let mut text = format!("# {}\n", self.study.name);
        if self.done < self.of {
            let _infallible = write!(text, "\nUnfinished: {} of {} cells.\n", self.done, self.of);
        }
        for operator in &self.study.operators {
            let delay = humantime_serde::re::humantime::format_duration(operator.delay);
            let _infallible = write!(text, "\n## Operator {} ({delay})\n\n", operator.name);
            text += &self.scores(&operator.name);
            text.push('\n');
            text += &self.calibration(&operator.name);
            if !self.study.comparisons.is_empty() {
                text.push('\n');
                text += &self.differences(&operator.name);
            }
        }
        text
    }

    fn scores(&self, operator: &str) -> String {
        let head = ["method".into(), "learns on".into()].into_iter();
        let head: Vec<String> =
            head.chain((0..=self.study.rounds).map(|round| format!("R{round}"))).collect();
        let row = |method: &crate::plan::Method| {
            let scores =
                self.scores.iter().filter(|score| score.operator == operator && score.method == method.name);
            let data = method.data.as_ref().map_or("its own".into(), |source| format!("{source}'s"));
            let cells = scores.map(|score| percent(score.success.as_ref(), |estimate| estimate.error));
            [method.name.clone(), data].into_iter().chain(cells).collect()
        };
        let rows: Vec<Vec<String>> = self.study.methods.iter().map(row).collect();
        format!("Success alone, %, mean ± standard error over seeds.\n\n{}", table(&head, &rows))
    }

    fn calibration(&self, operator: &str) -> String {
        let head = [
            "deploys",
            "round",
            "episodes",
            "human steps",
            "human share",
            "takeovers/episode",
            "steps each",
            "combined",
        ]
        .map(String::from);
        let own = |score: &&Score| score.operator == operator && score.data.is_none() && score.round > 0;
        let row = |score: &Score| {
            let of = &score.collected;
            vec![
                score.method.clone(),
                format!("R{}", score.round),
                format!("{:.1}", of.episodes),
                format!("{:.0}", of.human_steps),
                format!("{:.3}", of.human_fraction),
                format!("{:.2}", of.takeovers),
                format!("{:.1}", of.takeover_steps),
                format!("{:.3}", of.combined),
            ]
        };
        let rows: Vec<Vec<String>> = self.scores.iter().filter(own).map(row).collect();
        format!("What deployments were like.\n\n{}", table(&head, &rows))
    }

    fn differences(&self, operator: &str) -> String {
        let head = ["difference".into()].into_iter();
        let head: Vec<String> =
            head.chain((1..=self.study.rounds).map(|round| format!("R{round}"))).collect();
        let row = |comparison: &crate::plan::Comparison| {
            let each = self.differences.iter().filter(|difference| {
                difference.operator == operator
                    && (&difference.better, &difference.than) == (&comparison.better, &comparison.than)
            });
            let cells = each.map(|difference| {
                let mark = if difference.primary { " (primary)" } else { "" };
                let cell = percent(difference.success.as_ref(), |estimate| estimate.half_width);
                let sure = difference.success.is_some_and(|estimate| estimate.excludes_zero());
                if sure { format!("**{cell}**{mark}") } else { format!("{cell}{mark}") }
            });
            let name = format!("{} − {}", comparison.better, comparison.than);
            [name].into_iter().chain(cells).collect()
        };
        let rows: Vec<Vec<String>> = self.study.comparisons.iter().map(row).collect();
        format!(
            "Paired differences, points, mean ± half of the 95 % interval; bold where zero is outside.\n\n{}",
            table(&head, &rows)
        )
    }

    /// Every single figure, one line per method, operator, seed and round.
    pub fn to_csv(&self) -> String {
        let mut text = String::from(
            "method,data,operator,seed,round,successes,evaluations,episodes,steps,human_steps,takeovers,completed",
        );
        for class in Class::ALL {
            let _infallible = write!(text, ",learnt_{}", class.name().replace('-', "_"));
        }
        text += ",effective,loss\n";
        for row in &self.rows {
            let method = self.study.methods.iter().find(|method| method.name == row.method);
            let data = method.and_then(|method| method.data.as_deref()).unwrap_or("");
            let of = &row.collected;
            let _infallible = write!(
                text,
                "{},{data},{},{},{},{},{},{},{},{},{},{}",
                row.method,
                row.operator,
                row.seed,
                row.round,
                row.successes,
                row.evaluations,
                of.episodes,
                of.steps,
                of.human_steps,
                of.takeovers,
                of.completed
            );
            for class in Class::ALL {
                let _infallible = write!(text, ",{}", row.learnt.get(&class).copied().unwrap_or(0));
            }
            let _infallible = writeln!(text, ",{},{}", row.effective, row.loss);
        }
        text
    }
}

fn percent(estimate: Option<&Estimate>, spread: impl Fn(&Estimate) -> Option<f64>) -> String {
    let Some(estimate) = estimate else { return "–".into() };
    let mean = 100.0 * estimate.mean;
    spread(estimate).map_or(format!("{mean:.1}"), |spread| format!("{mean:.1} ± {:.1}", 100.0 * spread))
}

/// A Markdown table whose columns are aligned in plain text, too.
fn table(head: &[String], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).chain(head.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let line = |cells: &[String]| {
        let cell = |(column, cell): (usize, &String)| format!(" {cell:<width$} |", width = width(column));
        format!("|{}\n", cells.iter().enumerate().map(cell).collect::<String>())
    };
    let rule: String = (0..head.len()).map(|column| format!("{}|", "-".repeat(width(column) + 2))).collect();
    format!("{}|{rule}\n{}", line(head), rows.iter().map(|row| line(row)).collect::<String>())
}
