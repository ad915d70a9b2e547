//! The search: a field, and below it what was found, walked by the arrow keys while one types.

use std::rc::Rc;

use web_sys::{HtmlDialogElement, HtmlInputElement, InputEvent};
use words::front as say;
use yew::{
    AttrValue, Callback, Html, KeyboardEvent, TargetCast, hook, html, use_effect_with, use_node_ref,
};

use crate::dialog;
use crate::part::drawn_later_by;
use crate::state::front::search::{Kind, Thing};
use crate::state::front::{self, Sheet};
use crate::state::{Action, State};

#[derive(PartialEq)]
pub struct SearchDialog {
    pub open: bool,
    pub query: AttrValue,
    pub found: Rc<Vec<Thing>>,
    pub chosen: usize,
    pub act: Callback<Action>,
}

impl SearchDialog {
    /// What the dialog shows.
    pub fn of(state: &State, act: &Callback<Action>) -> Self {
        let front = &state.front;
        SearchDialog {
            open: front.sheet == Some(Sheet::Search),
            query: front.query.clone().into(),
            found: front.found.clone(),
            chosen: front.chosen,
            act: act.clone(),
        }
    }
}

drawn_later_by!(SearchDialog, use_search, front, |dialog| dialog.open);

const HIDE: fn() -> Action = || Action::Front(front::Action::Show(None));

fn label(kind: Kind) -> &'static str {
    match kind {
        Kind::View => say::kind_view(),
        Kind::Tour => say::kind_tour(),
        Kind::Lab => say::kind_lab(),
        Kind::Example => say::kind_example(),
        Kind::Command => say::kind_command(),
        Kind::Term => say::kind_term(),
    }
}

/// The dialog. It is always in the page; what can be found comes when it is first opened.
#[hook]
fn use_search(props: &SearchDialog) -> Html {
    let dialog = use_node_ref();
    {
        let dialog = dialog.clone();
        use_effect_with(props.open, move |open| {
            let Some(dialog) = dialog.cast::<HtmlDialogElement>() else {
                return;
            };
            dialog::follow(&dialog, *open);
        });
    }
    {
        let dialog = dialog.clone();
        use_effect_with(props.chosen, move |chosen| {
            let dialog = dialog.cast::<HtmlDialogElement>();
            let option = dialog.and_then(|dialog| {
                dialog
                    .query_selector(&format!("#found-{chosen}"))
                    .ok()
                    .flatten()
            });
            if let Some(option) = option {
                let options = web_sys::ScrollIntoViewOptions::new();
                options.set_block(web_sys::ScrollLogicalPosition::Nearest);
                option.scroll_into_view_with_scroll_into_view_options(&options);
            }
        });
    }
    let oninput = {
        let act = props.act.clone();
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                act.emit(Action::Front(front::Action::Query(input.value())));
            }
        })
    };
    let onkeydown = {
        let (act, chosen) = (props.act.clone(), props.chosen);
        Callback::from(move |event: KeyboardEvent| {
            let action = match event.key().as_str() {
                "ArrowDown" => front::Action::Move(1),
                "ArrowUp" => front::Action::Move(-1),
                "PageDown" => front::Action::Move(8),
                "PageUp" => front::Action::Move(-8),
                // While an input method composes, Enter is its own.
                "Enter" if !event.is_composing() => front::Action::Choose(chosen),
                _ => return,
            };
            event.prevent_default();
            act.emit(Action::Front(action));
        })
    };
    let count = props.found.len();
    let options = props.found.iter().enumerate().map(|(at, thing)| {
        let onclick = props
            .act
            .reform(move |_| Action::Front(front::Action::Choose(at)));
        html! {
            <li role="option" id={format!("found-{at}")} class="found" {onclick}
                aria-selected={(at == props.chosen).to_string()}>
                <span class="found-name">{ &thing.name }</span>
                <span class="badge">{ label(thing.goal.kind()) }</span>
                <span class="found-says quiet">{ &thing.says }</span>
            </li>
        }
    });
    let said = match (props.query.trim().is_empty(), count) {
        (true, _) => String::new(),
        (false, 0) => say::found_none().to_string(),
        (false, count) => say::found_some(count as u64),
    };
    html! {
        <dialog ref={dialog} class="sheet labs search-sheet" id="search" aria-label={say::search()}
            onclose={dialog::closed(&props.act, HIDE)}>
            <input id="search-field" type="text" role="combobox" aria-label={say::search_label()}
                aria-expanded={(count > 0).to_string()} aria-controls="search-found" aria-autocomplete="list"
                aria-activedescendant={(count > 0).then(|| format!("found-{}", props.chosen))}
                autocomplete="off" autocapitalize="off" spellcheck="false" enterkeyhint="go"
                placeholder={say::search_room()} value={props.query.clone()} {oninput} {onkeydown} />
            <ul role="listbox" id="search-found" aria-label={say::found()}>{ for options }</ul>
            <div class="actions">
                <p class="quiet" role="status" id="search-said">{ said }</p>
                <button class="tool" onclick={props.act.reform(|_| HIDE())}>{ say::close() }</button>
            </div>
        </dialog>
    }
}
