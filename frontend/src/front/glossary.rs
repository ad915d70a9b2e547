//! The glossary: words, what they mean, where they are in the source, and what to read next.

use labs::example::System;
use labs::glossary::Term;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlDialogElement, HtmlElement, HtmlSelectElement};
use words::front as say;
use yew::{
    AttrValue, Callback, Event, Html, TargetCast, hook, html, use_effect_with, use_node_ref,
    use_state_eq,
};

use super::title_of;
use crate::dialog;
use crate::part::drawn_later_by;
use crate::state::front::{self, Sheet, Shelf};
use crate::state::{Action, State};

#[derive(PartialEq)]
pub struct GlossaryDialog {
    pub open: bool,
    pub terms: Shelf<Term>,
    /// The word that it is opened at.
    pub term: Option<AttrValue>,
    pub act: Callback<Action>,
}

impl GlossaryDialog {
    /// What the dialog shows.
    pub fn of(state: &State, act: &Callback<Action>) -> Self {
        let front = &state.front;
        let open = front.sheet == Some(Sheet::Glossary);
        GlossaryDialog {
            open,
            terms: if open {
                front.terms.clone()
            } else {
                Shelf::Unknown
            },
            term: front.term.clone().map(AttrValue::from),
            act: act.clone(),
        }
    }
}

drawn_later_by!(GlossaryDialog, use_glossary, front, |dialog| dialog.open);

const HIDE: fn() -> Action = || Action::Front(front::Action::Show(None));

/// The dialog. It is always in the page; the words come when it is first opened.
#[hook]
fn use_glossary(props: &GlossaryDialog) -> Html {
    let dialog = use_node_ref();
    // Which words are shown is not worth remembering.
    let system = use_state_eq(|| None::<System>);
    {
        let (dialog, system) = (dialog.clone(), system.clone());
        let is_here = matches!(props.terms, Shelf::Here(_));
        use_effect_with(
            (props.open, props.term.clone(), is_here),
            move |(open, term, _)| {
                let Some(dialog) = dialog.cast::<HtmlDialogElement>() else {
                    return;
                };
                dialog::follow(&dialog, *open);
                if let (true, Some(term)) = (*open, term) {
                    system.set(None);
                    show(&dialog, term);
                }
            },
        );
    }
    let onchange = {
        let system = system.clone();
        Callback::from(move |event: Event| {
            if let Some(select) = event.target_dyn_into::<HtmlSelectElement>() {
                system.set(System::from_name(&select.value()));
            }
        })
    };
    let systems = System::ALL.into_iter().map(|it| {
        html! { <option value={it.name()} selected={*system == Some(it)}>{ title_of(it) }</option> }
    });
    html! {
        <dialog ref={dialog} class="sheet labs glossary" id="glossary" aria-labelledby="glossary-title"
            onclose={dialog::closed(&props.act, HIDE)}>
            <h2 id="glossary-title">{ say::glossary() }</h2>
            <div class="actions">
                <label>{ say::about() }{ " " }<select id="glossary-system" {onchange}>
                    <option value="" selected={system.is_none()}>{ say::everything() }</option>{ for systems }
                </select></label>
                <button class="tool" onclick={props.act.reform(|_|
                    Action::Front(front::Action::Show(Some(Sheet::Search))))}>{ say::search_key() }</button>
                <button class="tool" onclick={props.act.reform(|_| HIDE())}>{ say::close() }</button>
            </div>
            { list(props, *system) }
        </dialog>
    }
}

/// Brings a word into sight and gives it the focus.
fn show(dialog: &HtmlDialogElement, term: &str) {
    let heading = dialog
        .query_selector(&format!("#term-{term}"))
        .ok()
        .flatten();
    if let Some(heading) = heading {
        let section = heading.parent_element();
        section.as_ref().unwrap_or(&heading).scroll_into_view();
        focus(&heading);
    }
}

fn focus(element: &Element) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        // What cannot take the focus leaves it where it is.
        let _ = element.focus();
    }
}

fn list(props: &GlossaryDialog, system: Option<System>) -> Html {
    let terms = match &props.terms {
        Shelf::Unknown | Shelf::Coming => {
            return html! { <p role="status">{ say::terms_coming() }</p> };
        }
        Shelf::Missing(reason) => {
            return html! {
                <p class="note error" role="alert">{ say::terms_missing(reason) }</p>
            };
        }
        Shelf::Here(terms) => terms,
    };
    let unknown = props.term.as_deref();
    let unknown = unknown.filter(|id| terms.iter().all(|term| term.id != *id));
    let shown = terms
        .iter()
        .filter(|term| system.is_none_or(|it| it == term.system));
    let entries = shown.map(|term| entry(term, terms));
    html! {
        <>
            if let Some(id) = unknown {
                <p class="note error" role="alert">{ say::no_term(id) }</p>
            }
            { for entries }
        </>
    }
}

fn entry(term: &Term, terms: &[Term]) -> Html {
    let places = term.places.iter().map(|place| {
        html! { <li><code>{ &place.file }</code>{ ": " }<code>{ &place.item }</code></li> }
    });
    let see = term.see.iter().filter_map(|id| {
        let other = terms.iter().find(|other| other.id == *id)?;
        Some(html! { <>{ " " }<a href={format!("#term={id}")}>{ &other.name }</a></> })
    });
    html! {
        <section class="term" key={term.id.clone()}>
            <h3 id={format!("term-{}", term.id)} tabindex="-1">{ &term.name }
                <span class="quiet">{ format!(" {}", title_of(term.system)) }</span></h3>
            <p>{ plain(&term.says) }</p>
            <ul class="places" aria-label={say::in_source()}>{ for places }</ul>
            if !term.see.is_empty() { <p class="quiet">{ say::see_also() }{ for see }</p> }
        </section>
    }
}

/// A text with stressed words between stars.
fn plain(text: &str) -> Html {
    let pieces = text.split('*').enumerate();
    let pieces = pieces.map(|(at, piece)| match at % 2 {
        0 => html! { { piece } },
        _ => html! { <em>{ piece }</em> },
    });
    html! { <>{ for pieces }</> }
}
