//! Where the panes are, and how much room each has.
//!
//! A wide screen has three slots: the left column, the upper right, and the lower right, whose panes
//! stand behind tabs. Left and upper hold one pane each, all others are below; moving a pane to one of
//! the two changes places with the one that is there, so a pane is always in exactly one slot. The lab's
//! handout and the questions to the past have columns of their own, whose widths are kept here too.
//! A narrow screen shows one pane at a time and knows none of this.

use super::State;
use crate::choices::Pane;

/// Where a pane can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// The left column.
    Left,
    /// The upper right.
    Upper,
    /// The lower right, behind a tab.
    Lower,
}

/// What a splitter moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// The lab's column against all others.
    Lab,
    /// The left column against the right one.
    Left,
    /// The upper right against the lower.
    Upper,
    /// The questions' column against all others.
    Dock,
}

impl Split {
    /// All of them, in the order in which they are remembered.
    pub const ALL: [Split; 4] = [Split::Lab, Split::Left, Split::Upper, Split::Dock];

    /// Part of the splitter's id.
    pub fn name(self) -> &'static str {
        match self {
            Split::Lab => "lab",
            Split::Left => "left",
            Split::Upper => "upper",
            Split::Dock => "dock",
        }
    }

    /// Whether it moves sideways.
    pub fn is_upright(self) -> bool {
        self != Split::Upper
    }
}

/// The least and the most that a splitter gives to its side, in thousandths.
pub const RANGE: (u16, u16) = (150, 850);

/// How far an arrow key moves a splitter, in thousandths.
pub const STEP: i32 = 25;

/// What else is on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Beside {
    /// A lab's handout.
    pub has_lab: bool,
    /// Questions to the past.
    pub asks: bool,
    /// The pane below needs the upper one's room.
    pub is_roomy: bool,
}

/// What a person does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A pane into a slot.
    Move(Pane, Slot),
    /// Away with a pane.
    Hide(Pane),
    /// Back with it.
    Reveal(Pane),
    /// A pane alone on the screen, or no longer.
    Maximise(Option<Pane>),
    /// The same for the pane with the focus; without one, for that in front below.
    ToggleAlone(Option<Pane>),
    /// A splitter to so many thousandths; `None` is where it was to begin with.
    Resize(Split, Option<u16>),
    /// Everything as it was to begin with.
    Reset,
}

/// Where the panes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    left: Pane,
    upper: Pane,
    hidden: Vec<Pane>,
    /// For each of [`Split::ALL`], where it was put.
    splits: [Option<u16>; 4],
    /// The pane that has the screen for itself. It is not remembered.
    maximised: Option<Pane>,
}

impl Default for Layout {
    fn default() -> Layout {
        Layout {
            left: Pane::Console,
            upper: Pane::Tree,
            hidden: Vec::new(),
            splits: [None; 4],
            maximised: None,
        }
    }
}

/// The handout is where it is.
fn is_movable(pane: Pane) -> bool {
    pane != Pane::Lab
}

impl Layout {
    /// Changes it; returns whether anything is different.
    pub fn apply(&mut self, action: Action) -> bool {
        let before = self.clone();
        match action {
            Action::Move(pane, slot) if is_movable(pane) => self.put(pane, slot),
            Action::Move(..) => {}
            Action::Hide(pane) if is_movable(pane) && self.shown().count() > 1 => {
                if !self.is_hidden(pane) {
                    self.hidden.push(pane);
                }
                self.maximised = None;
            }
            Action::Hide(_) => {}
            Action::Reveal(pane) => {
                self.hidden.retain(|hidden| *hidden != pane);
                if self.maximised.is_some_and(|maximised| maximised != pane) {
                    self.maximised = None;
                }
            }
            Action::Maximise(pane) => {
                self.maximised = pane.filter(|pane| is_movable(*pane) && !self.is_hidden(*pane));
            }
            // It is known which pane that is where it is known what is in front.
            Action::ToggleAlone(_) => {}
            Action::Resize(split, share) => {
                let share = share.map(|share| share.clamp(RANGE.0, RANGE.1));
                self.splits[split as usize] = share;
            }
            Action::Reset => *self = Layout::default(),
        }
        *self != before
    }

    fn put(&mut self, pane: Pane, slot: Slot) {
        self.hidden.retain(|hidden| *hidden != pane);
        self.maximised = None;
        let from = self.slot_of(pane);
        match (slot, from) {
            (Slot::Left, Slot::Upper) | (Slot::Upper, Slot::Left) => {
                std::mem::swap(&mut self.left, &mut self.upper);
            }
            (Slot::Left, _) => self.left = pane,
            (Slot::Upper, _) => self.upper = pane,
            // What comes up in its place is what was there to begin with, or else the first below.
            (Slot::Lower, Slot::Left) => self.left = self.follower(Pane::Console, pane),
            (Slot::Lower, Slot::Upper) => self.upper = self.follower(Pane::Tree, pane),
            (Slot::Lower, Slot::Lower) => {}
        }
    }

    /// Who takes the place of a pane that goes down.
    fn follower(&self, wanted: Pane, gone: Pane) -> Pane {
        let mut below = Pane::ALL.into_iter().filter(|pane| {
            is_movable(*pane) && *pane != gone && self.slot_of(*pane) == Slot::Lower
        });
        let first = below.next().unwrap_or(Pane::Memory);
        let is_there = first == wanted || below.any(|pane| pane == wanted);
        if is_there { wanted } else { first }
    }

    /// Where a pane is, hidden or not.
    pub fn slot_of(&self, pane: Pane) -> Slot {
        match pane {
            pane if pane == self.left => Slot::Left,
            pane if pane == self.upper => Slot::Upper,
            _ => Slot::Lower,
        }
    }

    /// Whether a pane is put away.
    pub fn is_hidden(&self, pane: Pane) -> bool {
        self.hidden.contains(&pane)
    }

    fn shown(&self) -> impl Iterator<Item = Pane> + '_ {
        let panes = Pane::ALL.into_iter().filter(|pane| is_movable(*pane));
        panes.filter(|pane| !self.is_hidden(*pane))
    }

    /// The panes with a tab below.
    pub fn lower(&self) -> impl Iterator<Item = Pane> + '_ {
        self.shown()
            .filter(|pane| self.slot_of(*pane) == Slot::Lower)
    }

    /// The pane in the left column, if there is one.
    pub fn left(&self) -> Option<Pane> {
        Some(self.left).filter(|pane| !self.is_hidden(*pane))
    }

    /// The pane in the upper right, if there is one.
    pub fn upper(&self) -> Option<Pane> {
        Some(self.upper).filter(|pane| !self.is_hidden(*pane))
    }

    /// The pane that has the screen for itself.
    pub fn maximised(&self) -> Option<Pane> {
        self.maximised
    }

    /// A pane below to be in front: this one, or else the first.
    pub fn front(&self, wanted: Pane) -> Option<Pane> {
        let mut lower = self.lower();
        let first = lower.next();
        let is_there = first == Some(wanted) || lower.any(|pane| pane == wanted);
        if is_there { Some(wanted) } else { first }
    }

    /// Where a splitter stands, in thousandths.
    pub fn share(&self, split: Split, beside: Beside) -> u16 {
        let usual = match (split, beside.has_lab, beside.asks) {
            (Split::Lab, _, true) => 310,
            (Split::Lab, ..) => 340,
            (Split::Left, true, true) => 478,
            (Split::Left, true, false) => 439,
            (Split::Left, false, true) => 364,
            (Split::Left, ..) => 400,
            (Split::Upper, true, _) => 500,
            (Split::Upper, ..) => 550,
            // The question's column is on the right; its share is what is left of it.
            (Split::Dock, ..) => 721,
        };
        self.splits[split as usize].unwrap_or(usual)
    }

    /// The tracks of the columns, unless they are as the style sheet has them.
    pub fn columns(&self, beside: Beside) -> Option<String> {
        let is_usual = [Split::Lab, Split::Left, Split::Dock]
            .iter()
            .all(|split| self.splits[*split as usize].is_none());
        let has_left = self.left().is_some();
        let has_right = self.upper().is_some() || self.lower().next().is_some();
        if is_usual && has_left && has_right {
            return None;
        }
        let share = |split| u32::from(self.share(split, beside));
        let mut columns = String::new();
        let mut rest = 1_000_000;
        if beside.has_lab {
            let lab = share(Split::Lab) * 1000;
            track(&mut columns, lab, 12);
            rest -= lab;
        }
        // With a lab, the questions are below the console.
        let dock = match beside.asks && !beside.has_lab {
            true => (1000 - share(Split::Dock)) * 1000,
            false => 0,
        };
        rest -= dock;
        let left = rest / 1000 * share(Split::Left);
        match (has_left, has_right) {
            // Below the console is a place for questions even when the console is put away.
            (false, _) if !(beside.asks && beside.has_lab) => {
                columns.push_str("0 ");
                track(&mut columns, rest, 0);
            }
            (true, false) => {
                track(&mut columns, rest, 0);
                columns.push_str("0 ");
            }
            _ => {
                track(&mut columns, left, 12);
                track(&mut columns, rest - left, 12);
            }
        }
        if dock > 0 {
            track(&mut columns, dock, 12);
        }
        Some(columns.trim_end().to_string())
    }

    /// The tracks of the rows, unless they are as the style sheet has them.
    pub fn rows(&self, beside: Beside) -> Option<String> {
        let has_lower = self.lower().next().is_some();
        match (self.upper(), has_lower) {
            (Some(_), false) => Some("minmax(0, 1fr) 0 0".into()),
            // The style sheet gives the lower one all of the room.
            (None, _) => None,
            _ if beside.is_roomy => None,
            _ => self.splits[Split::Upper as usize].map(|share| {
                let share = u32::from(share) * 1000;
                let mut rows = String::new();
                track(&mut rows, share, 0);
                rows.push_str("auto ");
                track(&mut rows, 1_000_000 - share, 0);
                rows.trim_end().to_string()
            }),
        }
    }

    /// Whether a splitter has two sides to divide.
    pub fn has_split(&self, split: Split, beside: Beside) -> bool {
        let has_left = self.left().is_some();
        let has_lower = self.lower().next().is_some();
        let has_upper = self.upper().is_some() && !beside.is_roomy;
        self.maximised.is_none()
            && match split {
                Split::Lab => beside.has_lab,
                Split::Left => has_left && (self.upper().is_some() || has_lower),
                Split::Upper => has_upper && has_lower,
                Split::Dock => beside.asks && !beside.has_lab,
            }
    }

    /// As one word: the panes on the left and above, the splitters, and what is put away.
    pub fn write(&self) -> String {
        let mut word = [self.left.label(), "/", self.upper.label()].concat();
        for split in self.splits {
            word.push('/');
            if let Some(share) = split {
                word.push_str(&share.to_string());
            }
        }
        for pane in &self.hidden {
            word.push_str("/-");
            word.push_str(pane.label());
        }
        word
    }

    /// Reads what [`Layout::write`] wrote; whatever cannot be read is as to begin with.
    pub fn parse(word: &str) -> Layout {
        let pane = |label: &str| {
            let mut panes = Pane::ALL.into_iter();
            panes.find(|pane| pane.label() == label && is_movable(*pane))
        };
        let mut layout = Layout::default();
        let parts: Vec<&str> = word.split('/').collect();
        if let [left, upper, splits @ ..] = &*parts {
            if let Some(left) = pane(left) {
                layout.put(left, Slot::Left);
            }
            if let Some(upper) = pane(upper).filter(|upper| *upper != layout.left) {
                layout.put(upper, Slot::Upper);
            }
            for (split, part) in Split::ALL.into_iter().zip(splits) {
                if let Ok(share) = part.parse() {
                    layout.apply(Action::Resize(split, Some(share)));
                }
            }
            for hidden in parts.iter().filter_map(|part| part.strip_prefix('-')) {
                if let Some(hidden) = pane(hidden) {
                    layout.apply(Action::Hide(hidden));
                }
            }
        }
        layout
    }
}

/// Adds a track of so many millionths, and at least so many rem.
fn track(tracks: &mut String, share: u32, least: u32) {
    tracks.push_str(&format!("minmax({least}rem, {}fr) ", share / 1000));
}

impl State {
    pub(super) fn apply_layout(&mut self, action: Action) {
        let action = match action {
            Action::ToggleAlone(_) if self.layout.maximised().is_some() => Action::Maximise(None),
            Action::ToggleAlone(pane) => Action::Maximise(Some(pane.unwrap_or(self.lower))),
            action => action,
        };
        if self.layout.apply(action) {
            self.lower = self.layout.front(self.lower).unwrap_or(self.lower);
            self.views_moved();
        }
    }

    /// Other panes are shown than before: what they show is asked for.
    pub(super) fn views_moved(&mut self) {
        self.stale.lower = true;
        self.stale.task = self.shows(Pane::Tasks);
        self.stale.timeline = true;
    }

    /// The panes that are shown: in the two slots of one pane, and in front below.
    pub(super) fn shown_panes(&self) -> impl Iterator<Item = Pane> + '_ {
        let layout = &self.layout;
        let below = layout.front(self.lower).or(Some(self.lower));
        let mut panes = [layout.left(), layout.upper(), below];
        if panes[2] == panes[0] || panes[2] == panes[1] {
            panes[2] = None;
        }
        panes.into_iter().flatten()
    }

    /// Whether a pane is among them.
    pub(super) fn shows(&self, pane: Pane) -> bool {
        self.shown_panes().any(|shown| shown == pane)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: Beside = Beside {
        has_lab: false,
        asks: false,
        is_roomy: false,
    };

    fn below(layout: &Layout) -> Vec<Pane> {
        layout.lower().collect()
    }

    #[test]
    fn to_begin_with_the_style_sheet_decides() {
        let layout = Layout::default();
        assert_eq!(
            (layout.left(), layout.upper()),
            (Some(Pane::Console), Some(Pane::Tree))
        );
        let expected: Vec<Pane> = Pane::ALL.into_iter().filter(|it| it.is_lower()).collect();
        assert_eq!(below(&layout), expected);
        for bits in 0..8 {
            let beside = Beside {
                has_lab: bits & 1 != 0,
                asks: bits & 2 != 0,
                is_roomy: bits & 4 != 0,
            };
            assert_eq!((layout.columns(beside), layout.rows(beside)), (None, None));
            assert_eq!(layout.has_split(Split::Lab, beside), beside.has_lab);
            assert_eq!(layout.has_split(Split::Upper, beside), !beside.is_roomy);
        }
        assert_eq!(Layout::parse(&layout.write()), layout);
    }

    #[test]
    fn panes_change_places() {
        let mut layout = Layout::default();
        assert!(layout.apply(Action::Move(Pane::Slab, Slot::Upper)));
        assert_eq!(layout.slot_of(Pane::Slab), Slot::Upper);
        assert_eq!(layout.slot_of(Pane::Tree), Slot::Lower);
        assert!(layout.apply(Action::Move(Pane::Slab, Slot::Left)));
        assert_eq!(
            (layout.left(), layout.upper()),
            (Some(Pane::Slab), Some(Pane::Console))
        );
        // Down again: the console, which was on the left to begin with, is above and stays there.
        assert!(layout.apply(Action::Move(Pane::Slab, Slot::Lower)));
        assert_eq!(
            (layout.left(), layout.upper()),
            (Some(Pane::Tree), Some(Pane::Console))
        );
        assert!(!layout.apply(Action::Move(Pane::Slab, Slot::Lower)));
        assert!(!layout.apply(Action::Move(Pane::Lab, Slot::Left)));
        assert!(layout.apply(Action::Reset));
        assert_eq!(layout, Layout::default());
    }

    #[test]
    fn what_is_put_away_gives_up_its_room() {
        let mut layout = Layout::default();
        assert!(layout.apply(Action::Hide(Pane::Tree)));
        assert_eq!(layout.upper(), None);
        assert!(!layout.has_split(Split::Upper, ALONE) && layout.has_split(Split::Left, ALONE));
        assert!(layout.apply(Action::Hide(Pane::Console)));
        assert_eq!(
            layout.columns(ALONE).as_deref(),
            Some("0 minmax(0rem, 1000fr)")
        );
        assert!(!layout.has_split(Split::Left, ALONE));
        assert!(layout.apply(Action::Reveal(Pane::Console)));
        for pane in Pane::ALL.into_iter().filter(|it| it.is_lower()) {
            assert!(layout.apply(Action::Hide(pane)));
            assert_ne!(layout.front(pane), Some(pane));
        }
        // Somebody stays.
        assert!(!layout.apply(Action::Hide(Pane::Console)));
        assert_eq!(layout.front(Pane::Slab), None);
        assert_eq!(
            layout.columns(ALONE).as_deref(),
            Some("minmax(0rem, 1000fr) 0")
        );
        assert!(layout.apply(Action::Reveal(Pane::Oom)));
        assert_eq!(layout.front(Pane::Slab), Some(Pane::Oom));
    }

    #[test]
    fn one_pane_has_the_screen() {
        let mut layout = Layout::default();
        assert!(layout.apply(Action::Maximise(Some(Pane::Slab))));
        assert_eq!(layout.maximised(), Some(Pane::Slab));
        assert!(Split::ALL.iter().all(|it| !layout.has_split(*it, ALONE)));
        // It is not remembered; and whoever asks for another pane gets to see it.
        assert_eq!(Layout::parse(&layout.write()), Layout::default());
        assert!(!layout.apply(Action::Reveal(Pane::Slab)));
        assert!(layout.apply(Action::Reveal(Pane::Memory)));
        assert_eq!(layout.maximised(), None);
        assert!(!layout.apply(Action::Maximise(Some(Pane::Lab))));
    }

    #[test]
    fn splitters_keep_within_their_range() {
        let mut layout = Layout::default();
        let mut put = |split, share| {
            layout.apply(Action::Resize(split, share));
            layout.share(split, ALONE)
        };
        assert_eq!(put(Split::Left, Some(20)), 150);
        assert_eq!(put(Split::Left, Some(990)), 850);
        assert_eq!(put(Split::Left, Some(500)), 500);
        assert_eq!(put(Split::Upper, Some(300)), 300);
        assert_eq!(
            layout.columns(ALONE).as_deref(),
            Some("minmax(12rem, 500fr) minmax(12rem, 500fr)")
        );
        assert_eq!(
            layout.rows(ALONE).as_deref(),
            Some("minmax(0rem, 300fr) auto minmax(0rem, 700fr)")
        );
        let lab = Beside {
            has_lab: true,
            ..ALONE
        };
        assert_eq!(
            layout.columns(lab).as_deref(),
            Some("minmax(12rem, 340fr) minmax(12rem, 330fr) minmax(12rem, 330fr)")
        );
        let asks = Beside {
            asks: true,
            ..ALONE
        };
        assert_eq!(
            layout.columns(asks).as_deref(),
            Some("minmax(12rem, 360fr) minmax(12rem, 360fr) minmax(12rem, 279fr)")
        );
        assert!(layout.apply(Action::Resize(Split::Left, None)));
        assert!(layout.apply(Action::Resize(Split::Upper, None)));
        assert_eq!(layout, Layout::default());
    }

    #[test]
    fn a_layout_is_remembered_as_a_word() {
        let mut layout = Layout::default();
        for action in [
            Action::Move(Pane::Slab, Slot::Left),
            Action::Move(Pane::Console, Slot::Upper),
            Action::Resize(Split::Dock, Some(640)),
            Action::Resize(Split::Left, Some(525)),
            Action::Hide(Pane::Oom),
            Action::Hide(Pane::Tree),
        ] {
            assert!(layout.apply(action), "{action:?}");
        }
        let word = layout.write();
        assert_eq!(word, "slab/console//525//640/-oom/-tree");
        assert_eq!(Layout::parse(&word), layout);
        for nonsense in [
            "",
            "/",
            "moon/sun",
            "tree",
            "lab/lab/x/y/z",
            "tree/tree/-moon",
        ] {
            let layout = Layout::parse(nonsense);
            assert_ne!(layout.left(), layout.upper(), "{nonsense}");
            assert_eq!(below(&layout).len(), 7, "{nonsense}");
            assert_eq!(layout.slot_of(Pane::Lab), Slot::Lower);
        }
    }

    #[test]
    fn whatever_is_done_every_pane_is_somewhere() {
        let seed = 0x0009_17a1_u64;
        println!("seed {seed:#x}");
        let mut random = seed;
        let mut below = |end: u64| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (random >> 33) % end
        };
        let mut layout = Layout::default();
        for _ in 0..5000 {
            let pane = Pane::ALL[below(10) as usize];
            let action = match below(6) {
                0 | 1 => {
                    let slot = [Slot::Left, Slot::Upper, Slot::Lower][below(3) as usize];
                    Action::Move(pane, slot)
                }
                2 => Action::Hide(pane),
                3 => Action::Reveal(pane),
                4 => Action::Maximise((below(2) == 0).then_some(pane)),
                _ => Action::Resize(Split::ALL[below(4) as usize], Some(below(1000) as u16)),
            };
            layout.apply(action);
            assert_ne!(layout.left, layout.upper, "{action:?}");
            assert!(
                is_movable(layout.left) && is_movable(layout.upper),
                "{action:?}"
            );
            let shown = [layout.left(), layout.upper()].into_iter().flatten();
            assert!(shown.chain(layout.lower()).count() > 0, "{action:?}");
            let maximised = layout.maximised();
            assert!(
                maximised.is_none_or(|pane| !layout.is_hidden(pane)),
                "{action:?}"
            );
            layout.maximised = None;
            assert_eq!(Layout::parse(&layout.write()), layout, "{action:?}");
            layout.maximised = maximised;
        }
    }
}
