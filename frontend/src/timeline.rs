//! Time: which step of the log is shown, and the way to any other.

use std::rc::Rc;

use labs::view::StateView;
use web_sys::HtmlInputElement;
use words::timeline as say;
use yew::{AttrValue, Callback, Html, InputEvent, TargetCast, hook, html};

use crate::callbacks::report;
use crate::icons::{self, icon};
use crate::inquiry::play::Play;
use crate::part::{drawn_by, part};
use crate::state::{Action, inquiry};
use crate::transcript::LogLine;

#[derive(PartialEq)]
pub struct Timeline {
    /// Where the kernel stands.
    pub kernel: StateView,
    /// The line of the step that is shown.
    pub line: Option<Rc<LogLine>>,
    /// The step that was asked for.
    pub target: u32,
    /// How many steps the log has.
    pub steps: u32,
    /// Lines are running, or there is no kernel: time cannot be moved.
    pub locked: bool,
    /// A kernel has been seen.
    pub known: bool,
    /// What goes on besides, e.g. a replay.
    pub activity: Option<AttrValue>,
    /// What plays the steps.
    pub play: Play,
    pub act: Callback<Action>,
}

drawn_by!(Timeline, use_timeline);

/// Draws the time control and the line of state.
#[hook]
fn use_timeline(props: &Timeline) -> Html {
    let Timeline {
        kernel,
        target,
        steps,
        locked,
        ..
    } = props;
    let (target, steps) = (*target, *steps);
    let at_start = *locked || target == 0;
    let at_end = *locked || target >= steps;
    let button = |id: &'static str,
                  label: &'static str,
                  path,
                  disabled: bool,
                  action: fn() -> Action| {
        let onclick = props.act.reform(move |_| action());
        html! {
            <button class="tool" {id} data-testid={id} aria-label={label} title={label} {disabled}
                {onclick}>{ icon(path) }</button>
        }
    };
    let oninput = report(&props.act, |event: InputEvent| {
        let slider = event.target_dyn_into::<HtmlInputElement>()?;
        slider.value().parse().ok().map(Action::Seek)
    });
    let line = match &props.line {
        Some(line) => line.typed.clone(),
        None => say::booted().to_string(),
    };
    let ask = props
        .act
        .reform(|_| Action::Inquiry(inquiry::Action::Show(Some(inquiry::Tab::Changes))));
    html! {
        <footer class="time">
            <div class="time-buttons" role="group" aria-label={say::time()}>
                { button("step-first", say::first(), icons::FIRST, at_start, || Action::Seek(0)) }
                { button("step-back", say::back(), icons::BACK, at_start, || Action::StepBy(-1)) }
                { button("step-forward", say::forward(), icons::FORWARD, at_end, || Action::StepBy(1)) }
                { button("step-last", say::last(), icons::LAST, at_end, || Action::Seek(u32::MAX)) }
                { part(props.play.clone()) }
            </div>
            <input id="step-slider" type="range" min="0" max={steps.to_string()} step="1"
                value={target.to_string()} disabled={*locked || steps == 0} {oninput}
                aria-label={say::step()} aria-valuetext={say::step_value(target, steps, &line)} />
            <button class="tool" id="ask" onclick={ask}
                title={say::ask_title()}>{ say::ask() }</button>
            <button class="tool" id="log" onclick={props.act.reform(|_| Action::ShowLog(true))}
                title={say::log_title()}>{ say::log() }</button>
            <p class="state mono" id="state-line" data-testid="state-line"
                data-step={kernel.step.to_string()} data-steps={steps.to_string()}
                data-events={kernel.events.to_string()} data-chain={format!("{:016x}", kernel.chain)}
                data-status={kernel.status.to_string()}>
                <span class="state-step">{ say::step_of(kernel.step, steps) }</span>
                <span class="state-text">
                    if let Some(activity) = &props.activity { <em>{ activity }</em> } else { { line } }
                </span>
                if kernel.powered_off { <span class="badge">{ say::powered_off() }</span> }
                <span class="state-facts" title={say::facts_title()}>
                    // A machine that traces has told of its boot; nothing is said before there is one.
                    if kernel.events == 0 && !props.known {
                    } else if kernel.events == 0 {
                        { say::no_events() }
                    } else {
                        { say::events(kernel.events, format_args!("{:016x}", kernel.chain)) }
                    }
                </span>
                <span class="state-facts">
                    { say::cpu(kernel.cpu, kernel.preempt_count) }
                </span>
            </p>
        </footer>
    }
}
