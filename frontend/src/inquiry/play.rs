//! The controls of the timeline that play the steps.

use web_sys::HtmlSelectElement;
use words::inquiry as say;
use yew::{Callback, Event, Html, TargetCast, hook, html};

use crate::callbacks::report;
use crate::icons::{self, icon};
use crate::part::drawn_by;
use crate::state::Action;
use crate::state::inquiry::Action as Own;
use crate::state::inquiry::play::Speed;

#[derive(Clone, PartialEq)]
pub struct Play {
    /// Steps are following each other.
    pub is_on: bool,
    pub speed: Speed,
    /// Time cannot be moved, or there are no steps.
    pub locked: bool,
    pub act: Callback<Action>,
}

drawn_by!(Play, use_play);

/// Draws the button and the speeds.
#[hook]
fn use_play(props: &Play) -> Html {
    let toggle = props.act.reform(|_| Action::Inquiry(Own::TogglePlay));
    let (label, path) = if props.is_on {
        (say::pause(), icons::PAUSE)
    } else {
        (say::play(), icons::PLAY)
    };
    let onchange = report(&props.act, |event: Event| {
        let select = event.target_dyn_into::<HtmlSelectElement>()?;
        let speed = Speed::from_name(&select.value())?;
        Some(Action::Inquiry(Own::SetSpeed(speed)))
    });
    let speeds = Speed::ALL.into_iter().map(|speed| {
        let name = speed.name();
        let label = match speed {
            Speed::Steps(steps) => say::speed(steps),
            Speed::Max => say::speed_max().to_string(),
        };
        html! { <option value={name} selected={speed == props.speed}>{ label }</option> }
    });
    html! {
        <>
            <button class="tool" id="play" data-testid="play" aria-label={label} title={label}
                aria-pressed={props.is_on.to_string()} disabled={props.locked} onclick={toggle}>
                { icon(path) }
            </button>
            <select id="play-speed" aria-label={say::steps_a_second()} title={say::steps_a_second()} {onchange}>
                { for speeds }
            </select>
        </>
    }
}
