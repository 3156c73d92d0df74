//! Figures, as tables for people and as JSON for programs.

use std::fmt;

use serde_json::{Map, Value, json};

/// One figure or word of a table.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Text(String),
    Count(u64),
    /// With so many decimals for people.
    Number(f64, usize),
    /// Over the rounds: the median, the least and the most.
    Range([f64; 3]),
    /// The median over the rounds, and the interval it lies in.
    Interval([f64; 3]),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Self {
        Self::Count(u64::try_from(count).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text}"),
            Self::Count(count) => write!(f, "{count}"),
            Self::Number(number, decimals) => write!(f, "{number:.decimals$}"),
            Self::Range([median, least, most]) => write!(f, "{median:.2} ({least:.2}–{most:.2})"),
            Self::Interval([median, low, high]) => write!(f, "{median:.2} [{low:.2}–{high:.2}]"),
        }
    }
}

impl Cell {
    fn json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Count(count) => json!(count),
            Self::Number(number, _) => json!(number),
            Self::Range([median, least, most]) => json!({ "median": median, "least": least, "most": most }),
            Self::Interval([median, low, high]) => json!({ "median": median, "low": low, "high": high }),
        }
    }
}

/// Rows under headings; prints as a Markdown table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(|&column| column.to_owned()).collect(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    fn json(&self) -> Value {
        let row = |cells: &Vec<Cell>| -> Value {
            let pairs = self.columns.iter().zip(cells).map(|(column, cell)| (column.clone(), cell.json()));
            Value::Object(pairs.collect::<Map<_, _>>())
        };
        self.rows.iter().map(row).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.iter().map(ToString::to_string).collect()).collect();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|at| {
                let cells = texts.iter().filter_map(|row| row.get(at)).chain(self.columns.get(at));
                cells.map(|text| text.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let line = |f: &mut fmt::Formatter<'_>, cells: &[String]| {
            for (at, (cell, &width)) in cells.iter().zip(&widths).enumerate() {
                // Words of the first column to the left, figures to the right.
                if at == 0 { write!(f, "| {cell:<width$} ")? } else { write!(f, "| {cell:>width$} ")? }
            }
            writeln!(f, "|")
        };
        line(f, &self.columns)?;
        for (at, width) in widths.iter().enumerate() {
            write!(f, "|{}{}", "-".repeat(width + 1), if at == 0 { '-' } else { ':' })?;
        }
        writeln!(f, "|")?;
        texts.iter().try_for_each(|cells| line(f, cells))
    }
}

/// Something that is promised.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) what: String,
    pub(crate) found: String,
    pub(crate) holds: bool,
}

/// What one benchmark found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    /// What is compared with what.
    pub(crate) compared: &'static str,
    /// Single figures in words.
    pub(crate) remarks: Vec<String>,
    pub(crate) tables: Vec<Table>,
    pub(crate) bounds: Vec<Bound>,
}

impl Findings {
    pub(crate) fn json(&self) -> Value {
        let bound = |bound: &Bound| json!({ "what": bound.what, "found": bound.found, "holds": bound.holds });
        json!({
            "compared": self.compared,
            "remarks": self.remarks,
            "tables": self.tables.iter().map(Table::json).collect::<Vec<_>>(),
            "bounds": self.bounds.iter().map(bound).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.compared)?;
        for table in &self.tables {
            write!(f, "\n{table}")?;
        }
        if !self.remarks.is_empty() || !self.bounds.is_empty() {
            writeln!(f)?;
        }
        for remark in &self.remarks {
            writeln!(f, "- {remark}")?;
        }
        for Bound { what, found, holds } in &self.bounds {
            writeln!(f, "- bound: {what}: {found}: {}", if *holds { "holds" } else { "DOES NOT HOLD" })?;
        }
        Ok(())
    }
}

/// A line for whoever waits.
#[expect(clippy::print_stderr, reason = "progress goes to standard error")]
pub(crate) fn progress(line: &str) {
    eprintln!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_reads_the_same_for_people_and_programs() {
        let mut table = Table::new(&["what", "µs"]);
        table.row(vec!["floor".into(), Cell::Number(1.25, 1)]);
        table.row(vec!["ours".into(), Cell::Range([2.0, 1.0, 4.0])]);
        let text = table.to_string();
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                "| what  |               µs |",
                "|-------|-----------------:|",
                "| floor |              1.2 |",
                "| ours  | 2.00 (1.00–4.00) |"
            ]
        );
        assert_eq!(table.json()[0], json!({ "what": "floor", "µs": 1.25 }));
        assert_eq!(table.json()[1]["µs"]["most"], json!(4.0));
    }
}
