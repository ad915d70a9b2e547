//! The lecture hall: everything large, the console and one picture, and a ring around the pointer that
//! is seen from the last row.

use gloo_events::EventListener;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, PointerEvent};
use words::looks as say;
use yew::{Callback, Html, NodeRef, hook, html, use_effect_with, use_node_ref};

use crate::canvas::zoom;
use crate::part::drawn_later_by;
use crate::state::Action;
use crate::state::looks::Action as Own;

/// What a lecture hall needs besides the panes.
#[derive(PartialEq)]
pub struct Hall {
    pub open: bool,
    pub act: Callback<Action>,
}

drawn_later_by!(Hall, use_hall, hall, |hall| hall.open);

#[hook]
fn use_hall(props: &Hall) -> Html {
    let ring = use_node_ref();
    use_effect_with(props.open, {
        let (ring, act) = (ring.clone(), props.act.clone());
        move |is_open: &bool| {
            let ears = is_open.then(|| listen(&ring, &act));
            move || drop(ears)
        }
    });
    if !props.open {
        return Html::default();
    }
    html! {
        <>
            <div ref={ring} id="hall-ring" aria-hidden="true" hidden=true />
            <button class="tool" id="hall-leave" onclick={props.act.reform(|_| Action::Looks(Own::Hall(false)))}>
                { say::hall_leave() }
            </button>
        </>
    }
}

/// Follows the pointer; leaves the hall with the full screen, whose Escape the browser keeps to itself.
fn listen(ring: &NodeRef, act: &Callback<Action>) -> Option<[EventListener; 2]> {
    let document = web_sys::window()?.document()?;
    let follow = {
        let ring = ring.clone();
        EventListener::new(&document, "pointermove", move |event| {
            if let (Some(event), Some(ring)) =
                (event.dyn_ref::<PointerEvent>(), ring.cast::<HtmlElement>())
            {
                ring.set_hidden(false);
                let zoom = zoom(&ring);
                let [x, y] = [event.client_x(), event.client_y()].map(|at| f64::from(at) / zoom);
                // The name is valid, the value is a translation.
                let _ = ring
                    .style()
                    .set_property("transform", &format!("translate({x}px, {y}px)"));
            }
        })
    };
    let act = act.clone();
    let left = EventListener::new(&document.clone(), "fullscreenchange", move |_| {
        if document.fullscreen_element().is_none() {
            act.emit(Action::Looks(Own::Hall(false)));
        }
    });
    Some([follow, left])
}
