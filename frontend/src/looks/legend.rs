//! What the colours and marks of a picture mean, below or above it.

use yew::{Html, html};

/// A square, a circle, and a triangle that points down, on a grid of 12 by 12.
pub const SQUARE: &str = "M1 1h10v10h-10z";
pub const CIRCLE: &str = "M6 1.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 1 1 0-9z";
pub const TRIANGLE: &str = "M1.5 2h9l-4.5 8z";
/// An upright line.
pub const STROKE: &str = "M6 0v12";

/// A mark: its class, its shape, and what it means.
pub type Mark = (&'static str, &'static str, &'static str);

/// A legend of some marks. Screen readers hear the same from the
/// picture's sentence and its table.
pub fn legend(marks: &[Mark]) -> Html {
    let marks = marks.iter().map(|(class, path, word)| {
        html! {
            <li>
                <svg viewBox="0 0 12 12"><path class={*class} d={*path} /></svg>{ *word }
            </li>
        }
    });
    html! { <ul class="legend" aria-hidden="true">{ for marks }</ul> }
}
