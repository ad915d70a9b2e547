//! The results that are kept with the source, `performance/recorded.json`, and shown beside a visitor's.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, thread};

use performance::WORKLOADS;
use performance::recorded::{Recorded, Row};

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../performance/recorded.json")
}

/// Puts new figures into the record: `update` is called with the row of each workload at each size. What
/// it leaves alone stays as it was; rows of workloads that are no more go.
///
/// # Errors
/// A sentence, if the record is no record or can't be written.
pub fn update_record(mut update: impl FnMut(&mut Row)) -> Result<(), String> {
    let file = file();
    let old = match fs::read_to_string(&file) {
        Ok(text) => {
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?
        }
        Err(_) => Recorded::default(),
    };
    let mut new = Recorded {
        machine: machine(),
        date: date(),
        rows: Vec::new(),
    };
    for workload in WORKLOADS {
        for &size in workload.sizes {
            let mut row = old.row(workload.name, size).cloned().unwrap_or_default();
            row.name = workload.name.to_string();
            row.size = size;
            update(&mut row);
            for figure in [&mut row.native_ns, &mut row.wasm_ns, &mut row.instructions] {
                *figure = figure.map(rounded);
            }
            new.rows.push(row);
        }
    }
    fs::write(&file, text(&new)?)
        .map_err(|error| format!("can't write {}: {error}", file.display()))?;
    eprintln!("written to {}", file.display());
    Ok(())
}

/// Four digits carry all the meaning that there is.
fn rounded(figure: f64) -> f64 {
    if figure == 0.0 || !figure.is_finite() {
        return 0.0;
    }
    let unit = 10f64.powi(3 - figure.abs().log10().floor() as i32);
    (figure * unit).round() / unit
}

/// JSON with a row a line, so that a change of one shows as that.
fn text(recorded: &Recorded) -> Result<String, String> {
    let json = |row: &Row| serde_json::to_string(row).map_err(|error| error.to_string());
    let rows: Vec<String> = recorded.rows.iter().map(json).collect::<Result<_, _>>()?;
    let quoted = |text: &str| serde_json::to_string(text).map_err(|error| error.to_string());
    Ok(format!(
        "{{\n\"machine\": {},\n\"date\": {},\n\"rows\": [\n{}\n]\n}}\n",
        quoted(&recorded.machine)?,
        quoted(&recorded.date)?,
        rows.join(",\n")
    ))
}

/// This machine's processor, as far as the host tells.
pub fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, name)| name);
    let count = thread::available_parallelism().map_or(1, |count| count.get());
    format!("{model}, {count} CPUs")
}

/// Today, as `2026-11-22`; empty where the host does not tell.
fn date() -> String {
    let output = Command::new("date").arg("+%F").output();
    output.map_or(String::new(), |output| {
        String::from_utf8_lossy(&output.stdout).trim().to_string()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_four_digits() {
        for (figure, short) in [
            (1234.56, 1235.0),
            (0.123456, 0.1235),
            (99999.0, 1e5),
            (7.0, 7.0),
            (0.0, 0.0),
        ] {
            assert_eq!(rounded(figure), short);
        }
    }

    #[test]
    fn the_record_is_read_back_a_row_a_line() {
        let row = Row {
            name: "a.b".into(),
            size: 10,
            native_ns: Some(1.5),
            ..Row::default()
        };
        let recorded = Recorded {
            machine: "a \"machine\"".into(),
            date: "2026-11-22".into(),
            rows: vec![row.clone(), row],
        };
        let text = text(&recorded).expect("numbers and text");
        assert_eq!(serde_json::from_str::<Recorded>(&text).ok(), Some(recorded));
        assert_eq!(text.lines().count(), 8);
    }
}
