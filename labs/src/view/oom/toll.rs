//! What running out of memory has cost a session.

use super::*;
use crate::view::duration;

/// The toll of a log up to a step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomTollView {
    /// The log's last step that counts.
    pub step: u32,
    /// Who was killed, in order; up to a thousand.
    pub kills: Vec<OomLoss>,
    /// Kills that are not listed.
    pub omitted: u32,
    /// When memory was short, in order; up to a thousand.
    pub shortages: Vec<OomShortage>,
    /// What became of all of them, listed or not.
    pub sum: OomSum,
}

/// A task that was killed, and what was lost with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomLoss {
    /// The step.
    pub step: u32,
    /// When, in nanoseconds since boot.
    pub at_ns: u64,
    /// Which.
    pub task: OomTask,
    /// Pages that its end gives back, in memory and in swap; 0 if that was said of one before who shares
    /// them.
    pub pages: u32,
    /// CPU time that its process had used, in nanoseconds: its work.
    pub work_ns: u64,
    /// Somebody else had more pages, in memory and in swap, among those whose limit was reached.
    pub is_innocent: bool,
    /// Who that was.
    pub largest: OomTask,
}

/// A time without memory: from a failed allocation until what was killed for it has left its memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomShortage {
    /// The step.
    pub step: u32,
    /// When it began, in nanoseconds since boot.
    pub at_ns: u64,
    /// How long it was, in nanoseconds. None is longer than its line.
    pub lasted_ns: u64,
}

/// A toll in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomSum {
    /// Tasks killed.
    pub killed: u32,
    /// Of these, those that were not the largest consumer.
    pub innocent: u32,
    /// Pages that the killed ones had.
    pub pages: u64,
    /// CPU time of the innocent ones, in nanoseconds.
    pub innocent_ns: u64,
    /// Times that memory ran out, listed or not.
    pub shortages: u32,
    /// Time that they lasted together, in nanoseconds.
    pub short_ns: u64,
    /// The longest.
    pub longest_ns: u64,
    /// Times that programs were told before somebody was to be killed.
    pub notices: u32,
    /// The machine has halted.
    pub is_halted: bool,
}

impl OomLoss {
    /// `line 5: 104 (hog), innocent`.
    pub fn words(&self) -> String {
        let task = self.task.words();
        match self.is_innocent {
            true => text::loss_innocent(self.step, task),
            false => text::loss(self.step, task),
        }
    }
}

impl View for OomTollView {
    fn table(&self) -> Table {
        let rows = self.kills.iter().map(|loss| {
            [
                loss.step.to_string(),
                duration(loss.at_ns),
                loss.task.words(),
                loss.pages.to_string(),
                duration(loss.work_ns),
                match loss.is_innocent {
                    true => text::not_largest(loss.largest.words()),
                    false => text::yes().to_string(),
                },
            ]
            .into()
        });
        Table {
            caption: self.sentence(),
            columns: headings([
                text::column_line(),
                text::column_at(),
                text::column_killed(),
                text::column_pages(),
                text::column_work(),
                text::column_largest(),
            ]),
            rows: rows.collect(),
        }
    }

    fn sentence(&self) -> String {
        let OomSum {
            killed,
            innocent,
            pages,
            innocent_ns,
            shortages,
            short_ns,
            ..
        } = self.sum;
        text::toll(
            text::tasks(killed.into()),
            text::shortages(shortages.into()),
            text::pages(pages),
            innocent,
            duration(innocent_ns),
            duration(short_ns),
        )
    }
}
