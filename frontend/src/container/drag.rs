//! Dragging a task with a mouse, a finger or a pen: a ghost of its dot follows, and what it would fall
//! into is shown.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, PointerEvent};
use yew::TargetCast;

use super::{Ears, number_at};
use crate::state::containers::Action as Own;

/// Pixels that a pointer moves before it drags.
const PLAY: f64 = 4.0;

/// A dot under a pointer that is down.
#[derive(Debug, Default)]
pub struct Drag {
    grip: Option<Grip>,
}

#[derive(Debug, Clone, Copy)]
struct Grip {
    pid: u32,
    pointer: i32,
    /// Where the pointer went down.
    from: (f64, f64),
    /// It has moved since.
    is_moving: bool,
    over: Option<u32>,
}

impl Drag {
    /// A dot is being dragged.
    pub fn is_on(&self) -> bool {
        self.grip.is_some()
    }
}

fn place(event: &PointerEvent) -> (f64, f64) {
    (event.client_x().into(), event.client_y().into())
}

/// The pointer goes down.
pub fn down(ears: &Ears, drag: &mut Drag, event: &PointerEvent) {
    let target = event.target_dyn_into::<Element>();
    let Some(pid) = number_at(target.as_ref(), "data-pid").filter(|_| event.button() == 0) else {
        return;
    };
    drag.grip = Some(Grip {
        pid,
        pointer: event.pointer_id(),
        from: place(event),
        is_moving: false,
        over: None,
    });
    // What the pointer does is heard here wherever it goes.
    if let Some(picture) = ears.picture.cast::<Element>() {
        // It fails only for a pointer that is up already.
        let _ = picture.set_pointer_capture(event.pointer_id());
    }
}

/// The pointer moves.
pub fn moved(ears: &Ears, drag: &mut Drag, event: &PointerEvent) {
    let Some(grip) = drag
        .grip
        .as_mut()
        .filter(|grip| grip.pointer == event.pointer_id())
    else {
        return;
    };
    let (x, y) = place(event);
    if !grip.is_moving {
        if (x - grip.from.0).abs() + (y - grip.from.1).abs() < PLAY {
            return;
        }
        grip.is_moving = true;
        ears.own(Own::PickUp(grip.pid));
    }
    show_ghost(ears, Some((x, y)));
    let document = web_sys::window().and_then(|window| window.document());
    let under = document.and_then(|document| document.element_from_point(x as f32, y as f32));
    let over = number_at(under.as_ref(), "data-container");
    if over != grip.over {
        grip.over = over;
        ears.own(Own::Over(over));
    }
}

/// The pointer goes up.
pub fn up(ears: &Ears, drag: &mut Drag, event: &PointerEvent) {
    if drag
        .grip
        .is_none_or(|grip| grip.pointer != event.pointer_id())
    {
        return;
    }
    moved(ears, drag, event);
    show_ghost(ears, None);
    if let Some(grip) = drag.grip.take().filter(|grip| grip.is_moving) {
        ears.own(match grip.over {
            Some(_) => Own::Drop,
            None => Own::PutBack,
        });
    }
}

/// The pointer is lost, or Escape was pressed.
pub fn cancel(ears: &Ears, drag: &mut Drag) {
    show_ghost(ears, None);
    if drag.grip.take().is_some_and(|grip| grip.is_moving) {
        ears.own(Own::PutBack);
    }
}

/// Moves the ghost to this place of the window, or hides it.
fn show_ghost(ears: &Ears, place: Option<(f64, f64)>) {
    let Some(ghost) = ears.ghost.cast::<HtmlElement>() else {
        return;
    };
    ghost.set_hidden(place.is_none());
    let (Some((x, y)), Some(picture)) = (place, ears.picture.cast::<HtmlElement>()) else {
        return;
    };
    let corner = picture
        .unchecked_ref::<Element>()
        .get_bounding_client_rect();
    let zoom = crate::canvas::zoom(&picture);
    let left = (x - corner.left()) / zoom + f64::from(picture.scroll_left());
    let top = (y - corner.top()) / zoom + f64::from(picture.scroll_top());
    let style = ghost.style();
    // The names are valid, the values are lengths.
    let _ = style.set_property("left", &format!("{left}px"));
    let _ = style.set_property("top", &format!("{top}px"));
}
