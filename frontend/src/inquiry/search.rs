//! Searches backwards: a field to ask "since when?", and how far the search is.

use std::rc::Rc;

use labs::protocol::Goal;
use web_sys::{HtmlInputElement, SubmitEvent};
use words::inquiry as say;
use yew::{Callback, Html, hook, html, use_node_ref};

use crate::part::drawn_by;
use crate::state::Action;
use crate::state::inquiry::Action as Own;
use crate::state::inquiry::search::{Outcome, Search};

#[derive(PartialEq)]
pub struct SearchTab {
    pub search: Option<Rc<Search>>,
    /// The step that is shown.
    pub step: u32,
    pub act: Callback<Action>,
}

drawn_by!(SearchTab, use_search_tab);

/// Draws the tab.
#[hook]
fn use_search_tab(props: &SearchTab) -> Html {
    let (line, prints) = (use_node_ref(), use_node_ref());
    let onsubmit = {
        let (act, line, prints) = (props.act.clone(), line.clone(), prints.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let text = |node: &yew::NodeRef| {
                let input = node.cast::<HtmlInputElement>();
                input.map(|input| input.value()).unwrap_or_default()
            };
            let line = text(&line);
            if !line.trim().is_empty() {
                let goal = Goal::Became {
                    line: line.into_bytes(),
                    prints: text(&prints).into_bytes(),
                };
                act.emit(Action::Inquiry(Own::Search(goal)));
            }
        })
    };
    html! {
        <>
            <form class="dock-form" {onsubmit}>
                <label class="full">{ say::since_when() }
                    <input ref={line} id="search-line" class="field mono" type="text" autocomplete="off"
                        spellcheck="false" autocapitalize="off" placeholder="radix lookup t 5" />
                </label>
                <label class="full">{ say::and_prints() }
                    <input ref={prints} id="search-prints" class="field mono" type="text"
                        autocomplete="off" spellcheck="false" autocapitalize="off" />
                </label>
                <button class="primary" id="search-go">{ say::search_go() }</button>
                <span class="quiet">
                    { say::search_from(props.step) }
                </span>
            </form>
            if let Some(search) = &props.search { { answer(search, &props.act) } }
        </>
    }
}

fn answer(search: &Search, act: &Callback<Action>) -> Html {
    let question = html! { <p class="question">{ search.question() }</p> };
    let content = match &search.outcome {
        None => {
            let done = search.from - search.reached;
            let stop = act.reform(|_| Action::Inquiry(Own::StopSearch));
            html! {
                <>
                    <p>{ say::searched_of(done, search.from) }</p>
                    <progress id="search-progress" max={search.from.to_string()}
                        value={done.to_string()} aria-label={say::searched()} />
                    <button class="tool" id="search-stop" onclick={stop}>{ say::stop() }</button>
                </>
            }
        }
        Some(Outcome::Found(step)) => {
            let step = *step;
            let onclick = act.reform(move |_| Action::Seek(step));
            html! {
                <button class="primary" id="search-found" data-step={step.to_string()} {onclick}>
                    { match step {
                        0 => say::found_boot().to_string(),
                        step => say::found_step(step),
                    } }
                </button>
            }
        }
        Some(Outcome::Nothing) => html! {
            <p id="search-nothing">{ say::found_nothing(search.from) }</p>
        },
        Some(Outcome::Stopped(reason)) => html! {
            <p id="search-stopped" class="note error">
                { say::ended(reason) }
            </p>
        },
    };
    html! { <div class="dock-answer" role="status" id="search-answer">{ question }{ content }</div> }
}
