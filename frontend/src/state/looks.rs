//! How the page is looked at: with motion or without, and in a lecture hall.

use super::{Effect, State};
use words::looks as say;

use crate::choices::Pane;

/// What a person does about it.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// A pane's picture as a file.
    Picture(Pane, Image),
    /// The pictures of some steps, from the first to the last, as an animated image or to be printed.
    Run(u32, u32, Print),
    /// What became of it: how many steps are done, or why it is not to be had.
    Saved(Result<u32, String>),
}

/// A kind of file for a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Image {
    /// Shapes.
    Svg,
    /// Pixels.
    Png,
}

/// What some steps become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Print {
    /// An animated image.
    Gif,
    /// Pages for a printer.
    Handout,
}

/// What is to be saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Save {
    /// A pane's picture at this step.
    Picture(Pane, u32, Image),
    /// A pane's pictures at these steps, and the step to go back to.
    Run {
        pane: Pane,
        steps: Vec<Page>,
        print: Print,
        back: u32,
    },
}

/// A step on a handout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub step: u32,
    /// Its line; empty for the boot.
    pub line: String,
    /// What it printed.
    pub printed: String,
}

/// The most steps of a run that become one file.
pub const RUN_MAX: u32 = 200;

/// What the page must do outside its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Own {
    /// Nothing is to move by itself, or it may.
    Still(bool),
    /// Everything large, on the whole screen; or no longer.
    Hall(bool),
    /// A picture is to be saved, or several.
    Save(Save),
}

/// How the page is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Looks {
    /// Nothing moves by itself.
    pub is_still: bool,
    /// In a lecture hall: the panes that were in front before, on a narrow screen and below the tree.
    hall: Option<(Pane, Pane)>,
    /// The pane that the sheet about panes is open for.
    pub sheet: Option<Pane>,
    /// How a run is being saved, or was: steps that are done, or why not.
    pub run: Option<Run>,
}

/// A run that is being saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// How many steps it has.
    pub steps: u32,
    /// How many of them are done, or why it came to nothing.
    pub done: Result<u32, String>,
}

impl Run {
    /// It is not over yet.
    pub fn is_on(&self) -> bool {
        self.done.as_ref().is_ok_and(|done| *done < self.steps)
    }
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

    /// The picture that a run is made of: on a narrow screen the one in front.
    pub fn run_pane(&self) -> Pane {
        match self.pane {
            _ if self.layout.maximised().is_some() => self.layout.maximised().unwrap_or(self.lower),
            Pane::Tree => Pane::Tree,
            _ => self.lower,
        }
    }

    fn save_run(&mut self, from: u32, to: u32, print: Print, effects: &mut Vec<Effect>) {
        let last = self.log.len() as u32;
        let (from, to) = (from.min(last), to.min(last));
        let is_on = self.looks.run.as_ref().is_some_and(Run::is_on);
        let refused = match () {
            () if is_on => return,
            () if !self.can_edit() => Some(say::not_ready().to_string()),
            () if from > to => Some(say::backwards().to_string()),
            () if to - from >= RUN_MAX => Some(say::too_long(RUN_MAX)),
            () => None,
        };
        let steps = to.saturating_sub(from) + 1;
        if let Some(reason) = refused {
            let done = Err(reason);
            self.looks.run = Some(Run { steps, done });
            return;
        }
        let page = |step: u32| {
            let line = self.line(step);
            Page {
                step,
                line: line.map_or(String::new(), |line| line.typed.to_string()),
                printed: line.map_or(String::new(), |line| line.printed.to_string()),
            }
        };
        let save = Save::Run {
            pane: self.run_pane(),
            steps: (from..=to).map(page).collect(),
            print,
            back: self.kernel.step,
        };
        self.looks.run = Some(Run { steps, done: Ok(0) });
        effects.push(Effect::Looks(Own::Save(save)));
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
            Action::Picture(pane, image) => {
                // The sheet would lie over the picture.
                self.looks.sheet = None;
                let save = Save::Picture(pane, self.kernel.step, image);
                effects.push(Effect::Looks(Own::Save(save)));
            }
            Action::Run(from, to, print) => self.save_run(from, to, print, effects),
            Action::Saved(done) => match &mut self.looks.run {
                Some(run) if run.is_on() => run.done = done,
                // A picture that was saved is in a file, and nothing is to be said.
                _ => {
                    if let Err(reason) = done {
                        self.error(say::no_picture(reason));
                    }
                }
            },
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
            Effect::Looks(own) => Some(own.clone()),
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

    #[test]
    fn a_picture_is_of_the_step_that_is_shown() {
        use super::super::Action as Page;
        let mut state = State::new(Theme::Auto);
        state.apply(Page::Looks(Action::OpenSheet(None)));
        assert_eq!(state.looks.sheet, Some(Pane::Memory));
        state.apply(Page::Looks(Action::OpenSheet(Some(Pane::Tree))));
        assert_eq!(state.looks.sheet, Some(Pane::Tree));
        let effects = state.apply(Page::Looks(Action::Picture(Pane::Tree, Image::Png)));
        assert_eq!(
            looks(&effects),
            [Own::Save(Save::Picture(Pane::Tree, 0, Image::Png))]
        );
        assert_eq!(state.looks.sheet, None);
        let before = state.transcript.len();
        state.apply(Page::Looks(Action::Saved(Err("no room".into()))));
        assert_eq!(state.transcript.len(), before + 1);
    }

    #[test]
    fn a_run_that_cannot_be_saved_says_why() {
        use super::super::Action as Page;
        let mut state = State::new(Theme::Auto);
        let effects = state.apply(Page::Looks(Action::Run(0, 0, Print::Gif)));
        assert_eq!(looks(&effects), []);
        let run = state.looks.run.clone().expect("it was tried");
        assert!(!run.is_on() && run.done.is_err(), "there is no kernel yet");
    }
}
