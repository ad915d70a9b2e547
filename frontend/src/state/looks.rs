//! How the page is looked at: with motion or without, and in a lecture hall.

use super::{Effect, State};
use crate::choices::Pane;

/// What a person does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Things stop moving by themselves, or move again.
    ToggleMotion,
    /// Into the lecture hall, or out of it.
    Hall(bool),
    /// Into it or out of it, whichever it is.
    ToggleHall,
    /// The sheet about panes, for this one; or close it.
    Sheet(Option<Pane>),
    /// Open it for the pane with the focus; without one, for that in front below.
    OpenSheet(Option<Pane>),
}

/// What the page must do outside its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// Nothing is to move by itself, or it may.
    Still(bool),
    /// Everything large, on the whole screen; or no longer.
    Hall(bool),
}

/// How the page is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Looks {
    /// Nothing moves by itself.
    pub is_still: bool,
    /// In a lecture hall: the panes that were in front before, on a narrow screen and below the tree.
    hall: Option<(Pane, Pane)>,
    /// The pane that the sheet about panes is open for.
    pub sheet: Option<Pane>,
}

impl State {
    /// The picture that a lecture hall sees beside the console.
    pub fn in_hall(&self) -> Option<Pane> {
        self.looks.hall.map(|_| match self.pane {
            Pane::Console | Pane::Lab => self.lower,
            pane => pane,
        })
    }

    /// The panes in front on a narrow screen and below the tree, as they are outside of the hall.
    pub(super) fn fronts(&self) -> (Pane, Pane) {
        self.looks.hall.unwrap_or((self.pane, self.lower))
    }

    pub(super) fn apply_looks(&mut self, action: Action, effects: &mut Vec<Effect>) {
        match action {
            Action::ToggleMotion => {
                self.looks.is_still = !self.looks.is_still;
                effects.push(Effect::Looks(Own::Still(self.looks.is_still)));
            }
            Action::ToggleHall => {
                let is_in = self.looks.hall.is_some();
                self.apply_looks(Action::Hall(!is_in), effects);
            }
            Action::Hall(true) if self.looks.hall.is_none() => {
                self.looks.hall = Some((self.pane, self.lower));
                effects.push(Effect::Looks(Own::Hall(true)));
            }
            Action::Hall(false) => {
                if let Some((pane, lower)) = self.looks.hall.take() {
                    self.pane = pane;
                    if self.lower != lower {
                        self.lower = lower;
                        self.views_moved();
                    }
                    effects.push(Effect::Looks(Own::Hall(false)));
                }
            }
            Action::Hall(true) => {}
            Action::Sheet(pane) => self.looks.sheet = pane,
            Action::OpenSheet(pane) => self.looks.sheet = pane.or(Some(self.lower)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::library;
    use super::*;
    use crate::choices::Theme;
    use crate::settings::Settings;

    fn remembered(effects: &[Effect]) -> Option<&Settings> {
        effects.iter().find_map(|effect| match effect {
            Effect::Library(library::Effect::Remember(settings)) => Some(settings),
            _ => None,
        })
    }

    fn looks(effects: &[Effect]) -> Vec<Own> {
        let own = effects.iter().filter_map(|effect| match effect {
            Effect::Looks(own) => Some(*own),
            _ => None,
        });
        own.collect()
    }

    #[test]
    fn motion_stops_and_that_is_remembered() {
        let mut state = State::new(Theme::Auto);
        let effects = state.apply(super::super::Action::Looks(Action::ToggleMotion));
        assert_eq!(looks(&effects), [Own::Still(true)]);
        let settings = remembered(&effects).expect("it is a setting");
        assert!(settings.is_still && settings.write().contains(" motion=off"));
        let mut later = State::new(Theme::Auto);
        later.set_up(Settings::parse(&settings.write()));
        assert!(later.looks.is_still);
        let effects = later.apply(super::super::Action::Looks(Action::ToggleMotion));
        assert_eq!(looks(&effects), [Own::Still(false)]);
        assert!(!remembered(&effects).expect("it is a setting").is_still);
    }

    #[test]
    fn a_lecture_hall_leaves_everything_as_it_was() {
        let mut state = State::new(Theme::Auto);
        let mut act = |action| state.apply(action);
        use super::super::Action as Page;
        act(Page::Show(Pane::Slab));
        act(Page::Show(Pane::Console));
        let effects = act(Page::Looks(Action::ToggleHall));
        assert_eq!(looks(&effects), [Own::Hall(true)]);
        assert_eq!(remembered(&effects), None);
        // Another one shows nothing new, and asks for nothing.
        assert_eq!(looks(&act(Page::Looks(Action::Hall(true)))), []);
        assert_eq!(state.in_hall(), Some(Pane::Slab));
        state.apply(Page::Show(Pane::Tree));
        assert_eq!(state.in_hall(), Some(Pane::Tree));
        let effects = state.apply(Page::Show(Pane::Oom));
        assert_eq!(state.in_hall(), Some(Pane::Oom));
        // What is remembered meanwhile is what one comes back to.
        let settings = remembered(&effects).expect("it is a setting");
        assert_eq!((settings.pane, settings.lower), (Pane::Console, Pane::Slab));
        let effects = state.apply(Page::Looks(Action::ToggleHall));
        assert_eq!(looks(&effects), [Own::Hall(false)]);
        assert_eq!((state.pane, state.lower), (Pane::Console, Pane::Slab));
        assert_eq!(state.in_hall(), None);
        assert_eq!(looks(&state.apply(Page::Looks(Action::Hall(false)))), []);
    }
}
