//! The head of the page: its name, where the kernel runs, the theme, the language, and help.

use wasm_bindgen::JsCast;
use web_sys::HtmlSelectElement;
use words::header as say;
use words::looks;
use yew::{AttrValue, Callback, Event, Html, TargetCast, hook, html};

use crate::callbacks::report;
use crate::choices::{Place, Theme};
use crate::icons::{self, SEARCH, icon};
use crate::part::drawn_by;
use crate::state::library::{self, Sheet};
use crate::state::looks::Action as Looks;
use crate::state::{Action, front, lesson};

#[derive(PartialEq)]
pub struct Header {
    /// Where the kernel runs.
    pub place: Place,
    /// For each of [`Place::ALL`], why it cannot be had.
    pub lacks: [Option<AttrValue>; 3],
    /// The machine.
    pub machine: AttrValue,
    pub theme: Theme,
    /// Why this session is not being saved, if it should be.
    pub unsaved: Option<AttrValue>,
    /// A newer version of the page waits.
    pub update: bool,
    pub act: Callback<Action>,
}

drawn_by!(Header, use_header);

/// Draws the head of the page.
#[hook]
fn use_header(props: &Header) -> Html {
    let onchange = report(&props.act, |event: Event| {
        let select = event.target_dyn_into::<HtmlSelectElement>()?;
        Place::from_id(&select.value()).map(Action::SwitchHost)
    });
    let options = Place::ALL.iter().zip(&props.lacks).map(|(place, lack)| {
        let label = match lack {
            Some(reason) => say::host_lacking(place.label(), reason),
            None => place.label().to_string(),
        };
        html! {
            <option value={place.id()} selected={*place == props.place} disabled={lack.is_some()}>
                { label }
            </option>
        }
    });
    let theme = match props.theme {
        Theme::Auto => say::theme_auto(),
        Theme::Light => say::theme_light(),
        Theme::Dark => say::theme_dark(),
    };
    let other = words::language().next();
    html! {
        <header class="head">
            <h1>{ "Glass Kernel" }</h1>
            <p class="machine mono" title={say::machine_title()}>
                { &props.machine }
            </p>
            <button class="tool" id="labs" onclick={props.act.reform(|_| Action::Lesson(lesson::Action::Catalogue(true)))}
                title={say::labs_title()}>{ say::labs() }</button>
            <button class="tool" id="open-search" title={words::front::search_hint()} aria-label={words::front::search()}
                onclick={props.act.reform(|_| Action::Front(front::Action::Show(Some(front::Sheet::Search))))}>
                { icon(SEARCH) }</button>
            <button class="tool wide-only" id="open-playground" title={words::front::way_playground_hint()}
                onclick={props.act.reform(|_| Action::Front(front::Action::Show(Some(front::Sheet::Playground))))}>
                { words::front::way_playground() }
            </button>
            if props.update {
                <button class="tool" id="update"
                    onclick={props.act.reform(|_| Action::Library(library::Action::Update))}
                    title={say::update_title()}>{ say::update() }</button>
            }
            if let Some(reason) = &props.unsaved {
                <span class="badge" id="not-saved" title={reason.clone()}>{ say::not_saved() }</span>
            }
            <button class="tool" id="sessions" title={say::sessions_title()}
                onclick={props.act.reform(|_| Action::Library(library::Action::Show(Some(Sheet::Sessions))))}>
                { say::sessions() }
            </button>
            <button class="tool" id="share" title={say::share_title()}
                onclick={props.act.reform(|_| Action::Library(library::Action::Share))}>
                { say::share() }
            </button>
            <label class="host">
                <span>{ say::runs_in() }</span>
                <select id="host" data-testid="host" {onchange}
                    title={say::runs_in_title()}>
                    { for options }
                </select>
            </label>
            <button class="tool" id="theme" data-testid="theme" data-theme={props.theme.name()}
                onclick={props.act.reform(|_| Action::NextTheme)}
                aria-label={say::theme_label(theme)} title={say::theme_title()}>
                { theme_icon(props.theme) }<span>{ theme }</span>
            </button>
            <button class="tool" id="language" lang={other.code()} title={say::language_title()}
                onclick={props.act.reform(move |_| Action::Speak(other))}>
                <span class="wide-only">{ other.name() }</span>
                <span class="narrow-only">{ other.code().to_ascii_uppercase() }</span>
            </button>
            <button class="tool wide-only" id="layout" onclick={props.act.reform(|_| Action::Looks(Looks::OpenSheet(None)))}
                aria-haspopup="dialog" aria-label={looks::panes()} title={looks::panes_title()}>
                { icon(icons::PANES) }
            </button>
            <button class="tool wide-only" id="hall" onclick={props.act.reform(|_| Action::Looks(Looks::ToggleHall))}
                aria-label={looks::hall()} title={looks::hall_title()}>
                { icon(icons::HALL) }
            </button>
            <button class="tool" id="help" onclick={props.act.reform(|_| Action::Help(true))}
                aria-label={say::help_label()} title={say::help_title()}>{ "?" }</button>
        </header>
    }
}

/// A disc: half, empty or full.
fn theme_icon(theme: Theme) -> Html {
    let inside = match theme {
        Theme::Auto => Some("M8 2.5a5.5 5.5 0 0 1 0 11z"),
        Theme::Light => None,
        Theme::Dark => Some("M8 2.5a5.5 5.5 0 0 1 0 11 5.5 5.5 0 0 1 0-11z"),
    };
    html! {
        <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
            <circle cx="8" cy="8" r="5.5" />
            if let Some(path) = inside { <path d={path} class="full" /> }
        </svg>
    }
}

/// Sets the switch back to where the kernel runs: the browser moves it by itself.
pub fn show_place(place: Place) {
    let document = web_sys::window().and_then(|window| window.document());
    let select = document.and_then(|document| document.get_element_by_id("host"));
    if let Some(select) = select.and_then(|select| select.dyn_into::<HtmlSelectElement>().ok()) {
        select.set_value(place.id());
    }
}
