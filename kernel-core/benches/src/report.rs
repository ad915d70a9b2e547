//! Tables for people, JSON for programs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::Row;

/// A number with as many digits as carry meaning.
pub fn compact(number: f64) -> String {
    match number {
        n if n >= 1000.0 => format!("{n:.0}"),
        n if n >= 10.0 => format!("{n:.1}"),
        n => format!("{n:.2}"),
    }
}

/// The geometric mean of some ratios; `None` if there are none.
pub fn geometric_mean(ratios: &[f64]) -> Option<f64> {
    let logarithms = ratios.iter().map(|ratio| ratio.ln()).sum::<f64>();
    (!ratios.is_empty()).then(|| (logarithms / ratios.len() as f64).exp())
}

/// The exponents with which costs grow with the count, a column each, by [`performance::exponent`]. A row has
/// what one object costs; the exponents are those of all objects together.
pub fn exponents(counts: &[usize], rows: &[Row]) -> Row {
    let columns = rows.iter().map(Vec::len).min().unwrap_or(0);
    let exponent = |column: usize| {
        let point =
            |(&count, row): (&usize, &Row)| Some((count as f64, row[column]? * count as f64));
        let points: Vec<(f64, f64)> = counts.iter().zip(rows).filter_map(point).collect();
        performance::exponent(&points)
    };
    (0..columns).map(exponent).collect()
}

/// Where results go: `bench` in cargo's target folder.
pub fn output_folder() -> PathBuf {
    let told = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    if let Some(target) = told.filter(|target| target.is_absolute()) {
        return target.join("bench");
    }
    // A benchmark lies in <target>/<profile>/deps.
    let program = env::current_exe().unwrap_or_default();
    let target = program.ancestors().nth(3).unwrap_or(Path::new("."));
    target.join("bench")
}

/// Writes a result into [`output_folder`] and says where.
pub fn write(name: &str, text: &str) {
    let file = output_folder().join(name);
    let written = fs::create_dir_all(output_folder()).and_then(|()| fs::write(&file, text));
    match written {
        Ok(()) => eprintln!("written to {}", file.display()),
        Err(error) => eprintln!("can't write {}: {error}", file.display()),
    }
}

/// A table of numbers: a title, columns, named rows.
#[derive(Debug, Clone)]
pub struct Table {
    title: String,
    columns: Vec<String>,
    rows: Vec<(String, Vec<Option<f64>>)>,
    notes: Vec<String>,
}

impl Table {
    /// A table without rows.
    pub fn new(title: impl Into<String>, columns: &[&str]) -> Table {
        Table {
            title: title.into(),
            columns: columns.iter().map(|name| name.to_string()).collect(),
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds a row; `None` is printed as a dash.
    pub fn row(&mut self, name: impl Into<String>, cells: Vec<Option<f64>>) {
        self.rows.push((name.into(), cells));
    }

    /// Adds the quotient of two rows, where both have a number.
    pub fn ratio(&mut self, name: impl Into<String>, above: &[Option<f64>], below: &[Option<f64>]) {
        let cells = above.iter().zip(below).map(|pair| match pair {
            (Some(above), Some(below)) => Some(above / below),
            _ => None,
        });
        self.row(name, cells.collect());
    }

    /// Adds a sentence below the table.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// The table for people, in Markdown that also reads well as it is.
    pub fn text(&self) -> String {
        let mut lines = vec![vec![String::new()]];
        lines[0].extend(self.columns.iter().cloned());
        for (name, cells) in &self.rows {
            let mut line = vec![name.clone()];
            line.extend(cells.iter().map(|cell| cell.map_or("-".into(), compact)));
            lines.push(line);
        }
        let width = |column: usize| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells.map(String::len).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..=self.columns.len()).map(width).collect();
        let mut text = format!("{}\n\n", self.title);
        for (number, line) in lines.iter().enumerate() {
            for (column, &width) in widths.iter().enumerate() {
                let cell = line.get(column).map_or("", String::as_str);
                let _ = if column == 0 {
                    write!(text, "| {cell:<width$} ")
                } else {
                    write!(text, "| {cell:>width$} ")
                };
            }
            text.push_str("|\n");
            if number == 0 {
                for &width in &widths {
                    let _ = write!(text, "|-{:-<width$}-", "");
                }
                text.push_str("|\n");
            }
        }
        for note in &self.notes {
            let _ = write!(text, "\n{note}\n");
        }
        text
    }

    /// The table as a JSON object: `{"title": .., "columns": [..], "rows": {name: [..]}}`.
    pub fn json(&self) -> String {
        let columns: Vec<String> = self.columns.iter().map(|name| quoted(name)).collect();
        let rows: Vec<String> = self
            .rows
            .iter()
            .map(|(name, cells)| {
                let cells: Vec<String> = cells
                    .iter()
                    .map(|cell| cell.map_or("null".into(), |number| format!("{number:.3}")))
                    .collect();
                format!("    {}: [{}]", quoted(name), cells.join(", "))
            })
            .collect();
        format!(
            "{{\n  \"title\": {},\n  \"columns\": [{}],\n  \"rows\": {{\n{}\n  }}\n}}",
            quoted(&self.title),
            columns.join(", "),
            rows.join(",\n")
        )
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
