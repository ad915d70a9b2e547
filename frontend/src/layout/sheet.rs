//! The sheet about panes: where the one in question goes, and which are shown at all.

use web_sys::HtmlDialogElement;
use words::looks as say;
use yew::{Callback, Html, NodeRef, hook, html, use_effect_with, use_node_ref};

use crate::choices::Pane;
use crate::dialog;
use crate::part::drawn_later_by;
use crate::state::Action as Page;
use crate::state::layout::{Action, Layout, Slot};
use crate::state::looks::{Action as Looks, Image};

/// The sheet; closed without a pane.
#[derive(PartialEq)]
pub struct LayoutSheet {
    pub pane: Option<Pane>,
    pub layout: Layout,
    /// The screen has room for more than one pane.
    pub is_wide: bool,
    pub act: Callback<Page>,
}

drawn_later_by!(LayoutSheet, use_layout_sheet, layout, |it| it
    .pane
    .is_some());

#[hook]
fn use_layout_sheet(props: &LayoutSheet) -> Html {
    let dialog = use_node_ref();
    use_effect_with(
        (props.pane.is_some(), dialog.clone()),
        |(is_open, dialog): &(bool, NodeRef)| {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                dialog::follow(&dialog, *is_open);
            }
        },
    );
    let close = props.act.reform(|_| Page::Looks(Looks::Sheet(None)));
    html! {
        <dialog ref={dialog} class="sheet layout-sheet" aria-labelledby="layout-title"
            onclose={dialog::closed(&props.act, || Page::Looks(Looks::Sheet(None)))}>
            <h2 id="layout-title">{ say::panes() }</h2>
            if let Some(pane) = props.pane {
                { picture(pane, props) }
                if props.is_wide {
                    { one(pane, props) }
                    { all(props) }
                } else {
                    <p>{ say::narrow() }</p>
                }
            }
            <p class="actions">
                if props.is_wide {
                    <button class="tool" id="layout-reset"
                        onclick={props.act.reform(|_| Page::Layout(Action::Reset))}>
                        { say::reset() }
                    </button>
                }
                <button class="primary" id="layout-close" onclick={close}>{ say::close() }</button>
            </p>
        </dialog>
    }
}

/// What can be done with the pane in question.
fn one(pane: Pane, props: &LayoutSheet) -> Html {
    let is_hidden = props.layout.is_hidden(pane);
    let slots = [
        (Slot::Left, "left", say::slot_left()),
        (Slot::Upper, "upper", say::slot_upper()),
        (Slot::Lower, "lower", say::slot_lower()),
    ];
    let slots = slots.map(|(slot, name, words)| {
        let is_there = !is_hidden && props.layout.slot_of(pane) == slot;
        let onclick = props
            .act
            .reform(move |_| Page::Layout(Action::Move(pane, slot)));
        html! {
            <button class="tool" id={["move-", name].concat()} aria-pressed={is_there.to_string()} {onclick}>
                { words }
            </button>
        }
    });
    let is_alone = props.layout.maximised() == Some(pane);
    let alone = Action::Maximise((!is_alone).then_some(pane));
    html! {
        <fieldset class="layout-one">
            <legend>{ pane.title() }</legend>
            <div class="actions">
                { for slots }
                <button class="tool" id="maximise" aria-pressed={is_alone.to_string()} disabled={is_hidden}
                    onclick={props.act.reform(move |_| Page::Layout(alone))}>
                    { say::alone() }
                </button>
            </div>
        </fieldset>
    }
}

/// A pane's picture as a file.
fn picture(pane: Pane, props: &LayoutSheet) -> Html {
    let save = |image| {
        props
            .act
            .reform(move |_| Page::Looks(Looks::Picture(pane, image)))
    };
    html! {
        <fieldset class="layout-picture">
            <legend>{ say::picture_of(pane.title()) }</legend>
            <div class="actions">
                <button class="tool" id="save-svg" onclick={save(Image::Svg)}>{ "SVG" }</button>
                <button class="tool" id="save-png" onclick={save(Image::Png)}>{ "PNG" }</button>
                <span class="quiet">{ say::picture_note() }</span>
            </div>
        </fieldset>
    }
}

/// Which panes are shown.
fn all(props: &LayoutSheet) -> Html {
    let panes = Pane::ALL.into_iter().filter(|pane| *pane != Pane::Lab);
    let panes = panes.map(|pane| {
        let is_hidden = props.layout.is_hidden(pane);
        let id = ["shows-", pane.label()].concat();
        let onchange = props.act.reform(move |_| {
            Page::Layout(match is_hidden {
                true => Action::Reveal(pane),
                false => Action::Hide(pane),
            })
        });
        html! {
            <li><label>
                <input type="checkbox" {id} checked={!is_hidden} {onchange} />{ pane.title() }
            </label></li>
        }
    });
    html! {
        <fieldset class="layout-all">
            <legend>{ say::shown() }</legend>
            <ul>{ for panes }</ul>
        </fieldset>
    }
}
