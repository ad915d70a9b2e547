//! Tasks that moved are seen moving: where each dot stood is remembered, and one that stands in another
//! container now begins there and glides to its place. The style sheet does the gliding, and leaves it
//! where somebody wants less motion.

use std::collections::HashMap;

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::number_at;

/// Where dots stood when the picture was last drawn, by hierarchy and task: the container, and the place
/// in the picture.
#[derive(Debug, Default)]
pub struct Places(HashMap<(u32, u32), (u32, f64, f64)>);

impl Places {
    /// Takes the places of all dots, and sets those gliding that have another container.
    pub fn follow(&mut self, picture: &HtmlElement) {
        let outside = picture.get_bounding_client_rect();
        let zoom = crate::canvas::zoom(picture);
        let (left, top) = (
            outside.left() / zoom - f64::from(picture.scroll_left()),
            outside.top() / zoom - f64::from(picture.scroll_top()),
        );
        let Ok(dots) = picture.query_selector_all("[data-pid]") else {
            return;
        };
        let mut places = HashMap::new();
        let mut moved = Vec::new();
        for index in 0..dots.length() {
            let Some(dot) = dots
                .get(index)
                .and_then(|dot| dot.dyn_into::<HtmlElement>().ok())
            else {
                continue;
            };
            let element: &Element = &dot;
            let numbers = ["data-hierarchy", "data-pid", "data-container"]
                .map(|attribute| number_at(Some(element), attribute));
            let [Some(hierarchy), Some(pid), Some(container)] = numbers else {
                continue;
            };
            let rect = element.get_bounding_client_rect();
            let (x, y) = (rect.left() / zoom - left, rect.top() / zoom - top);
            if let Some((before, old_x, old_y)) = self.0.get(&(hierarchy, pid))
                && *before != container
            {
                moved.push((dot, old_x - x, old_y - y));
            }
            places.insert((hierarchy, pid), (container, x, y));
        }
        self.0 = places;
        for (dot, dx, dy) in moved {
            let style = dot.style();
            // The names are valid, the values are lengths.
            let _ = style.set_property("--dx", &format!("{dx}px"));
            let _ = style.set_property("--dy", &format!("{dy}px"));
            let _ = dot.set_attribute("data-moved", "");
        }
    }
}
