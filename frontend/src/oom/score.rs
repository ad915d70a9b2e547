//! A score as a waterfall: a row a rule, in the order of the rules; each bar begins where the one before
//! ended, and what it has lost or gained is drawn lighter.

use labs::view::oom::OomCandidate;
use words::looks;
use yew::{Html, html};

use super::ranking::{length, scale};
use crate::looks::legend::{Mark, SQUARE, legend};

/// The parts of a bar.
fn marks() -> [Mark; 3] {
    [
        ("bar-used", SQUARE, looks::score()),
        ("oom-gain", SQUARE, looks::score_gain()),
        ("oom-loss", SQUARE, looks::score_loss()),
    ]
}

/// The waterfall.
pub fn waterfall(candidate: &OomCandidate) -> Html {
    let factors = &candidate.factors;
    let largest = factors.iter().map(|it| it.before.max(it.after)).max();
    let largest = largest.unwrap_or(0);
    let rows = factors.iter().map(|factor| {
        let (before, after) = (
            length(factor.before, largest),
            length(factor.after, largest),
        );
        let (kept, changed) = (before.min(after), before.max(after));
        let is_gain = after > before;
        let class = if is_gain { "oom-gain" } else { "oom-loss" };
        html! {
            <tr key={factor.rule.name()} data-rule={factor.rule.name()}
                data-after={factor.after.to_string()}>
                <th scope="row">{ factor.words() }</th>
                <td class="oom-fall">
                    <svg class="bar" viewBox="0 0 1000 12" preserveAspectRatio="none"
                        aria-hidden="true">
                        <rect class="bar-room" width="1000" height="12" />
                        <rect class="bar-used" y="2" width={kept.to_string()} height="8" />
                        <rect {class} x={kept.to_string()} y="2"
                            width={(changed - kept).to_string()} height="8" />
                    </svg>
                </td>
                <td>{ factor.after }</td>
            </tr>
        }
    });
    html! {
        <>
        <table class="oom-waterfall" id="oom-waterfall">
            <caption class="unseen">{ candidate.how() }</caption>
            <thead><tr>
                <th scope="col">{ words::oom::rule() }</th>
                <th scope="col">{ words::oom::score_scale() }{ scale(largest) }</th>
                <th scope="col">{ words::oom::score() }</th>
            </tr></thead>
            <tbody>{ for rows }</tbody>
        </table>
        { legend(&marks()) }
        </>
    }
}
