//! The picture by keyboard: arrow keys move the focus from row to row and along a row's tasks; Enter on
//! a task picks it up, the arrows then go from container to container, and Enter drops it there.

use wasm_bindgen::JsCast;
use web_sys::{Element, FocusOptions, HtmlElement, KeyboardEvent};

use super::{Ears, number_at};
use crate::page::focus_in_place;
use crate::state::containers::{Action as Own, Held};

/// Where the focus is: column, row, and place in the row.
type Spot = (usize, usize, usize);

/// What can have the focus: columns of rows of buttons.
struct Grid(Vec<Vec<Vec<HtmlElement>>>);

fn all(inside: &Element, selector: &str) -> Vec<HtmlElement> {
    let Ok(found) = inside.query_selector_all(selector) else {
        return Vec::new();
    };
    let each = (0..found.length()).filter_map(|index| found.get(index));
    each.filter_map(|node| node.dyn_into().ok()).collect()
}

impl Grid {
    /// While a task is held only containers matter, not their tasks.
    fn of(picture: &Element, is_holding: bool) -> Grid {
        let buttons = match is_holding {
            true => ".container-name",
            false => "button:not(:disabled)",
        };
        let rows = |column: HtmlElement| {
            let rows = all(&column, "[data-row]").into_iter();
            let rows = rows.map(|row| all(&row, buttons));
            rows.filter(|row| !row.is_empty()).collect()
        };
        let columns = all(picture, "[data-hierarchy]").into_iter().map(rows);
        Grid(columns.filter(|rows: &Vec<_>| !rows.is_empty()).collect())
    }

    fn find(&self, element: &Element) -> Option<Spot> {
        // A task that is held leaves its place to its container's name.
        let row_of = |element: &Element| element.closest("[data-row]").ok().flatten();
        let its_row = row_of(element);
        for (x, column) in self.0.iter().enumerate() {
            for (y, row) in column.iter().enumerate() {
                let here = row
                    .iter()
                    .position(|it| it.unchecked_ref::<Element>() == element);
                if here.is_some() || row_of(&row[0]) == its_row && its_row.is_some() {
                    return Some((x, y, here.unwrap_or(0)));
                }
            }
        }
        None
    }

    /// Where a key leads to.
    fn next(&self, (x, y, z): Spot, key: &str) -> Option<&HtmlElement> {
        let column = self.0.get(x)?;
        let row = column.get(y)?;
        let beside = |x: usize| {
            let column = self.0.get(x)?;
            column.get(y.min(column.len() - 1))?.first()
        };
        match key {
            "ArrowDown" => column.get(y + 1).map(|row| &row[z.min(row.len() - 1)]),
            "ArrowUp" => column
                .get(y.checked_sub(1)?)
                .map(|row| &row[z.min(row.len() - 1)]),
            "ArrowRight" => row.get(z + 1).or_else(|| beside(x + 1)),
            "ArrowLeft" if z > 0 => row.get(z - 1),
            "ArrowLeft" => beside(x.checked_sub(1)?),
            "Home" => column.first()?.first(),
            "End" => column.last()?.first(),
            _ => None,
        }
    }
}

/// Moves the focus, and scrolls only as far as needed.
fn focus(element: &HtmlElement) {
    // What cannot take the focus leaves it where it is.
    let _ = element.focus_with_options(&FocusOptions::new());
}

/// The dot of a task in a hierarchy.
fn dot(hierarchy: Option<u32>, pid: u32) -> String {
    let within = hierarchy.map(|id| format!("[data-hierarchy=\"{id}\"] "));
    format!(
        "#containers-picture {}[data-pid=\"{pid}\"]",
        within.unwrap_or_default()
    )
}

/// A task with the focus has moved, and with its dot the focus is gone: there is another one now.
pub fn follow(ears: &Ears) {
    let document = web_sys::window().and_then(|window| window.document());
    let here = document.and_then(|document| document.active_element());
    let is_lost = here.is_none_or(|here| here.tag_name() == "BODY");
    if let Some((hierarchy, pid)) = ears.focused.get().filter(|_| is_lost) {
        focus_in_place(&dot(Some(hierarchy), pid));
    }
}

/// A key was pressed in the picture.
pub fn key(ears: &Ears, held: Option<Held>, event: &KeyboardEvent) {
    if event.alt_key() || event.ctrl_key() || event.meta_key() {
        return;
    }
    let Some(picture) = ears.picture.cast::<Element>() else {
        return;
    };
    let document = web_sys::window().and_then(|window| window.document());
    let Some(here) = document.and_then(|document| document.active_element()) else {
        return;
    };
    let hierarchy = number_at(Some(&here), "data-hierarchy");
    match (event.key().as_str(), held) {
        ("Escape", Some(held)) => {
            ears.own(Own::PutBack);
            focus_in_place(&dot(hierarchy, held.pid));
        }
        ("Enter" | " ", Some(held)) => {
            ears.own(Own::Over(number_at(Some(&here), "data-container")));
            ears.own(Own::Drop);
            focus_in_place(&dot(hierarchy, held.pid));
        }
        ("Enter" | " " | "m", None) => {
            let Some(pid) = number_at(Some(&here), "data-pid") else {
                return;
            };
            ears.own(Own::PickUp(pid));
            ears.own(Own::Over(number_at(Some(&here), "data-container")));
        }
        (key, held) => {
            let grid = Grid::of(&picture, held.is_some());
            let target = match grid.find(&here) {
                Some(spot) => grid.next(spot, key),
                None if key.starts_with("Arrow") => grid.next((0, 0, 0), "Home"),
                None => None,
            };
            let Some(target) = target else { return };
            focus(target);
        }
    }
    event.prevent_default();
}
