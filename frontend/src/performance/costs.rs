//! What is shown: each work with what it costs here and cost elsewhere, as rows, as a sentence, and as
//! text for other programs.

use std::collections::BTreeMap;

use performance::offer::Offered;
use performance::recorded::{Recorded, Row};
use performance::rounds::median;

use words::performance as say;

use super::course::{Amount, Outcome};

/// What was measured here, by work and size.
pub type Mine = BTreeMap<(String, u32), Outcome>;

/// One work at one size. Costs are nanoseconds an operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// The work.
    pub name: String,
    /// What one operation of it is.
    pub what: String,
    /// The size.
    pub size: u32,
    /// On this machine, if it was measured.
    pub mine: Option<Outcome>,
    /// In the browser of the machine that is recorded.
    pub browser: Option<f64>,
    /// In a process of that machine.
    pub process: Option<f64>,
}

/// All rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Costs {
    /// In the order of the work.
    pub rows: Vec<Cost>,
    /// The bars' scale ends at ten to this power.
    pub decades: u32,
}

impl Costs {
    /// The rows that a run of `amount` fills.
    pub fn of(amount: Amount, offered: &Offered, mine: &Mine) -> Costs {
        let row = |(name, size): (String, u32)| {
            let recorded = offered.recorded.row(&name, size);
            let offer = offered.offers.iter().find(|offer| offer.name == name);
            Cost {
                what: offer.map(|offer| offer.what.clone()).unwrap_or_default(),
                browser: recorded.and_then(|row| row.wasm_ns),
                process: recorded.and_then(|row| row.native_ns),
                mine: mine.get(&(name.clone(), size)).cloned(),
                name,
                size,
            }
        };
        let rows: Vec<Cost> = amount.plan(&offered.offers).into_iter().map(row).collect();
        let largest = rows.iter().flat_map(Cost::all).fold(1000.0, f64::max);
        Costs {
            rows,
            decades: largest.log10().ceil() as u32,
        }
    }

    /// Where a cost ends on the bars' logarithmic scale, which begins at a nanosecond: 0 to 1.
    pub fn place(&self, ns: f64) -> f64 {
        (ns.max(1.0).log10() / f64::from(self.decades)).min(1.0)
    }

    /// What the rows say in all.
    pub fn sentence(&self) -> String {
        let measured: Vec<&Cost> = self.rows.iter().filter(|row| row.ns().is_some()).collect();
        if measured.is_empty() {
            return say::nothing_yet().to_string();
        }
        let times = |other: fn(&Cost) -> Option<f64>| {
            let ratios = measured
                .iter()
                .filter_map(|row| Some(row.ns()? / other(row)?));
            median(&ratios.collect::<Vec<_>>())
        };
        let (count, all) = (measured.len(), self.rows.len());
        let longer = |times: f64| format!("{times:.1}");
        let browser = times(|row| row.browser).map(longer);
        let process = times(|row| row.process).map(longer);
        match (browser, process) {
            (Some(browser), Some(process)) => say::measured_both(count, all, browser, process),
            (Some(browser), None) => say::measured_browser(count, all, browser),
            (None, Some(process)) => say::measured_process(count, all, process),
            (None, None) => say::measured(count, all),
        }
    }

    /// What was measured here, in the form in which results are kept.
    pub fn record(&self, machine: String, date: String) -> Recorded {
        let row = |row: &Cost| {
            Some(Row {
                name: row.name.clone(),
                size: row.size,
                wasm_ns: Some(row.ns()?),
                ..Row::default()
            })
        };
        Recorded {
            machine,
            date,
            rows: self.rows.iter().filter_map(row).collect(),
        }
    }
}

impl Cost {
    /// What it costs here.
    pub fn ns(&self) -> Option<f64> {
        self.mine
            .as_ref()
            .and_then(|mine| mine.as_ref().ok())
            .copied()
    }

    fn all(&self) -> impl Iterator<Item = f64> + use<> {
        [self.ns(), self.browser, self.process]
            .into_iter()
            .flatten()
    }
}

/// A cost with its unit: three digits.
pub fn time(ns: f64) -> String {
    let (value, unit) = match ns {
        _ if ns < 999.5 => (ns, "ns"),
        _ if ns < 999.5e3 => (ns / 1e3, "µs"),
        _ => (ns / 1e6, "ms"),
    };
    let digits = match value {
        _ if value < 9.995 => 2,
        _ if value < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use performance::offer::Offer;

    use super::*;

    fn offered() -> Offered {
        let offer = |name: &str| Offer {
            name: name.to_string(),
            what: format!("what {name} does"),
            sizes: vec![10, 100],
            quick: 10,
        };
        let row = |name: &str, native, wasm| Row {
            name: name.to_string(),
            size: 10,
            native_ns: native,
            wasm_ns: wasm,
            ..Row::default()
        };
        Offered {
            offers: vec![offer("a"), offer("b"), offer("c")],
            recorded: Recorded {
                rows: vec![row("a", Some(5.0), Some(10.0)), row("b", Some(1e6), None)],
                ..Recorded::default()
            },
        }
    }

    fn mine() -> Mine {
        let key = |name: &str| (name.to_string(), 10);
        let failed = Err("no memory".to_string());
        BTreeMap::from([
            (key("a"), Ok(20.0)),
            (key("b"), Ok(3e6)),
            (key("c"), failed),
        ])
    }

    #[test]
    fn rows_put_side_by_side_what_is_known() {
        let costs = Costs::of(Amount::Quick, &offered(), &mine());
        let all: Vec<_> = costs
            .rows
            .iter()
            .map(|row| (row.name.as_str(), row.ns(), row.browser, row.process))
            .collect();
        let expected = [
            ("a", Some(20.0), Some(10.0), Some(5.0)),
            ("b", Some(3e6), None, Some(1e6)),
            ("c", None, None, None),
        ];
        assert_eq!(all, expected);
        assert_eq!(costs.rows[0].what, "what a does");
        assert_eq!(Costs::of(Amount::Whole, &offered(), &mine()).rows.len(), 6);
    }

    #[test]
    fn the_sentence_says_how_it_compares() {
        let costs = Costs::of(Amount::Quick, &offered(), &mine());
        assert_eq!(
            costs.sentence(),
            "2 of 3 measured: half of the work takes at most 2.0 times as long as in the recorded \
             browser, and 3.5 times as long as in the recorded process."
        );
        let nothing = Costs::of(Amount::Quick, &offered(), &Mine::new());
        assert!(nothing.sentence().contains("Nothing"));
    }

    #[test]
    fn bars_are_on_a_logarithmic_scale() {
        let costs = Costs::of(Amount::Quick, &offered(), &mine());
        assert_eq!(costs.decades, 7);
        assert_eq!(costs.place(0.5), 0.0);
        assert!((costs.place(1000.0) - 3.0 / 7.0).abs() < 1e-9);
        assert_eq!(costs.place(1e9), 1.0);
    }

    #[test]
    fn what_was_measured_is_kept_as_the_recorded_is() {
        let costs = Costs::of(Amount::Quick, &offered(), &mine());
        let record = costs.record("a browser".to_string(), "2026-11-22".to_string());
        assert_eq!(record.rows.len(), 2);
        assert_eq!(record.row("b", 10).and_then(|row| row.wasm_ns), Some(3e6));
    }

    #[test]
    fn times_have_three_digits() {
        let times = [0.5, 9.999, 42.04, 999.6, 12_345.0, 7e6].map(time);
        assert_eq!(
            times,
            [
                "0.50 ns", "10.0 ns", "42.0 ns", "1.00 µs", "12.3 µs", "7.00 ms"
            ]
        );
    }
}
