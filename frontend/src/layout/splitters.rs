//! The splitters between the panes, moved by mouse, finger or arrow keys.

use wasm_bindgen::JsCast;
use web_sys::{DomRect, Element, KeyboardEvent, PointerEvent};
use words::looks as say;
use yew::{Callback, Html, TargetCast, hook, html, use_effect_with};

use super::{document, drag};
use crate::part::drawn_later_by;
use crate::state::Action as Page;
use crate::state::layout::{Action, Beside, Layout, RANGE, STEP, Split};

/// The splitters of the present layout, and who listens to panes being dragged.
#[derive(PartialEq)]
pub struct Splitters {
    /// The screen is wide, and a kernel was shown.
    pub is_wanted: bool,
    pub layout: Layout,
    pub beside: Beside,
    pub act: Callback<Page>,
}

drawn_later_by!(Splitters, use_splitters, layout, |it| it.is_wanted);

#[hook]
fn use_splitters(props: &Splitters) -> Html {
    let is_wanted = props.is_wanted;
    let act = props.act.clone();
    use_effect_with(is_wanted, move |is_wanted: &bool| {
        let ears = is_wanted.then(|| drag::listen(&act));
        move || drop(ears)
    });
    if !is_wanted {
        return Html::default();
    }
    let splits = Split::ALL.into_iter();
    let splits = splits.filter(|split| props.layout.has_split(*split, props.beside));
    Html::from_iter(splits.map(|split| splitter(split, props)))
}

fn splitter(split: Split, props: &Splitters) -> Html {
    let share = props.layout.share(split, props.beside);
    let put = props
        .act
        .reform(move |share| Page::Layout(Action::Resize(split, share)));
    let onkeydown = {
        let put = put.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.alt_key() || event.ctrl_key() || event.meta_key() {
                return;
            }
            let by = |steps: i32| {
                let share = i32::from(share) + steps * STEP;
                Some(share.clamp(RANGE.0.into(), RANGE.1.into()) as u16)
            };
            let share = match (event.key().as_str(), split.is_upright()) {
                ("ArrowLeft", true) | ("ArrowUp", false) => by(-1),
                ("ArrowRight", true) | ("ArrowDown", false) => by(1),
                ("Home", _) => Some(RANGE.0),
                ("End", _) => Some(RANGE.1),
                ("Enter", _) => None,
                _ => return,
            };
            event.prevent_default();
            put.emit(share);
        })
    };
    let onpointerdown = Callback::from(|event: PointerEvent| {
        if let Some(target) = event.target_dyn_into::<Element>() {
            // A pointer that cannot be captured does not drag.
            let _ = target.set_pointer_capture(event.pointer_id());
            event.prevent_default();
        }
    });
    let onpointermove = {
        let put = put.clone();
        Callback::from(move |event: PointerEvent| {
            let target = event.target_dyn_into::<Element>();
            if target.is_some_and(|target| target.has_pointer_capture(event.pointer_id()))
                && let Some(share) = share_at(split, &event)
            {
                put.emit(Some(share));
            }
        })
    };
    let label = match split {
        Split::Lab => say::split_lab(),
        Split::Left => say::split_left(),
        Split::Upper => say::split_upper(),
        Split::Dock => say::split_dock(),
    };
    let class = ["splitter split-", split.name()].concat();
    let orientation = if split.is_upright() {
        "vertical"
    } else {
        "horizontal"
    };
    html! {
        <div key={split.name()} role="separator" tabindex="0" id={format!("split-{}", split.name())} {class}
            aria-label={label} aria-orientation={orientation} aria-valuenow={(share / 10).to_string()}
            aria-valuemin={(RANGE.0 / 10).to_string()} aria-valuemax={(RANGE.1 / 10).to_string()}
            title={say::split_title()}
            {onkeydown} {onpointerdown} {onpointermove} ondblclick={put.reform(|_| None)} />
    }
}

/// Where a pointer is between what a splitter divides, in thousandths.
fn share_at(split: Split, event: &PointerEvent) -> Option<u16> {
    let panes = rect(".panes")?;
    let (x, y) = (f64::from(event.client_x()), f64::from(event.client_y()));
    let (from, to, at) = match split {
        Split::Lab | Split::Dock => (panes.left(), panes.right(), x),
        Split::Left => {
            let from = rect("#pane-lab").map_or(panes.left(), |lab| lab.right());
            let dock = rect(".panes > .dock").filter(|dock| dock.left() > from + 1.0);
            // A lab's questions are below the console.
            let dock = dock.filter(|dock| dock.top() <= panes.top() + 1.0);
            (from, dock.map_or(panes.right(), |dock| dock.left()), x)
        }
        Split::Upper => {
            let tabs = rect(".panes > .tabs").map_or(0.0, |tabs| tabs.height());
            (panes.top(), panes.bottom() - tabs, y)
        }
    };
    let share = (at - from) / (to - from).max(1.0) * 1000.0;
    Some(share.round().clamp(0.0, 1000.0) as u16)
}

/// Where something is on the screen, if it is there.
fn rect(selector: &str) -> Option<DomRect> {
    let element = document()?.query_selector(selector).ok()??;
    let rect = element
        .unchecked_into::<Element>()
        .get_bounding_client_rect();
    (rect.width() > 0.0).then_some(rect)
}
