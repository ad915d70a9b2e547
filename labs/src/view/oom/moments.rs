//! What led to a decision and what came of it, as a table; and what is to be said of its memory.

use super::*;
use crate::view::duration;

impl OomMomentKind {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            OomMomentKind::Told => text::kind_told(),
            OomMomentKind::TimeUp => text::kind_time_up(),
            OomMomentKind::Low => text::kind_low(),
            OomMomentKind::Asked => text::kind_asked(),
            OomMomentKind::Killed => text::kind_killed(),
            OomMomentKind::Left => text::kind_left(),
        }
    }
}

impl OomDecision {
    /// Whether somebody was told, or might have been, before anybody was killed.
    pub fn has_warnings(&self) -> bool {
        let kinds = [
            OomMomentKind::Told,
            OomMomentKind::TimeUp,
            OomMomentKind::Low,
        ];
        self.moments.iter().any(|it| kinds.contains(&it.kind))
    }

    /// Why the pictures of memory show less than the scores speak of, if they do.
    pub fn staged(&self) -> Option<&'static str> {
        let says = self.candidates.iter().any(|it| it.rss > 0);
        let has = self.during.anon + self.during.swap_used > 0;
        (says && !has).then(text::staged)
    }
}

/// The moments around a decision as rows.
pub fn moments(decision: &OomDecision) -> Table {
    let first = decision.moments.first().map_or(0, |it| it.at_ns);
    let rows = decision.moments.iter().map(|it| {
        let after = duration(it.at_ns - first.min(it.at_ns));
        [
            duration(it.at_ns),
            ["+", &after].concat(),
            it.kind.name().to_string(),
            ::words::told(&it.text),
        ]
        .into()
    });
    Table {
        caption: text::moments().to_string(),
        columns: headings([
            text::column_at(),
            text::column_after(),
            text::column_what(),
            text::column_words(),
        ]),
        rows: rows.collect(),
    }
}
