//! The few pictograms of the page, as paths on a grid of 16 by 16.

use yew::{Html, html};

/// To the first step.
pub const FIRST: &str = "M3 3v10M13 3l-7 5 7 5z";
/// One step back.
pub const BACK: &str = "M11 3l-7 5 7 5z";
/// One step on.
pub const FORWARD: &str = "M5 3l7 5-7 5z";
/// To the last step.
pub const LAST: &str = "M13 3v10M3 3l7 5-7 5z";
/// Let the steps follow each other.
pub const PLAY: &str = "M4 2.5l10 5.5-10 5.5z";
/// Stand still.
pub const PAUSE: &str = "M4 3h2.6v10H4zM9.4 3H12v10H9.4z";
/// Back to where one came from.
pub const RETURN: &str = "M7 4L3 8l4 4M3 8h6a4 4 0 0 1 4 4";
/// A larger picture.
pub const PLUS: &str = "M3 8h10M8 3v10";
/// A smaller picture.
pub const MINUS: &str = "M3 8h10";
/// The whole picture.
pub const FIT: &str = "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4";
/// Away with it.
pub const CLOSE: &str = "M4 4l8 8M12 4l-8 8";
/// Rows and columns.
pub const TABLE: &str = "M2 3h12v10H2zM2 6.5h12M2 10h12M6.5 3v10";

/// To look for something.
pub const SEARCH: &str = "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.3L14 14";
/// What can be done with a pane.
pub const MENU: &str = "M8 3v.01M8 8v.01M8 13v.01";
/// A screen in parts.
pub const PANES: &str = "M2 3h12v10H2zM7 3v10M7 8h7";
/// A screen for many.
pub const HALL: &str = "M1.5 2.5h13v8h-13zM8 10.5v3M5 13.5h6";

/// Draws a pictogram. It is decoration: the button around it has the words.
pub fn icon(path: &'static str) -> Html {
    html! {
        <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
            <path d={path} />
        </svg>
    }
}
