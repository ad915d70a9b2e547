//! Memory before, during and after, as three bars on one scale.

use labs::view::duration;
use labs::view::oom::{OomDecision, OomMemory};
use yew::{Html, html};

/// What memory is used for: its name, the class of its colour, and how to read it.
type Use = (words::Say, &'static str, fn(&OomMemory) -> u32);

/// The class of what is in swap.
const SWAP: &str = "oom-swap";

const USES: [Use; 5] = [
    (words::oom::use_processes, "oom-anon", |it| it.anon),
    (words::oom::use_files, "oom-file", |it| it.file),
    (words::oom::use_kernel, "oom-kernel", |it| it.kernel),
    (words::oom::use_free, "oom-free", |it| it.free),
    (words::oom::use_swap, SWAP, |it| it.swap_used),
];

/// The bars.
pub fn bars(decision: &OomDecision) -> Html {
    let OomDecision {
        before,
        during,
        after,
        is_over,
        ..
    } = decision;
    let last = match is_over {
        true => words::oom::moment_after(),
        false => words::oom::moment_end(),
    };
    let moments = [
        (words::oom::moment_before(), before),
        (words::oom::moment_decided(), during),
        (last, after),
    ];
    let has_swap = before.swap_total > 0;
    let shown = || {
        USES.iter()
            .filter(move |it| it.2(before) > 0 || has_swap || it.1 != SWAP)
    };
    let total = u64::from(before.total.max(1)) + u64::from(before.swap_total);
    let rows = moments.map(|(name, memory)| {
        let mut x = 0;
        let parts: Vec<Html> = shown()
            .map(|(_, class, read)| {
                let width = u64::from(read(memory)) * 1000 / total;
                let at = x;
                x += width;
                html! {
                    <rect class={*class} x={at.to_string()} width={width.to_string()} height="14" />
                }
            })
            .collect();
        let cells = shown().map(|it| html! { <td>{ it.2(memory) }</td> });
        html! {
            <tr key={name} data-moment={name}>
                <th scope="row">{ name }<span class="quiet">{ " " }{ duration(memory.at_ns) }</span></th>
                <td class="oom-fall">
                    <svg class="bar oom-bar" viewBox="0 0 1000 14" preserveAspectRatio="none"
                        aria-hidden="true">
                        <rect class="bar-room" width="1000" height="14" />
                        { for parts }
                    </svg>
                </td>
                { for cells }
            </tr>
        }
    });
    let heads = shown().map(|(name, class, _)| {
        html! {
            <th scope="col">
                <svg class="oom-key" viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
                    <rect class={*class} width="10" height="10" />
                </svg>
                { name() }
            </th>
        }
    });
    html! {
        <table class="oom-memory" id="oom-memory">
            <caption class="unseen">{ words::oom::memory_caption() }</caption>
            <thead><tr>
                <th scope="col">{ words::oom::pages_column() }</th>
                <th scope="col"><span class="unseen">{ words::oom::bar() }</span></th>
                { for heads }
            </tr></thead>
            <tbody>{ for rows }</tbody>
        </table>
    }
}
