//! Who runs next, and why: the kernel's own steps, one after the other.

use labs::view::Reason;
use yew::{Callback, Html, html};

use crate::state::Action;
use crate::state::sched::Action as Own;

/// The reasons as a list; each shows what it is about in the tree.
pub fn list(cpu: u32, reasons: &[Reason], looked_at: usize, act: &Callback<Action>) -> Html {
    let items = reasons.iter().enumerate().map(|(number, reason)| {
        let onclick = act.reform(move |_| Action::Sched(Own::Why(Some((cpu, number)))));
        let is_current = number == looked_at;
        html! {
            <li>
                <button class="reason" {onclick} aria-current={is_current.then_some("step")}
                    tabindex={if is_current { "0" } else { "-1" }}>
                    { &reason.text }
                </button>
            </li>
        }
    });
    html! {
        <ol class="reasons" data-walk="li" aria-label={words::sched::why_list(cpu)}>{ for items }</ol>
    }
}
