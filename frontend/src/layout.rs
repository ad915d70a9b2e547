//! The panes' places on a wide screen: the grid's tracks, the splitters between them, dragging a pane by
//! its head, and the sheet where all that can be done by keyboard.
//!
//! Where everything is to be is [`crate::state::layout`]'s; here it is carried out. The style sheet has
//! the places by class (`left-slab`, `upper-tree`); sizes that were chosen are set through the CSSOM,
//! which the content security policy allows.

mod drag;
mod sheet;
mod splitters;

use wasm_bindgen::JsCast;
use web_sys::{Document, Element, HtmlElement};
use yew::Classes;

pub use sheet::LayoutSheet;
pub use splitters::Splitters;

use crate::choices::Pane;
use crate::state::State;
use crate::state::layout::Beside;

/// What else is on the screen.
pub fn beside(state: &State) -> Beside {
    Beside {
        has_lab: state.lesson.open.is_some(),
        asks: state.inquiry.tab.is_some(),
        is_roomy: state.is_roomy(),
    }
}

/// The classes of what is around the panes.
pub fn classes(state: &State) -> Classes {
    let layout = &state.layout;
    let mut classes = Classes::from("panes");
    let place = |slot: &str, pane: Option<Pane>| match pane {
        Some(pane) => [slot, "-", pane.label()].concat(),
        None => ["no-", slot].concat(),
    };
    classes.push(place("left", layout.left()));
    classes.push(place("upper", layout.upper()));
    if layout.lower().next().is_none() {
        classes.push("no-lower");
    }
    if layout.maximised().is_some() {
        classes.push("single");
    }
    classes
}

/// Gives the panes the sizes that were chosen, where `is_free` to do so.
pub fn fit(state: &State, is_free: bool) {
    let Some(panes) = document().and_then(|document| document.query_selector(".panes").ok()?)
    else {
        return;
    };
    let (layout, beside) = (&state.layout, beside(state));
    let is_free = is_free && layout.maximised().is_none();
    let tracks = [
        ("grid-template-columns", layout.columns(beside)),
        ("grid-template-rows", layout.rows(beside)),
    ];
    let panes: HtmlElement = panes.unchecked_into();
    let style = panes.style();
    for (name, tracks) in tracks {
        // The names are valid, and so are the tracks.
        let _ = match tracks.filter(|_| is_free) {
            Some(tracks) => style.set_property(name, &tracks),
            None => style.remove_property(name).map(drop),
        };
    }
}

/// The pane that an element is in.
pub fn pane_of(element: &Element) -> Option<Pane> {
    let section = element.closest("section.pane").ok()??;
    let id = section.id();
    let name = id.strip_prefix("pane-")?;
    Pane::ALL.into_iter().find(|pane| pane.label() == name)
}

/// The pane that has the focus.
pub fn focused() -> Option<Pane> {
    pane_of(&document()?.active_element()?)
}

fn document() -> Option<Document> {
    web_sys::window()?.document()
}
