//! A question of a handout: predict, then see what the kernel says.

use labs::lab::Question;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::{
    Callback, Html, NodeRef, Properties, SubmitEvent, function_component, html, use_effect_with,
    use_mut_ref, use_node_ref,
};

use std::rc::Rc;

use super::handout::inlines;
use super::outside::focus_is_lost;
use crate::state::Action;
use crate::state::lesson::{self, Answer, Outcome, Trouble};

#[derive(Properties, PartialEq)]
pub struct QuestionBoxProps {
    pub question: Question,
    /// The answer, once it is revealed.
    pub answer: Option<Answer>,
    /// Why there is none yet, after it was asked for.
    pub trouble: Option<Rc<Trouble>>,
    /// The kernel is being asked.
    pub asking: bool,
    pub act: Callback<Action>,
}

/// Draws the question. The field stays when the answer is there, so that the focus does.
#[function_component]
pub fn QuestionBox(props: &QuestionBoxProps) -> Html {
    let QuestionBoxProps {
        question, answer, ..
    } = props;
    let input = use_node_ref();
    let result = use_node_ref();
    let was_drawn = use_mut_ref(|| false);
    {
        let (input, result) = (input.clone(), result.clone());
        let is_known = answer.is_some();
        use_effect_with((is_known, props.trouble.is_some()), move |_| {
            // The button that was pressed is gone.
            if was_drawn.replace(true) && focus_is_lost() {
                focus(if is_known { &result } else { &input });
            }
        });
    }
    let reveal = {
        let (act, id, input) = (props.act.clone(), question.id.clone(), input.clone());
        Callback::from(move |anyway: bool| {
            let typed = input.cast::<HtmlInputElement>().map(|input| input.value());
            act.emit(Action::Lesson(lesson::Action::Reveal {
                question: id.clone(),
                answer: typed.unwrap_or_default(),
                anyway,
            }));
        })
    };
    let onsubmit = reveal.reform(|event: SubmitEvent| {
        event.prevent_default();
        false
    });
    let id = format!("question-{}", question.id);
    let ask = format!("{id}-ask");
    html! {
        <section class="predict" data-question={question.id.clone()} aria-labelledby={ask.clone()}>
            <p id={ask.clone()}><strong class="kind">{ "Predict. " }</strong>
                { inlines(&question.ask, &props.act) }</p>
            <form {onsubmit}>
                <input {id} ref={input} type="text" class="mono" autocomplete="off"
                    autocapitalize="off" spellcheck="false" aria-labelledby={ask}
                    placeholder={if answer.is_some() { "" } else { "your answer" }}
                    value={answer.as_ref().map(|answer| answer.given.clone())}
                    readonly={answer.is_some()} />
                if answer.is_none() {
                    <button class="tool reveal" aria-disabled={props.asking.to_string()}>
                        { "reveal" }
                    </button>
                }
            </form>
            <div role="status" class="revealed" ref={result} tabindex="-1">
                if let Some(answer) = answer {
                    { verdict(answer) }
                    <p>{ inlines(&question.explain, &props.act) }</p>
                } else if let Some(trouble) = &props.trouble {
                    { postponed(trouble, &reveal, &props.act) }
                }
            </div>
        </section>
    }
}

/// What the answer was worth, beside the kernel's.
fn verdict(answer: &Answer) -> Html {
    let (sign, words, class) = match answer.outcome {
        Outcome::Right => ("✓", "Right.", "right"),
        Outcome::Wrong => ("✗", "Not so.", "wrong"),
        Outcome::Unanswered => ("→", "Revealed without an answer.", "unanswered"),
    };
    html! {
        <>
            <p class={class} data-outcome={class}>
                <span aria-hidden="true">{ sign }{ " " }</span><strong>{ words }</strong>
            </p>
            <dl class="beside">
                if answer.outcome != Outcome::Unanswered {
                    <div><dt>{ "you said" }</dt><dd class="mono">{ &answer.given }</dd></div>
                }
                <div><dt>{ "the kernel says" }</dt><dd class="mono expected">{ &answer.expected }</dd></div>
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
            <p><span aria-hidden="true">{ "! " }</span><strong>{ "Not yet. " }</strong>
                { match (trouble.first.is_empty(), trouble.is_past) {
                    (false, _) => "These lines come before the question:",
                    (true, true) => "You are at a step before the question.",
                    (true, false) => "The kernel cannot tell at this step. It says:",
                } }
            </p>
            if !trouble.first.is_empty() {
                <ul>{ for lines }</ul>
            } else if !trouble.is_past {
                <pre class="code" tabindex="0" role="group" aria-label="the kernel's words">
                    { if trouble.said.is_empty() { "(nothing)" } else { &trouble.said } }</pre>
            }
            <div class="actions">
                if !trouble.first.is_empty() {
                    <button class="tool run-first" onclick={run}>{ "run them" }</button>
                } else if trouble.is_past {
                    <button class="tool" onclick={last}>{ "go to the last step" }</button>
                }
                if trouble.has_answer {
                    <button class="tool anyway" onclick={reveal.reform(|_| true)}>
                        { "reveal anyway" }</button>
                }
            </div>
        </>
    }
}

fn focus(node: &NodeRef) {
    if let Some(element) = node.cast::<HtmlElement>() {
        // What cannot take the focus leaves it where it is.
        let _ = element.focus();
    }
}
