//! Dragging a pane by its head into another slot.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_events::EventListener;
use wasm_bindgen::JsCast;
use web_sys::{Element, PointerEvent};
use yew::Callback;

use super::{document, pane_of};
use crate::choices::Pane;
use crate::state::Action as Page;
use crate::state::layout::{Action, Slot};

/// Pixels that a pointer moves before it drags.
const PLAY: f64 = 8.0;

/// A pane that is held by its head.
struct Grip {
    pane: Pane,
    pointer: i32,
    from: (f64, f64),
    /// It has moved since, and this is where it would fall.
    over: Option<Slot>,
}

/// Listens to the heads of all panes until the listeners are dropped.
pub fn listen(act: &Callback<Page>) -> Option<Vec<EventListener>> {
    let document = document()?;
    let grip: Rc<RefCell<Option<Grip>>> = Rc::default();
    let hear = |name: &'static str, ear: fn(&PointerEvent, &mut Option<Grip>, &Callback<Page>)| {
        let (grip, act) = (grip.clone(), act.clone());
        EventListener::new(&document, name, move |event| {
            if let Some(event) = event.dyn_ref::<PointerEvent>() {
                ear(event, &mut grip.borrow_mut(), &act);
            }
        })
    };
    Some(vec![
        hear("pointerdown", down),
        hear("pointermove", moved),
        hear("pointerup", up),
        hear("pointercancel", |_, grip, _| put_back(grip)),
    ])
}

fn place(event: &PointerEvent) -> (f64, f64) {
    (event.client_x().into(), event.client_y().into())
}

fn down(event: &PointerEvent, grip: &mut Option<Grip>, _: &Callback<Page>) {
    // A finger on a head scrolls or zooms.
    if event.button() != 0 || event.pointer_type() == "touch" {
        return;
    }
    let target = event.target().and_then(|it| it.dyn_into::<Element>().ok());
    let Some(target) = target else { return };
    let is_in = |selector: &str| matches!(target.closest(selector), Ok(Some(_)));
    let is_head = is_in(".pane > .pane-head") && !is_in("button, select, input, a, label");
    let Some(pane) = pane_of(&target).filter(|pane| is_head && *pane != Pane::Lab) else {
        return;
    };
    *grip = Some(Grip {
        pane,
        pointer: event.pointer_id(),
        from: place(event),
        over: None,
    });
}

fn moved(event: &PointerEvent, grip: &mut Option<Grip>, _: &Callback<Page>) {
    let Some(grip) = grip.as_mut().filter(|it| it.pointer == event.pointer_id()) else {
        return;
    };
    let (x, y) = place(event);
    if grip.over.is_none() && (x - grip.from.0).hypot(y - grip.from.1) < PLAY {
        return;
    }
    if let Some((slot, target)) = slot_at(x, y)
        && grip.over != Some(slot)
    {
        grip.over = Some(slot);
        aim(Some(&target));
    }
}

fn up(event: &PointerEvent, grip: &mut Option<Grip>, act: &Callback<Page>) {
    if let Some(held) = grip.as_ref().filter(|it| it.pointer == event.pointer_id()) {
        if let Some(slot) = held.over {
            act.emit(Page::Layout(Action::Move(held.pane, slot)));
        }
        put_back(grip);
    }
}

fn put_back(grip: &mut Option<Grip>) {
    if grip.take().is_some_and(|grip| grip.over.is_some()) {
        aim(None);
    }
}

/// The slot at a point of the screen, and the element that stands for it.
fn slot_at(x: f64, y: f64) -> Option<(Slot, Element)> {
    let element = document()?.element_from_point(x as f32, y as f32)?;
    if let Ok(Some(tabs)) = element.closest(".panes > .tabs") {
        return Some((Slot::Lower, tabs));
    }
    let section = element.closest("section.pane").ok()??;
    let pane = pane_of(&section).filter(|pane| *pane != Pane::Lab)?;
    let classes = section.parent_element()?.class_list();
    let is_in = |slot: &str| classes.contains(&[slot, "-", pane.label()].concat());
    let slot = match () {
        () if is_in("left") => Slot::Left,
        () if is_in("upper") => Slot::Upper,
        () => Slot::Lower,
    };
    Some((slot, section))
}

/// Shows where a pane would fall.
fn aim(target: Option<&Element>) {
    let before = document().and_then(|document| document.query_selector("[data-aim]").ok()?);
    // They fail only for malformed names.
    if let Some(before) = before {
        let _ = before.remove_attribute("data-aim");
    }
    if let Some(target) = target {
        let _ = target.set_attribute("data-aim", "");
    }
}
