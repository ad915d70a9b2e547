//! Lists that are one stop of Tab and are walked by arrow keys: up and down from row to row, left and right
//! along what a row has to press, Home and End to the first and the last row.
//!
//! A list says so by `data-walk`, a selector of its rows; what is in a row to be pressed has a `tabindex` of -1 but
//! for the one that Tab is to reach. One listener serves them all.

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

/// Listens to the keys of all such lists.
pub fn listen() -> EventListener {
    let document = web_sys::window()
        .and_then(|window| window.document())
        .expect("a page has a document");
    let options = EventListenerOptions::enable_prevent_default();
    EventListener::new_with_options(&document, "keydown", options, |event| {
        if let Some(event) = event.dyn_ref::<KeyboardEvent>()
            && let Some(target) = target_of(event)
        {
            event.prevent_default();
            // What cannot take the focus leaves it where it is.
            let _ = target.focus();
        }
    })
}

/// What a key leads to, if it is pressed in such a list.
fn target_of(event: &KeyboardEvent) -> Option<HtmlElement> {
    let is_plain = !(event.alt_key() || event.ctrl_key() || event.meta_key() || event.shift_key());
    if !is_plain || event.default_prevented() {
        return None;
    }
    let here: Element = event.target()?.dyn_into().ok()?;
    if here.tag_name() != "BUTTON" {
        return None;
    }
    let list = here.closest("[data-walk]").ok()??;
    let rows = all(&list, &list.get_attribute("data-walk")?);
    let mut rows: Vec<Vec<HtmlElement>> = rows
        .iter()
        .map(|row| all(row, "button:not(:disabled)"))
        .collect();
    rows.retain(|row| !row.is_empty());
    let at = rows.iter().enumerate().find_map(|(y, row)| {
        let x = row
            .iter()
            .position(|it| it.unchecked_ref::<Element>() == &here);
        x.map(|x| (x, y))
    });
    let lengths: Vec<usize> = rows.iter().map(Vec::len).collect();
    let (x, y) = next(&lengths, at?, &event.key())?;
    Some(rows.swap_remove(y).swap_remove(x))
}

fn all(inside: &Element, selector: &str) -> Vec<HtmlElement> {
    let Ok(found) = inside.query_selector_all(selector) else {
        return Vec::new();
    };
    let each = (0..found.length()).filter_map(|index| found.get(index));
    each.filter_map(|node| node.dyn_into().ok()).collect()
}

/// Where a key leads from place `x` of row `y`, among rows of these lengths, none of them 0.
fn next(lengths: &[usize], (x, y): (usize, usize), key: &str) -> Option<(usize, usize)> {
    let in_row = |y: usize| lengths.get(y).map(|length| (x.min(length - 1), y));
    match key {
        "ArrowDown" => in_row(y + 1),
        "ArrowUp" => in_row(y.checked_sub(1)?),
        "ArrowRight" => Some((x + 1, y)).filter(|(x, y)| *x < lengths[*y]),
        "ArrowLeft" => Some((x.checked_sub(1)?, y)),
        "Home" => in_row(0),
        "End" => in_row(lengths.len() - 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn keys_lead_from_row_to_row_and_along_a_row() {
        let rows = [2, 3, 1];
        for (at, key, to) in [
            ((0, 0), "ArrowDown", Some((0, 1))),
            ((2, 1), "ArrowDown", Some((0, 2))),
            ((0, 2), "ArrowDown", None),
            ((2, 1), "ArrowUp", Some((1, 0))),
            ((1, 0), "ArrowUp", None),
            ((1, 1), "ArrowRight", Some((2, 1))),
            ((2, 1), "ArrowRight", None),
            ((2, 1), "ArrowLeft", Some((1, 1))),
            ((0, 1), "ArrowLeft", None),
            ((2, 1), "Home", Some((1, 0))),
            ((1, 0), "End", Some((0, 2))),
            ((1, 0), "Enter", None),
        ] {
            assert_eq!(next(&rows, at, key), to, "{at:?} {key}");
        }
    }
}
