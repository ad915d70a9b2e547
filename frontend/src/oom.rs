//! Memory has run out: why that one? A decision of the OOM killer as a waterfall of a score
//! ([`score`]), a ranking ([`ranking`]), who was warned before ([`moments`]) and the memory before, during
//! and after ([`memory`]); and, before it is told who would be next, the question ([`ask`]). Then what would
//! have been: with one thing otherwise ([`what_if`]), or under other policies ([`policies`]).

mod ask;
mod lanes;
mod memory;
mod moments;
mod policies;
mod ranking;
mod score;
mod what_if;

use std::rc::Rc;

use labs::view::View;
use labs::view::oom::OomView;
use yew::{Callback, Html, hook, html};

use crate::choices::Pane;
use crate::icons::{self, icon};
use crate::part::drawn_later_by;
use crate::state::oom::Action as Own;
use crate::state::oom::ask::Questions;
use crate::state::{Action, State};
use crate::table::{Panel, panel};

#[derive(PartialEq)]
pub struct OomPane {
    pub view: Option<Rc<OomView>>,
    pub is_next: bool,
    /// Whom the student thinks it will be; 0: nobody in particular.
    pub guess: Option<u32>,
    /// Who dies next is still a question.
    pub is_asking: bool,
    pub candidate: usize,
    /// What would have been.
    pub asked: Questions,
    /// How many lines the log has.
    pub steps: u32,
    /// The past can be changed now.
    pub can_edit: bool,
    pub as_table: bool,
    pub visible: bool,
    pub act: Callback<Action>,
}

impl OomPane {
    /// The pane for a state.
    pub fn of(state: &State, as_table: bool, visible: bool, act: &Callback<Action>) -> OomPane {
        let oom = &state.oom;
        OomPane {
            view: oom.view.clone(),
            is_next: oom.is_next,
            guess: oom.guess,
            is_asking: oom.is_asking(),
            candidate: oom.candidate,
            asked: oom.asked.clone(),
            steps: state.log.len() as u32,
            can_edit: state.can_edit(),
            as_table,
            visible,
            act: act.clone(),
        }
    }
}

drawn_later_by!(OomPane, use_oom_pane, oom, |_| true);

/// Draws the pane.
#[hook]
fn use_oom_pane(props: &OomPane) -> Html {
    let OomPane {
        view,
        is_next,
        is_asking,
        act,
        ..
    } = props;
    let sentence = match view {
        Some(_) if *is_asking => words::oom::asks().to_string(),
        Some(view) => view.sentence(),
        None if *is_next => words::oom::next_nobody().to_string(),
        None => words::oom::not_yet().to_string(),
    };
    let toggle = {
        let is_next = *is_next;
        act.reform(move |_| Action::Oom(Own::Next(!is_next)))
    };
    let frame = Panel {
        pane: Pane::Oom,
        title: words::oom::title().into(),
        sentence: sentence.into(),
        table: match view {
            Some(view) if props.as_table && !is_asking => Some(view.table()),
            _ => None,
        },
        visible: props.visible,
        tools: html! {
            <button class="tool" id="oom-next" aria-pressed={is_next.to_string()} onclick={toggle}
                tabindex={view.is_none().then_some("0")}
                title={words::oom::who_next_hint()}>{ words::oom::who_next() }</button>
        },
        act,
    };
    let content = match view {
        None => nothing(*is_next, props),
        Some(view) if *is_asking => ask::question(view, act),
        Some(view) => told(view, props),
    };
    panel(
        frame,
        html! { <div class="scroll oom-scroll">{ content }</div> },
    )
}

/// There is no decision to show.
fn nothing(is_next: bool, props: &OomPane) -> Html {
    html! {
        <>
        { what_if::adopted(props) }
        <p class="empty" id="oom-nothing">
            if is_next {
                { words::oom::next_nothing() }
            } else {
                { words::oom::nothing() }<code>{ "oom trigger" }</code>
                { words::oom::nothing_trigger() }<em>{ words::oom::who_next() }</em>
                { words::oom::nothing_next() }
            }
        </p>
        if !is_next && props.steps > 0 { { policies::section(props) } }
        </>
    }
}

/// A decision.
fn told(view: &OomView, props: &OomPane) -> Html {
    let act = &props.act;
    let looked_at = view.decision.candidates.get(props.candidate);
    html! {
        <>
            { what_if::adopted(props) }
            { decisions(view, act) }
            if let Some(guess) = props.guess { { ask::verdict(view, guess) } }
            <p class="oom-why" id="oom-paragraph">{ view.paragraph() }</p>
            <div class="oom-columns">
                <section aria-labelledby="oom-ranking-title">
                    <h3 id="oom-ranking-title">{ words::oom::candidates() }</h3>
                    { ranking::ranking(view, props.candidate, act) }
                    <p class="quiet" id="oom-skipped">
                        { words::oom::passed_over(view.decision.passed_over()) }
                    </p>
                </section>
                <section aria-labelledby="oom-score-title">
                    if let Some(candidate) = looked_at {
                        <h3 id="oom-score-title">{ words::oom::score_of(candidate.task.words()) }</h3>
                        { score::waterfall(candidate) }
                    } else {
                        <h3 id="oom-score-title">{ words::oom::no_score() }</h3>
                    }
                </section>
            </div>
            { moments::section(&view.decision) }
            <section aria-labelledby="oom-memory-title">
                <h3 id="oom-memory-title">{ words::oom::memory() }</h3>
                if let Some(staged) = view.decision.staged() {
                    <p class="quiet" id="oom-staged">{ staged }</p>
                }
                { memory::bars(&view.decision) }
            </section>
            if !props.is_next {
                { what_if::section(view, props) }
                { policies::section(props) }
            }
        </>
    }
}

/// From decision to decision, where a step has several.
fn decisions(view: &OomView, act: &Callback<Action>) -> Html {
    let count = view.decisions.len() as u32;
    if count < 2 {
        return Html::default();
    }
    let to = |decision: u32| act.reform(move |_| Action::Oom(Own::Decision(decision)));
    let shown = view.shown;
    html! {
        <div class="oom-decisions">
            <button class="tool" id="oom-earlier" disabled={shown == 0} aria-label={words::oom::decision_before()}
                onclick={to(shown.saturating_sub(1))}>{ icon(icons::BACK) }</button>
            <span>{ words::oom::decision_of(shown + 1, count + view.omitted) }</span>
            <button class="tool" id="oom-later" disabled={shown + 1 >= count}
                aria-label={words::oom::decision_behind()} onclick={to(shown + 1)}>{ icon(icons::FORWARD) }</button>
        </div>
    }
}
