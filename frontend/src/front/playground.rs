//! The playground: sessions that are interesting at once, by system.

use labs::example::{Example, System};
use web_sys::HtmlDialogElement;
use words::front as say;
use yew::{AttrValue, Callback, Html, hook, html, use_effect_with, use_node_ref};

use super::title_of;
use crate::dialog;
use crate::part::drawn_later_by;
use crate::state::front::{self, Sheet, Shelf};
use crate::state::{Action, State};

#[derive(PartialEq)]
pub struct PlaygroundDialog {
    pub open: bool,
    pub examples: Shelf<Example>,
    /// The example that is on its way.
    pub wanted: Option<AttrValue>,
    pub act: Callback<Action>,
}

impl PlaygroundDialog {
    /// What the dialog shows.
    pub fn of(state: &State, act: &Callback<Action>) -> Self {
        let front = &state.front;
        PlaygroundDialog {
            open: front.sheet == Some(Sheet::Playground),
            examples: front.examples.clone(),
            wanted: front.wanted.clone().map(AttrValue::from),
            act: act.clone(),
        }
    }
}

drawn_later_by!(PlaygroundDialog, use_playground, front, |dialog| {
    dialog.open
});

const HIDE: fn() -> Action = || Action::Front(front::Action::Show(None));

/// The dialog. It is always in the page; the list comes when it is first opened.
#[hook]
fn use_playground(props: &PlaygroundDialog) -> Html {
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
    html! {
        <dialog ref={dialog} class="sheet labs" id="playground" aria-labelledby="playground-title"
            onclose={dialog::closed(&props.act, HIDE)}>
            <h2 id="playground-title">{ say::playground() }</h2>
            <p>{ say::playground_says() }</p>
            { list(props) }
            <div class="actions">
                <button class="tool" onclick={props.act.reform(|_| HIDE())}>{ say::close() }</button>
            </div>
        </dialog>
    }
}

fn list(props: &PlaygroundDialog) -> Html {
    let examples = match &props.examples {
        Shelf::Unknown | Shelf::Coming => {
            return html! { <p role="status">{ say::examples_coming() }</p> };
        }
        Shelf::Missing(reason) => {
            return html! {
                <p class="note error" role="alert">{ say::examples_missing(reason) }</p>
            };
        }
        Shelf::Here(examples) => examples,
    };
    let sections = System::ALL.into_iter().map(|system| {
        let of_it = examples.iter().filter(|example| example.system == system);
        let entries: Vec<Html> = of_it.map(|example| entry(example, props)).collect();
        html! {
            if !entries.is_empty() {
                <section><h3>{ title_of(system) }</h3><ol>{ for entries }</ol></section>
            }
        }
    });
    html! { <>{ for sections }</> }
}

fn entry(example: &Example, props: &PlaygroundDialog) -> Html {
    let name = example.name.clone();
    let onclick = props
        .act
        .reform(move |_| Action::Front(front::Action::Open(name.clone())));
    html! {
        <li class="lab-entry" data-example={example.name.clone()}>
            <div>
                <h4>{ &example.title }</h4>
                <p>{ &example.says }</p>
            </div>
            <button class="primary" {onclick} aria-label={say::open_example(&example.title)}>
                { say::open() }</button>
        </li>
    }
}
