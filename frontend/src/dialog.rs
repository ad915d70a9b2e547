//! Dialogs: `<dialog>` elements that are open exactly when the page's state says so.
//!
//! A browser tells that a dialog was closed in a task of its own, and by then the page may have opened
//! it again. So what the page closes itself is counted, in the element's return value, and is no news
//! when it is told; what is left is what a person did, by Escape.

use web_sys::HtmlDialogElement;
use yew::{Callback, Event, TargetCast};

use crate::state::Action;

/// Opens a dialog or closes it; to be called once it is drawn.
pub fn follow(dialog: &HtmlDialogElement, is_open: bool) {
    match (is_open, dialog.open()) {
        // It throws only when the element is not in the page.
        (true, false) => drop(dialog.show_modal()),
        (false, true) => dialog.close_with_return_value(&(untold(dialog) + 1).to_string()),
        _ => {}
    }
}

/// The listener to a dialog's `close`: tells `act` that a person closed it.
pub fn closed(act: &Callback<Action>, action: fn() -> Action) -> Callback<Event> {
    let act = act.clone();
    Callback::from(move |event: Event| {
        let Some(dialog) = event.target_dyn_into::<HtmlDialogElement>() else {
            return;
        };
        match untold(&dialog) {
            0 => act.emit(action()),
            untold => dialog.set_return_value(&(untold - 1).to_string()),
        }
    })
}

/// How many closings by the page itself the browser has not told yet.
fn untold(dialog: &HtmlDialogElement) -> u32 {
    dialog.return_value().parse().unwrap_or(0)
}
