//! What the page remembers of how someone likes it.
//!
//! One line of words, `1 theme=dark lang=de host=wasm pane=console lower=slab tables=tree,slab speed=5
//! keys=on welcome=0`, which begins with the version of the format. `boot.js` reads theme, language and motion out
//! of it as well,
//! before anything is drawn. What a later version wrote is passed over, word by word where that is
//! possible: a setting lost is better than a page that does not start.

use words::Language;

use crate::choices::{Pane, Place, Theme};
use crate::state::inquiry::play::Speed;
use crate::state::layout::Layout;

/// The version of the format.
const VERSION: &str = "1";

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The colours.
    pub theme: Theme,
    /// The language, if one was chosen; else it is as the browser prefers.
    pub language: Option<Language>,
    /// Where kernels run.
    pub place: Place,
    /// The pane in front on a narrow screen.
    pub pane: Pane,
    /// The pane below the tree on a wide screen.
    pub lower: Pane,
    /// The panes that show their table.
    pub tables: Vec<Pane>,
    /// How fast steps are played.
    pub speed: Speed,
    /// Newcomers are welcomed.
    pub welcome: bool,
    /// Shortcuts work.
    pub keys: bool,
    /// Nothing moves by itself: `motion=off`.
    pub is_still: bool,
    /// Where the panes are on a wide screen.
    pub layout: Layout,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            theme: Theme::Auto,
            language: None,
            place: Place::Browser,
            pane: Pane::Console,
            lower: Pane::Memory,
            tables: Vec::new(),
            speed: Speed::default(),
            welcome: true,
            keys: true,
            is_still: false,
            layout: Layout::default(),
        }
    }
}

impl Settings {
    /// Reads what [`Settings::write`] wrote. Whatever cannot be read is as by default.
    pub fn parse(text: &str) -> Settings {
        let mut settings = Settings::default();
        let mut words = text.split(' ');
        if words.next() != Some(VERSION) {
            return settings;
        }
        for (key, value) in words.filter_map(|word| word.split_once('=')) {
            match key {
                "theme" => settings.theme = Theme::from_name(value),
                "lang" => settings.language = Language::from_code(value),
                "host" => settings.place = Place::from_id(value).unwrap_or(settings.place),
                "pane" => settings.pane = pane(value).unwrap_or(settings.pane),
                "lower" => {
                    let lower = pane(value).filter(|pane| pane.is_lower());
                    settings.lower = lower.unwrap_or(settings.lower);
                }
                "tables" => {
                    settings.tables.clear();
                    for table in value.split(',').filter_map(pane) {
                        if !settings.tables.contains(&table) {
                            settings.tables.push(table);
                        }
                    }
                }
                "welcome" => settings.welcome = value != "0",
                "keys" => settings.keys = value != "off",
                "layout" => settings.layout = Layout::parse(value),
                "motion" => settings.is_still = value == "off",
                "speed" => settings.speed = Speed::from_name(value).unwrap_or(settings.speed),
                _ => {}
            }
        }
        settings
    }

    /// The settings as a line of words.
    pub fn write(&self) -> String {
        let tables: Vec<&str> = self.tables.iter().map(|pane| pane.label()).collect();
        let language = self.language.map(|language| [" lang=", language.code()]);
        [
            VERSION,
            " theme=",
            self.theme.name(),
            &language.unwrap_or_default().concat(),
            " host=",
            self.place.id(),
            " pane=",
            self.pane.label(),
            " lower=",
            self.lower.label(),
            " tables=",
            &tables.join(","),
            " speed=",
            &self.speed.name(),
            if self.welcome { "" } else { " welcome=0" },
            " keys=",
            if self.keys { "on" } else { "off" },
            if self.is_still { " motion=off" } else { "" },
            &match self.layout == Layout::default() {
                true => String::new(),
                false => [" layout=", &self.layout.write()].concat(),
            },
        ]
        .concat()
    }
}

fn pane(label: &str) -> Option<Pane> {
    Pane::ALL.into_iter().find(|pane| pane.label() == label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back() {
        let settings = Settings {
            theme: Theme::Dark,
            language: Some(Language::German),
            place: Place::Server,
            pane: Pane::Tree,
            lower: Pane::Slab,
            tables: vec![Pane::Tree, Pane::Events],
            speed: Speed::Max,
            welcome: false,
            keys: false,
            is_still: true,
            layout: Layout::parse("slab/tree//600///-oom"),
        };
        assert_eq!(Settings::parse(&settings.write()), settings);
        assert_eq!(
            Settings::parse(&Settings::default().write()),
            Settings::default()
        );
    }

    #[test]
    fn what_cannot_be_read_is_as_by_default() {
        for text in ["", "2 theme=dark", "nonsense", "theme=dark"] {
            assert_eq!(Settings::parse(text), Settings::default(), "{text}");
        }
        let odd = Settings::parse(
            "1 theme=dark lang=xx host=moon lower=tree pane= tables=slab,x,slab speed=9 =",
        );
        assert_eq!(odd.theme, Theme::Dark);
        assert_eq!(odd.language, None);
        assert_eq!(odd.tables, [Pane::Slab]);
        assert_eq!(odd.lower, Pane::Memory);
    }
}
