//! What led to a decision in its line, and what came of it: warnings, the decision, the end of the killed.

use labs::view::duration;
use labs::view::oom::{OomDecision, OomMomentKind, moments};
use words::looks;
use yew::{Html, classes, html};

use super::what_if::table;
use crate::looks::legend::{Mark, STROKE, legend};

/// The marks above and below the line.
fn legend_marks() -> [Mark; 5] {
    [
        ("oom-moment", STROKE, looks::told()),
        ("oom-moment oom-due", STROKE, looks::due()),
        ("oom-moment oom-asked", STROKE, looks::asked()),
        ("oom-moment oom-killed", STROKE, looks::killed()),
        ("oom-moment oom-left", STROKE, looks::gone()),
    ]
}

/// The section; nothing if there was only the decision itself.
pub fn section(decision: &OomDecision) -> Html {
    if !decision.has_warnings() {
        return Html::default();
    }
    let all = &decision.moments;
    let first = all.first().map_or(0, |it| it.at_ns);
    let last = all.last().map_or(first, |it| it.at_ns);
    let whole = (last - first).max(1);
    let marks = all.iter().enumerate().map(|(number, it)| {
        // What happens at the same time stands side by side, the last of it in its place.
        let later = all[number + 1..].iter();
        let later = later.take_while(|other| other.at_ns == it.at_ns).count();
        let transform = format!("translate(-{})", later * 4);
        let place = u128::from(it.at_ns - first) * 9600 / u128::from(whole) + 200;
        let x = format!("{}%", place as f64 / 100.0);
        let (class, from, to) = match it.kind {
            OomMomentKind::Told => ("oom-told", "2", "20"),
            OomMomentKind::TimeUp | OomMomentKind::Low => ("oom-due", "6", "20"),
            OomMomentKind::Asked => ("oom-asked", "20", "38"),
            OomMomentKind::Killed => ("oom-killed", "20", "38"),
            OomMomentKind::Left => ("oom-left", "20", "32"),
        };
        html! {
            <line class={classes!("oom-moment", class)} x1={x.clone()} x2={x} y1={from} y2={to} {transform}>
                <title>{ words::told(&it.text) }</title>
            </line>
        }
    });
    html! {
        <section aria-labelledby="oom-moments-title">
            <h3 id="oom-moments-title">{ words::oom::warnings() }</h3>
            <svg class="oom-moments" id="oom-moments" width="100%" height="40" aria-hidden="true">
                <line class="oom-base" x1="0" x2="100%" y1="20" y2="20" />
                { for marks }
            </svg>
            <p class="oom-legend quiet" aria-hidden="true">
                { words::oom::warnings_legend(duration(last - first)) }
            </p>
            { legend(&legend_marks()) }
            { table("oom-moments-table", &moments(decision)) }
        </section>
    }
}
