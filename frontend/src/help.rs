//! The help: what this is, and every key.

use web_sys::HtmlDialogElement;
use yew::{Callback, Html, MouseEvent, NodeRef, hook, html, use_effect_with, use_node_ref};

use crate::dialog;
use crate::part::drawn_by;
use crate::state::Action;

/// Keys and what they do, by where they work.
const KEYS: &[(&str, &[(&str, &str)])] = &[
    (
        "Everywhere",
        &[
            ("Alt + ←  Alt + →", "one step back or on"),
            ("Alt + Home  Alt + End", "to the boot or the last step"),
            (
                "Alt + 1 … 9, 0",
                "console, tree, memory, slab, events, lab, containers, tasks, scheduler, oom",
            ),
            ("Alt + Enter", "check my work in the lab that is open"),
            ("?", "this help (outside the console)"),
            ("Esc", "close what is open"),
        ],
    ),
    (
        "The past",
        &[
            ("Alt + P", "play the steps, or pause"),
            ("Alt + C", "what changed"),
            (
                "Alt + M",
                "mark this step, to see what changes from here on",
            ),
            ("Alt + O", "the object that was taken apart last"),
            ("Alt + S", "search: since when does a line succeed?"),
            ("Alt + L", "put another line into the past"),
            ("Alt + V", "compare with another session"),
            ("Alt + X", "the trace as a file"),
            ("arrows", "in an object's bytes: from byte to byte"),
        ],
    ),
    (
        "Console",
        &[
            ("Enter", "run the line"),
            ("↑ ↓", "lines typed before"),
            (
                "Tab",
                "complete the word; on an empty line, go on to the next control",
            ),
            ("Ctrl + C", "drop the line and those still waiting"),
            ("Ctrl + L", "clear the screen"),
        ],
    ),
    (
        "Tree",
        &[
            ("↑ ↓ ← →", "parent, first child, siblings"),
            ("Enter", "the node's 64 slots"),
            ("+ −  0", "larger, smaller, all of it"),
            ("Shift + arrows", "move the picture"),
        ],
    ),
    (
        "Memory",
        &[
            ("arrows", "from frame to frame"),
            ("Home End", "first and last frame of the zone"),
            ("Enter", "what is in the frame"),
        ],
    ),
    (
        "Slab",
        &[
            ("Enter", "on a heading: sort; on a cache: its slabs"),
            ("arrows", "from object to object, from slab to slab"),
            ("N", "the free object that is handed out next"),
            ("Enter", "the object's bytes"),
            ("Space  ← →", "in a defragmentation: play, scene by scene"),
            ("Esc", "back"),
        ],
    ),
    (
        "Containers",
        &[
            ("arrows", "from container to container, and along its tasks"),
            ("Enter", "on a task: pick it up, then drop it where you are"),
            ("Enter", "on a container: its object, and forms for it"),
            ("Esc", "leave the task where it was"),
            (
                "Space  ← →",
                "in the callbacks of a step: play, call by call",
            ),
        ],
    ),
    (
        "Tasks",
        &[
            ("↑ ↓  Home End", "from task to task; ← to the parent"),
            ("Enter", "all about the task; on a heading: sort"),
            ("arrows", "in an address space: from page to page"),
            ("Enter", "the page's bytes"),
            ("Esc", "back to the list, then close the task"),
        ],
    ),
    (
        "Scheduler",
        &[
            ("← →", "by virtual runtime; turn by turn"),
            ("↑ ↓", "along the tree's links; CPU by CPU"),
            ("Home", "who is next"),
            ("W", "why it is next, step by step"),
            ("Enter", "a group's tree; a task's bytes"),
            ("+ −  0", "in the timeline: closer, further, all of it"),
            ("Shift + ← →", "in the timeline: earlier, later"),
        ],
    ),
    (
        "Out of memory",
        &[
            (
                "↑ ↓  Home End",
                "from candidate to candidate: each one's score",
            ),
            ("Enter", "in the question: this one dies next"),
        ],
    ),
];

#[derive(PartialEq)]
pub struct Help {
    pub open: bool,
    pub act: Callback<Action>,
}

drawn_by!(Help, use_help);

/// The help dialog. It is always in the page, so that opening it costs nothing.
#[hook]
fn use_help(props: &Help) -> Html {
    let dialog = use_node_ref();
    use_effect_with(
        (props.open, dialog.clone()),
        |(open, dialog): &(bool, NodeRef)| {
            let Some(dialog) = dialog.cast::<HtmlDialogElement>() else {
                return;
            };
            dialog::follow(&dialog, *open);
        },
    );
    let sections = KEYS.iter().map(|(place, keys)| {
        let rows = keys.iter().map(|(key, what)| {
            html! { <div><dt><kbd>{ *key }</kbd></dt><dd>{ *what }</dd></div> }
        });
        html! { <section><h3>{ *place }</h3><dl>{ for rows }</dl></section> }
    });
    let performance = props.act.reform(|event: MouseEvent| {
        event.prevent_default();
        Action::Performance(true)
    });
    let close = props.act.reform(|_| Action::Help(false));
    html! {
        <dialog ref={dialog} class="sheet help" aria-labelledby="help-title"
            onclose={dialog::closed(&props.act, || Action::Help(false))}>
            <h2 id="help-title">{ "Glass Kernel" }</h2>
            <p>{ "A small operating-system kernel runs in this page. What you type at its console
                happens in its memory, and the pictures are drawn from that memory after every line.
                Each line is a step: go back and forth, look, and go on from any of them. The same
                lines do the same, byte for byte, in the browser, on the server and on a booted
                machine. " }
                <a id="performance-link" href="#performance" onclick={performance}>
                    { "What that costs on your machine" }</a>{ "." }</p>
            <div class="keys">{ for sections }</div>
            <button class="primary" onclick={close}>{ "Close" }</button>
        </dialog>
    }
}
