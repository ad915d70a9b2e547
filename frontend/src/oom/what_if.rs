//! One thing otherwise: a form for the change, and the first decision that would have been another one.

use labs::view::oom::{
    OomCandidate, OomDecision, OomSide, OomVerdict, OomView, OomWhatIfView, POLICIES,
};
use labs::view::{Table, View};
use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlInputElement, HtmlSelectElement, SubmitEvent};
use yew::{Html, TargetCast, html};

use super::OomPane;
use super::lanes::{Lane, Mark, Shape, lanes};
use crate::state::Action;
use crate::state::inquiry::Action as Inquiry;
use crate::state::oom::Action as Own;
use crate::state::oom::ask::{Action as Ask, Asked, Thing};

/// Tasks that one may choose from.
const OFFERED_MAX: usize = 200;

/// The whole section.
pub fn section(view: &OomView, props: &OomPane) -> Html {
    html! {
        <section aria-labelledby="oom-what-if-title" class="oom-what-if">
            <h3 id="oom-what-if-title">{ words::oom::what_if() }</h3>
            <p class="quiet">{ words::oom::what_if_hint() }</p>
            { form(view, props) }
            { answer(props) }
        </section>
    }
}

/// The form.
fn form(view: &OomView, props: &OomPane) -> Html {
    let thing = props.asked.thing;
    let is_waiting = props.asked.what_if == Asked::Waiting;
    let choose = props.act.reform(|event: Event| {
        let select = event.target_dyn_into::<HtmlSelectElement>();
        let name = select.map(|select| select.value()).unwrap_or_default();
        let chosen = Thing::ALL.into_iter().find(|it| it.name() == name);
        Action::Oom(Own::Ask(Ask::Thing(chosen.unwrap_or_default())))
    });
    let onsubmit = props.act.reform(|event: SubmitEvent| {
        event.prevent_default();
        Action::Oom(Own::Ask(Ask::WhatIf {
            of: typed("oom-if-of"),
            value: typed("oom-if-value"),
            before: typed("oom-if-before"),
        }))
    });
    // Other fields for another thing, with other values to begin with.
    let key = format!("{}-{}-{}", thing.name(), view.step, view.shown);
    html! {
        <form class="oom-form" id="oom-if" {key} {onsubmit}>
            <label>{ words::oom::change() }
                <select id="oom-if-thing" onchange={choose}>
                    { for Thing::ALL.iter().map(|it| option(it.name(), it.label(), *it == thing)) }
                </select>
            </label>
            { of(thing, view, props.candidate) }
            { value(thing, &view.decision) }
            <label>{ words::oom::before_line() }
                <input id="oom-if-before" class="field" type="number" min="1" size="5"
                    max={props.steps.to_string()} value={view.step.to_string()} />
            </label>
            <button class="primary" id="oom-if-ask" disabled={is_waiting}>
                { words::oom::ask() }
            </button>
        </form>
    }
}

fn option(value: &str, text: &str, is_selected: bool) -> Html {
    html! { <option value={value.to_string()} selected={is_selected}>{ text }</option> }
}

/// Whose: a task's, or a group's.
fn of(thing: Thing, view: &OomView, looked_at: usize) -> Html {
    let decision = &view.decision;
    match thing {
        Thing::Policy => Html::default(),
        Thing::Priority => html! {
            <label>{ words::oom::of_group() }
                if decision.groups.is_empty() {
                    <input id="oom-if-of" class="field mono" placeholder="/mnt/oom-killer/lambs"
                        autocomplete="off" autocapitalize="off" spellcheck="false" />
                } else {
                    <select id="oom-if-of">
                        { for decision.groups.iter().map(|(dir, priority)| {
                            option(dir, &format!("{dir} ({priority})"), false)
                        }) }
                    </select>
                }
            </label>
        },
        Thing::Nice | Thing::Adj => {
            let looked_at: Option<&OomCandidate> = decision.candidates.get(looked_at);
            let looked_at = looked_at.map_or(0, |it| it.task.pid);
            let candidates = decision.candidates.iter().map(|it| &it.task);
            let skipped = decision.skipped.iter().map(|it| &it.task);
            let mut tasks: Vec<_> = candidates.chain(skipped).take(OFFERED_MAX).collect();
            tasks.sort_by_key(|it| it.pid);
            html! {
                <label>{ words::oom::of_task() }
                    <select id="oom-if-of">
                        { for tasks.into_iter().map(|it| {
                            option(&it.pid.to_string(), &it.words(), it.pid == looked_at)
                        }) }
                    </select>
                </label>
            }
        }
    }
}

/// To what.
fn value(thing: Thing, decision: &OomDecision) -> Html {
    let (least, most, first) = match thing {
        Thing::Policy => {
            // Another one than the one in force, to begin with.
            let other = POLICIES.iter().position(|it| *it != decision.policy);
            return html! {
                <label>{ words::oom::to() }
                    <select id="oom-if-value">
                        { for POLICIES.iter().enumerate().map(|(place, it)| {
                            option(it, it, Some(place) == other)
                        }) }
                    </select>
                </label>
            };
        }
        Thing::Nice => ("-20", Some("19"), "10"),
        Thing::Adj => ("-17", Some("15"), "-17"),
        Thing::Priority => ("0", None, "0"),
    };
    html! {
        <label>{ words::oom::to() }
            <input id="oom-if-value" class="field" type="number" min={least} max={most} value={first} />
        </label>
    }
}

/// What stands in a field of the form.
fn typed(id: &str) -> String {
    let document = web_sys::window().and_then(|window| window.document());
    let Some(field) = document.and_then(|document| document.get_element_by_id(id)) else {
        return String::new();
    };
    match field.dyn_into::<HtmlSelectElement>() {
        Ok(select) => select.value(),
        Err(field) => match field.dyn_into::<HtmlInputElement>() {
            Ok(input) => input.value(),
            Err(_) => String::new(),
        },
    }
}

/// What came of it.
fn answer(props: &OomPane) -> Html {
    html! {
        <div id="oom-if-answer">
            <div role="status">
                { match &props.asked.what_if {
                    Asked::Not => Html::default(),
                    Asked::Waiting => html! { <p class="quiet">{ words::oom::runs_again() }</p> },
                    Asked::Refused(why) => html! { <p class="oom-refused">{ &**why }</p> },
                    Asked::Told(view) => html! {
                        <p class="oom-verdict" id="oom-if-sentence">{ view.sentence() }</p>
                    },
                } }
            </div>
            if let Asked::Told(view) = &props.asked.what_if { { told(view, props) } }
        </div>
    }
}

fn told(view: &OomWhatIfView, props: &OomPane) -> Html {
    let adopt = props.act.reform(|_| Action::Oom(Own::Ask(Ask::Adopt)));
    let sides = view.sides().map(|(name, side)| lane(name, side, view));
    html! {
        <>
            { lanes("oom-if-lanes", view.before, view.steps, &sides) }
            { table("oom-if-table", &view.table()) }
            <button class="tool" id="oom-if-adopt" onclick={adopt} disabled={!props.can_edit}>
                { words::oom::adopt() }
            </button>
        </>
    }
}

/// A run as a lane; the decision that is told is lit.
fn lane(name: &'static str, side: &OomSide, view: &OomWhatIfView) -> Lane {
    let marks = side.marks.iter().enumerate().map(|(place, mark)| Mark {
        step: mark.step,
        title: mark.words(),
        shape: match mark.brief.verdict {
            OomVerdict::Kill => Shape::Full,
            _ => Shape::Small,
        },
        is_lit: view.is_different && place as u32 == view.same,
    });
    Lane {
        name: name.into(),
        marks: marks.collect(),
        bars: Vec::new(),
    }
}

/// What is said of a change that has become part of the session.
pub fn adopted(props: &OomPane) -> Html {
    let Some((step, _)) = props.asked.adopted else {
        return Html::default();
    };
    let undo = props.act.reform(|_| Action::Inquiry(Inquiry::Undo));
    html! {
        <p class="oom-verdict" id="oom-adopted" role="status">
            { words::oom::adopted(step) }
            <button class="tool" id="oom-undo" onclick={undo} disabled={!props.can_edit}>
                { words::oom::take_back() }
            </button>
        </p>
    }
}

/// An answer's table.
pub fn table(id: &'static str, table: &Table) -> Html {
    let rows = table.rows.iter().map(|row| {
        let mut cells = row.iter();
        let first = cells
            .next()
            .map(|cell| html! { <th scope="row">{ cell }</th> });
        html! { <tr>{ first }{ for cells.map(|cell| html! { <td>{ cell }</td> }) }</tr> }
    });
    let heads = table.columns.iter().map(|name| match name.as_str() {
        "" => html! { <td></td> },
        name => html! { <th scope="col">{ name }</th> },
    });
    html! {
        <div class="oom-answer" tabindex="0" role="region" aria-label={table.caption.clone()}>
            <table class="data" {id} data-rows={table.rows.len().to_string()}>
                <caption class="unseen">{ &table.caption }</caption>
                <thead><tr>{ for heads }</tr></thead>
                <tbody>{ for rows }</tbody>
            </table>
        </div>
    }
}
