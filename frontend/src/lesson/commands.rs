//! Console lines of a handout, each a button that runs it.

use words::lesson as say;
use yew::{Callback, Html, classes, html};

use crate::state::Action;
use crate::state::lesson::{self, Ran};

/// How many rows of a line's output are shown below it where the console is out of sight.
const ROWS_SHOWN: usize = 12;

/// Draws the lines, the first of which is number `first` among all of the handout; `ran` tells where
/// each of them ran. The buttons stay when their lines have run, and so does the focus.
pub fn commands(
    lines: &[String],
    first: usize,
    ran: &[Option<Ran>],
    act: &Callback<Action>,
) -> Html {
    let run = |commands: Vec<usize>| {
        act.reform(move |_| Action::Lesson(lesson::Action::Run(commands.clone())))
    };
    let buttons = lines.iter().enumerate().map(|(at, line)| {
        let ran = ran.get(at).and_then(Option::as_ref);
        html! {
            <li class={classes!(ran.map(|_| "ran"))}>
                <button class="command mono" data-line={line.clone()} onclick={run(vec![first + at])}
                    title={say::run_line_title()}>
                    <span class="unseen">{ say::run_line() }</span>
                    <span class="hash" aria-hidden="true">{ "# " }</span>{ line }
                </button>
                if let Some(ran) = ran { { mark(ran) } }
            </li>
        }
    });
    let left = (0..lines.len()).filter(|at| !matches!(ran.get(*at), Some(Some(_))));
    let left: Vec<usize> = left.map(|at| first + at).collect();
    let left_count = left.len();
    let (label, commands) = match left_count {
        0 => (say::run_all_again(), (first..first + lines.len()).collect()),
        count if count == lines.len() => (say::run_all(), left),
        _ => (say::run_rest(), left),
    };
    html! {
        <div class="commands" role="group" aria-label={say::console_lines()}>
            <ol>{ for buttons }</ol>
            if lines.len() > 1 {
                <button class="tool run-all" data-left={left_count.to_string()} onclick={run(commands)}>{ label }</button>
            }
        </div>
    }
}

/// That a line ran, and what came of it.
fn mark(ran: &Ran) -> Html {
    let report = &ran.line.report;
    let shown: Vec<&str> = ran.line.printed.lines().take(ROWS_SHOWN + 1).collect();
    let more = shown.len() > ROWS_SHOWN;
    let shown = shown[..shown.len().min(ROWS_SHOWN)].join("\n");
    html! {
        <>
            <span class="mark" title={say::has_run()}>
                <span aria-hidden="true">{ "✓ " }</span>{ say::ran(ran.step) }
            </span>
            if report.status != 0 {
                <span class="badge" title={say::status_title()}>{ say::status(report.status) }</span>
            }
            if !shown.is_empty() {
                <pre class="result narrow-only">{ shown }{ if more { "\n…" } else { "" } }</pre>
            }
        </>
    }
}
