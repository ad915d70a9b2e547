//! The table at the end of `cargo xtask bench`: our figures, the peers', and whether goals are reached.
//!
//! Each benchmark leaves its lines in `target/bench/NAME.standings`, fields separated by tabs, as
//! `kernel-core/benches/src/standing.rs` writes them, and its tables in `NAME.json`. This tool knows
//! neither of benchmarks nor of JSON; it puts together what it finds.

use std::fs;
use std::path::Path;

use crate::paths;
use crate::stop::Stop;

/// The fields of a line, in their order.
const FIELDS: [&str; 8] = [
    "name", "unit", "ours", "peer", "figure", "ratio", "goal", "reached",
];
/// Those that are numbers.
const NUMBERS: [usize; 3] = [2, 4, 5];

/// Prints what the benchmarks of those names have said, and writes `all.json` with everything that is in
/// the folder.
///
/// # Errors
/// When the folder can't be read or written.
pub fn print(names: &[String]) -> Result<(), Stop> {
    let folder = paths::target().join("bench");
    let mut rows = Vec::new();
    for name in names {
        rows.extend(read(&folder.join(format!("{name}.standings")))?);
    }
    if !rows.is_empty() {
        println!("{}", table(&rows));
    }
    let file = folder.join("all.json");
    let text = everything(&folder)?;
    fs::write(&file, text).map_err(|error| Stop::io("write", &file, &error))?;
    eprintln!("written to {}", file.display());
    Ok(())
}

/// The lines of a benchmark, none if it has nothing to say.
fn read(file: &Path) -> Result<Vec<Vec<String>>, Stop> {
    if !file.is_file() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(file).map_err(|error| Stop::io("read", file, &error))?;
    Ok(parse(&text))
}

fn parse(text: &str) -> Vec<Vec<String>> {
    let fields = |line: &str| line.split('\t').map(str::to_string).collect::<Vec<_>>();
    let whole = |row: &Vec<String>| row.len() == FIELDS.len();
    text.lines().map(fields).filter(whole).collect()
}

/// A number with as many digits as carry meaning.
fn compact(number: &str) -> String {
    match number.parse::<f64>() {
        Ok(n) if n.abs() >= 1000.0 => format!("{n:.0}"),
        Ok(n) if n.abs() >= 10.0 => format!("{n:.1}"),
        Ok(n) => format!("{n:.2}"),
        Err(_) => number.to_string(),
    }
}

/// The table for people, and a sentence that counts.
fn table(rows: &[Vec<String>]) -> String {
    let head = ["", "", "ours", "beside", "", "ratio", "goal", "reached"]
        .map(String::from)
        .to_vec();
    let mut lines = vec![head];
    for row in rows {
        let cell = |(number, text): (usize, &String)| match NUMBERS.contains(&number) {
            true => compact(text),
            false => text.clone(),
        };
        lines.push(row.iter().enumerate().map(cell).collect());
    }
    let widths: Vec<usize> = (0..FIELDS.len())
        .map(|column| {
            lines
                .iter()
                .map(|line| line[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::from("Where we stand\n\n");
    for (number, line) in lines.iter().enumerate() {
        for (column, (cell, &width)) in line.iter().zip(&widths).enumerate() {
            text += &match NUMBERS.contains(&column) {
                true => format!("| {cell:>width$} "),
                false => format!("| {cell:<width$} "),
            };
        }
        text += "|\n";
        if number == 0 {
            for &width in &widths {
                text += &format!("|-{:-<width$}-", "");
            }
            text += "|\n";
        }
    }
    let count = |word: &str| rows.iter().filter(|row| row[7] == word).count();
    let (reached, missed) = (count("yes"), count("NO"));
    text + &format!("\n{reached} of {} goals are reached.\n", reached + missed)
}

/// All tables and standings of the folder as one JSON object.
fn everything(folder: &Path) -> Result<String, Stop> {
    let entries = fs::read_dir(folder).map_err(|error| Stop::io("read", folder, &error))?;
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let (mut members, mut rows) = (Vec::new(), Vec::new());
    for file in files {
        let name = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("standings") => rows.extend(read(&file)?),
            Some("json") if name != "all" => {
                let text =
                    fs::read_to_string(&file).map_err(|error| Stop::io("read", &file, &error))?;
                members.push(format!("{}: {}", quoted(&name), text.trim_end()));
            }
            _ => {}
        }
    }
    let rows: Vec<String> = rows.iter().map(|row| object(row)).collect();
    members.insert(0, format!("\"standings\": [\n{}\n]", rows.join(",\n")));
    Ok(format!("{{\n{}\n}}\n", members.join(",\n")))
}

/// A line as JSON; what is empty is null.
fn object(row: &[String]) -> String {
    let member = |(number, (field, text)): (usize, (&&str, &String))| {
        let value = match text.as_str() {
            "" => "null".to_string(),
            text if NUMBERS.contains(&number) => text.to_string(),
            text => quoted(text),
        };
        format!("\"{field}\": {value}")
    };
    let members: Vec<String> = FIELDS.iter().zip(row).enumerate().map(member).collect();
    format!("{{{}}}", members.join(", "))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "radix: insert\tns\t12.3000\tLinux \"2.6.28\"\t18.8000\t0.6543\t<= 1 x\tyes\n\
                         page: weight\tkB\t632.0000\t\t\t\t<= 300\tNO\n\
                         cut off\tkB\n";

    #[test]
    fn the_table_says_how_many_goals_are_reached() {
        let text = table(&parse(LINES));
        assert!(text.contains("| radix: insert | ns |  12.3 | Linux \"2.6.28\" | 18.8 |  0.65 | <= 1 x | yes     |\n"), "{text}");
        assert!(text.contains("| page: weight  | kB | 632.0 |                |      |       | <= 300 | NO      |\n"), "{text}");
        assert!(text.ends_with("1 of 2 goals are reached.\n"), "{text}");
    }

    #[test]
    fn a_line_becomes_an_object() {
        let rows = parse(LINES);
        assert_eq!(rows.len(), 2);
        assert_eq!(
            object(&rows[0]),
            r#"{"name": "radix: insert", "unit": "ns", "ours": 12.3000, "peer": "Linux \"2.6.28\"", "figure": 18.8000, "ratio": 0.6543, "goal": "<= 1 x", "reached": "yes"}"#
        );
        assert!(object(&rows[1]).contains(r#""peer": null, "figure": null, "ratio": null"#));
    }
}
