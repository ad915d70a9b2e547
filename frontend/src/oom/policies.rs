//! The log under other policies: a box a policy, then a lane each, and what it has cost as a table.

use labs::view::oom::{POLICIES, PoliciesView, PolicyRun};
use labs::view::{View, duration};
use wasm_bindgen::JsCast;
use web_sys::{HtmlInputElement, SubmitEvent};
use yew::{Html, html};

use super::OomPane;
use super::lanes::{Lane, Mark, Shape, lanes};
use super::what_if::table;
use crate::state::Action;
use crate::state::oom::Action as Own;
use crate::state::oom::ask::{Action as Ask, Asked};

/// Policies that are ticked at first: what a kernel, a group, a program and a phone would do.
const FIRST: [&str; 4] = ["badness", "priority", "notify", "lowmemorykiller"];

/// The whole section.
pub fn section(props: &OomPane) -> Html {
    let is_waiting = props.asked.policies == Asked::Waiting;
    let onsubmit = props.act.reform(|event: SubmitEvent| {
        event.prevent_default();
        let ticked = POLICIES.iter().filter(|name| is_ticked(name));
        let ticked = ticked.map(ToString::to_string).collect();
        Action::Oom(Own::Ask(Ask::Compare(ticked)))
    });
    let boxes = POLICIES.iter().map(|name| {
        html! {
            <label class="oom-tick">
                <input type="checkbox" id={id_of(name)} checked={FIRST.contains(name)} />
                <span class="mono">{ *name }</span>
            </label>
        }
    });
    html! {
        <section aria-labelledby="oom-policies-title" class="oom-what-if">
            <h3 id="oom-policies-title">{ words::oom::policies() }</h3>
            <form class="oom-form" id="oom-compare" {onsubmit}>
                <fieldset>
                    <legend class="unseen">{ words::oom::policies_legend() }</legend>
                    { for boxes }
                </fieldset>
                <button class="primary" id="oom-compare-run" disabled={is_waiting || props.steps == 0}>
                    { words::oom::compare() }
                </button>
            </form>
            <div role="status">
                { match &props.asked.policies {
                    Asked::Not => Html::default(),
                    Asked::Waiting => html! {
                        <p class="quiet">{ words::oom::runs_policies() }</p>
                    },
                    Asked::Refused(why) => html! { <p class="oom-refused">{ &**why }</p> },
                    Asked::Told(view) => html! {
                        <p class="oom-verdict" id="oom-compare-sentence">{ view.sentence() }</p>
                    },
                } }
            </div>
            if let Asked::Told(view) = &props.asked.policies { { told(view) } }
        </section>
    }
}

fn id_of(policy: &str) -> String {
    ["oom-policy-", policy].concat()
}

fn is_ticked(policy: &str) -> bool {
    let document = web_sys::window().and_then(|window| window.document());
    let tick = document.and_then(|document| document.get_element_by_id(&id_of(policy)));
    let tick = tick.and_then(|tick| tick.dyn_into::<HtmlInputElement>().ok());
    tick.is_some_and(|tick| tick.checked())
}

fn told(view: &PoliciesView) -> Html {
    let longest = view.longest_ns();
    let runs: Vec<Lane> = view.runs.iter().map(|run| lane(run, longest)).collect();
    html! {
        <>
            { lanes("oom-compare-lanes", 1, view.steps, &runs) }
            <p class="oom-legend quiet">
                <svg width="10" height="10" aria-hidden="true">
                    <circle class="oom-mark" cx="5" cy="5" r="4" />
                </svg>
                { words::oom::legend_killed() }
                <svg width="10" height="10" aria-hidden="true">
                    <circle class="oom-mark oom-hollow" cx="5" cy="5" r="4" />
                </svg>
                { words::oom::legend_innocent() }
                if longest > 0 {
                    { " " }
                    <svg width="6" height="12" aria-hidden="true">
                        <line class="oom-short" x1="3" x2="3" y1="0" y2="12" />
                    </svg>
                    { words::oom::legend_short(duration(longest)) }
                }
            </p>
            { table("oom-compare-table", &view.table()) }
        </>
    }
}

fn lane(run: &PolicyRun, longest: u64) -> Lane {
    let marks = run.toll.kills.iter().map(|loss| Mark {
        step: loss.step.max(1),
        title: loss.words(),
        shape: match loss.is_innocent {
            true => Shape::Hollow,
            false => Shape::Full,
        },
        is_lit: false,
    });
    let bars = run.toll.shortages.iter().filter(|it| it.lasted_ns > 0);
    let bars = bars.map(|it| {
        let share = u128::from(it.lasted_ns) * 1000 / u128::from(longest.max(1));
        (it.step.max(1), share as u32)
    });
    Lane {
        name: run.policy.clone().into(),
        marks: marks.collect(),
        bars: bars.collect(),
    }
}
