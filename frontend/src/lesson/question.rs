//! A question of a handout: predict, then see what the kernel says.

use labs::lab::Question;
use words::lesson as say;
use yew::{Callback, Html, SubmitEvent, html};

use super::handout::inlines;
use super::outside::typed_into;
use crate::state::Action;
use crate::state::lesson::{self, Answer, Outcome, Trouble};

/// Draws a question with what became of it: its answer, or why there is none yet. The field stays
/// when the answer is there, so that the focus does.
pub fn question_box(
    question: &Question,
    answer: Option<&Answer>,
    trouble: Option<&Trouble>,
    is_asking: bool,
    act: &Callback<Action>,
) -> Html {
    let reveal = {
        let (act, id) = (act.clone(), question.id.clone());
        Callback::from(move |anyway: bool| {
            let typed = typed_into(&format!("question-{id}"));
            act.emit(Action::Lesson(lesson::Action::Reveal {
                question: id.clone(),
                answer: typed,
                anyway,
            }));
        })
    };
    let onsubmit = reveal.reform(|event: SubmitEvent| {
        event.prevent_default();
        false
    });
    let id = format!("question-{}", question.id);
    let (ask, result) = (format!("{id}-ask"), format!("{id}-result"));
    html! {
        <section class="predict" data-question={question.id.clone()} aria-labelledby={ask.clone()}>
            <p id={ask.clone()}><strong class="kind">{ say::predict() }</strong>
                { inlines(&question.ask, act) }</p>
            <form {onsubmit}>
                <input {id} type="text" class="mono" autocomplete="off"
                    autocapitalize="off" spellcheck="false" aria-labelledby={ask}
                    placeholder={if answer.is_some() { "" } else { say::your_answer() }}
                    value={answer.map(|answer| answer.given.clone())}
                    readonly={answer.is_some()} />
                if answer.is_none() {
                    <button class="tool reveal" aria-disabled={is_asking.to_string()}>
                        { say::reveal() }
                    </button>
                }
            </form>
            <div role="status" class="revealed" id={result} tabindex="-1">
                if let Some(answer) = answer {
                    { verdict(answer) }
                    <p>{ inlines(&question.explain, act) }</p>
                } else if let Some(trouble) = trouble {
                    { postponed(trouble, &reveal, act) }
                }
            </div>
        </section>
    }
}

/// What the answer was worth, beside the kernel's.
fn verdict(answer: &Answer) -> Html {
    let (sign, words, class) = match answer.outcome {
        Outcome::Right => ("✓", say::right(), "right"),
        Outcome::Wrong => ("✗", say::wrong(), "wrong"),
        Outcome::Unanswered => ("→", say::unanswered(), "unanswered"),
    };
    html! {
        <>
            <p class={class} data-outcome={class}>
                <span aria-hidden="true">{ sign }{ " " }</span><strong>{ words }</strong>
            </p>
            <dl class="beside">
                if answer.outcome != Outcome::Unanswered {
                    <div><dt>{ say::you_said() }</dt><dd class="mono">{ &answer.given }</dd></div>
                }
                <div><dt>{ say::kernel_says() }</dt><dd class="mono expected">{ &answer.expected }</dd></div>
            </dl>
        </>
    }
}

/// That it is too early, and what to do about it.
fn postponed(trouble: &Trouble, reveal: &Callback<bool>, act: &Callback<Action>) -> Html {
    let lines = trouble
        .first
        .iter()
        .map(|(_, line)| html! { <li><code>{ line }</code></li> });
    let commands: Vec<usize> = trouble.first.iter().map(|(command, _)| *command).collect();
    let run = act.reform(move |_| Action::Lesson(lesson::Action::Run(commands.clone())));
    let last = act.reform(|_| Action::Seek(u32::MAX));
    html! {
        <>
            <p><span aria-hidden="true">{ "! " }</span><strong>{ say::not_yet() }</strong>
                { match (trouble.first.is_empty(), trouble.is_past) {
                    (false, _) => say::lines_before(),
                    (true, true) => say::step_before(),
                    (true, false) => say::cannot_tell(),
                } }
            </p>
            if !trouble.first.is_empty() {
                <ul>{ for lines }</ul>
            } else if !trouble.is_past {
                <pre class="code" tabindex="0" role="group" aria-label={say::kernels_words()}>
                    { if trouble.said.is_empty() { say::nothing() } else { &trouble.said } }</pre>
            }
            <div class="actions">
                if !trouble.first.is_empty() {
                    <button class="tool run-first" onclick={run}>{ say::run_them() }</button>
                } else if trouble.is_past {
                    <button class="tool" onclick={last}>{ say::to_last() }</button>
                }
                if trouble.has_answer {
                    <button class="tool anyway" onclick={reveal.reform(|_| true)}>
                        { say::reveal_anyway() }</button>
                }
            </div>
        </>
    }
}
