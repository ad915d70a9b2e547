//! What is graded, what was found, and handing it in.

use labs::lab::{Check, Test, Verdict};
use words::lesson as say;
use yew::{Callback, Html, classes, html};

use super::handout::inlines;
use super::pane::LessonPane;
use crate::state::Action;
use crate::state::lesson::{self, HandIn, Receipt};

/// Draws the checks with what they found.
pub fn checks(props: &LessonPane) -> Html {
    let results = props.results.as_deref();
    let checks = props.lab.checks.iter().map(|check| {
        let verdict = results.and_then(|results| {
            results
                .verdicts
                .iter()
                .find(|verdict| verdict.id == check.id)
        });
        self::check(
            check,
            verdict,
            props.progress.hints_of(&check.id),
            &props.act,
        )
    });
    html! {
        <section class="checks" aria-labelledby="lab-results">
            <h3 id="lab-results" tabindex="-1">{ say::checks() }</h3>
            if results.is_some() && !props.fresh {
                <p class="quiet">{ say::checks_old() }</p>
            }
            <ul>{ for checks }</ul>
        </section>
    }
}

fn check(check: &Check, verdict: Option<&Verdict>, hints: usize, act: &Callback<Action>) -> Html {
    let (sign, words, class) = match verdict {
        Some(verdict) if verdict.passed => ("✓", say::check_passed(), "passed"),
        Some(_) => ("✗", say::check_failed(), "failed"),
        None => ("○", say::check_unknown(), "unknown"),
    };
    let more = check.hints.len().saturating_sub(hints);
    let id = check.id.clone();
    let hint = act.reform(move |_| Action::Lesson(lesson::Action::Hint(id.clone())));
    html! {
        <li key={check.id.clone()} class={classes!("check", class)} data-check={check.id.clone()}>
            <p class="check-head">
                <span class="state"><span aria-hidden="true">{ sign }{ " " }</span>{ words }</span>
                <span class="title">{ &check.title }</span>
                <span class="quiet points">{ points(check.points) }</span>
            </p>
            if let Some(verdict) = verdict { if !verdict.passed { { failure(check, verdict, act) } } }
            if !check.hints.is_empty() {
                <div class="hints" aria-live="polite">
                    if hints > 0 {
                        <ol>{ for check.hints.iter().take(hints).map(|hint| {
                            html! { <li>{ inlines(hint, act) }</li> }
                        }) }</ol>
                    }
                </div>
                // It stays when there is no further hint, and with it the focus.
                <button class="tool hint" onclick={hint} aria-disabled={(more == 0).to_string()}>
                    { match (hints, more) {
                        (0, _) => say::first_hint(check.hints.len()),
                        (_, 0) => say::no_more_hints().to_string(),
                        _ => say::next_hint(hints + 1, check.hints.len()),
                    } }
                </button>
            }
        </li>
    }
}

/// What should have come beside what came, and where to look.
fn failure(check: &Check, verdict: &Verdict, act: &Callback<Action>) -> Html {
    let go = verdict.step.map(|step| {
        let onclick = act.reform(move |_| Action::Lesson(lesson::Action::GoTo(step)));
        html! { <button class="tool go" data-step={step.to_string()} {onclick}>
        { say::go_to_step(step) }</button> }
    });
    html! {
        <>
            <dl class="beside">
                <div><dt>{ say::expected() }</dt><dd class="mono">{ expected(check, verdict) }</dd></div>
                <div><dt>{ say::actual() }</dt><dd class="mono">{ said(&verdict.actual) }</dd></div>
            </dl>
            <p class="why">{ &verdict.why }{ " " }{ go }</p>
        </>
    }
}

/// What should have come, without the line that was run to find out: it may name the very key that
/// the student is to work out.
fn expected<'a>(check: &Check, verdict: &'a Verdict) -> &'a str {
    let rest = match &check.test {
        Test::Final { run, .. } => verdict.expected.strip_prefix(&format!("from `{run}`: ")),
        Test::Printed { .. } | Test::Ops { .. } => None,
    };
    rest.unwrap_or(&verdict.expected)
}

fn said(text: &str) -> &str {
    match text.trim_end() {
        "" => say::nothing(),
        text => text,
    }
}

/// Draws the place where work is handed in.
pub fn hand_in(props: &LessonPane) -> Html {
    let lesson = |action: lesson::Action| props.act.reform(move |_| Action::Lesson(action.clone()));
    let is_busy = matches!(props.hand_in, HandIn::Checking | HandIn::Sent);
    let has_server = props.has_server == Some(true);
    let said = match &props.hand_in {
        HandIn::No => match &props.progress.handed_in {
            Some((receipt, score)) => html! {
                <p>{ say::handed_in_before(points(*score)) }<code>{ receipt }</code></p>
            },
            None => Html::default(),
        },
        HandIn::Checking => html! { <p>{ say::checking_first() }</p> },
        HandIn::Sent => html! { <p>{ say::replaying() }</p> },
        HandIn::Graded(receipt) => graded(receipt),
        HandIn::Refused(reason) => html! {
            <p class="wrong" data-outcome="refused"><span aria-hidden="true">{ "✗ " }</span>
                <strong>{ say::refused() }</strong>{ reason }{ "." }</p>
        },
        HandIn::Saved(name) => html! {
            <p><span aria-hidden="true">{ "✓ " }</span>{ say::saved_as() }<code>{ name }</code>
                { say::saved_what() }</p>
        },
    };
    html! {
        <section class="hand-in" aria-labelledby="hand-in-title">
            <h3 id="hand-in-title">{ say::hand_in() }</h3>
            <p class="quiet">
                { match (has_server, props.name.as_str()) {
                    (false, _) => say::no_server().to_string(),
                    (true, "") => say::not_graded().to_string(),
                    (true, name) => say::graded_for(name),
                } }
            </p>
            <div class="actions">
                if has_server && props.name.is_empty() {
                    <button class="primary" id="hand-in-name"
                        onclick={lesson(lesson::Action::AskName(Some(props.lab.id.clone())))}>
                        { say::say_who_first() }</button>
                } else if has_server {
                    <button class="primary" id="hand-in" aria-disabled={is_busy.to_string()}
                        onclick={lesson(lesson::Action::HandIn)}>{ say::hand_in() }</button>
                }
                <button class={if has_server { "tool" } else { "primary" }} id="hand-in-save"
                    onclick={lesson(lesson::Action::Save)}>{ say::save_log() }</button>
            </div>
            <div role="status" id="hand-in-said">{ said }</div>
        </section>
    }
}

fn graded(receipt: &Receipt) -> Html {
    let Receipt { id, score, max } = receipt;
    html! {
        <>
            <p class="right" data-outcome="graded"><span aria-hidden="true">{ "✓ " }</span>
                <strong>{ say::handed_in(score, points(*max)) }</strong></p>
            if !id.is_empty() { <p>{ say::receipt() }<code id="receipt">{ id }</code></p> }
        </>
    }
}

/// `1 point`, `2 points`.
pub fn points(count: u32) -> String {
    say::points(u64::from(count))
}
