//! Where am I? A small sheet that tells it, at Alt + W and from the help.
//!
//! It is a dialog like the others: it opens over whatever is open, a screen reader reads what it tells as
//! the dialog's description, and closing it gives the focus back to where it was.

use web_sys::HtmlDialogElement;
use words::whereabouts as say;
use yew::{Callback, Html, NodeRef, hook, html, use_effect_with, use_node_ref};

use crate::dialog;
use crate::part::drawn_later_by;
use crate::state::Action;
use crate::state::whereabouts::Whereabouts;

#[derive(PartialEq)]
pub struct WhereSheet {
    /// What there is to tell, while it is asked for.
    pub told: Option<Whereabouts>,
    pub act: Callback<Action>,
}

drawn_later_by!(WhereSheet, use_where_sheet, whereabouts, |sheet| sheet
    .told
    .is_some());

/// Draws the sheet.
#[hook]
fn use_where_sheet(props: &WhereSheet) -> Html {
    let dialog = use_node_ref();
    use_effect_with(
        (props.told.is_some(), dialog.clone()),
        |(open, dialog): &(bool, NodeRef)| {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                dialog::follow(&dialog, *open);
            }
        },
    );
    let facts = props.told.iter().flat_map(Whereabouts::facts);
    let facts = facts.map(|fact| {
        html! { <div data-fact={fact.id}><dt>{ fact.name }</dt><dd>{ fact.text }</dd></div> }
    });
    html! {
        <dialog ref={dialog} class="sheet where" id="where" aria-labelledby="where-title"
            aria-describedby="where-facts"
            onclose={dialog::closed(&props.act, || Action::Where(false))}>
            <h2 id="where-title">{ say::title() }</h2>
            <dl id="where-facts">{ for facts }</dl>
            <button class="primary" id="where-close"
                onclick={props.act.reform(|_| Action::Where(false))}>{ say::close() }</button>
        </dialog>
    }
}
