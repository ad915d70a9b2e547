//! The help: what this is, and every key.

use web_sys::{HtmlDialogElement, HtmlInputElement};
use words::{help as say, looks};
use yew::{
    Callback, Event, Html, MouseEvent, NodeRef, TargetCast, hook, html, use_effect_with,
    use_node_ref,
};

use crate::callbacks::report;
use crate::dialog;
use crate::part::drawn_later_by;
use crate::state::Action;
use crate::state::looks::Action as Looks;

/// Keys and what they do, in a place where they work.
type Section = (&'static str, Vec<(&'static str, &'static str)>);

#[derive(PartialEq)]
pub struct Help {
    pub open: bool,
    /// Shortcuts work.
    pub keys: bool,
    /// Nothing moves by itself.
    pub is_still: bool,
    pub act: Callback<Action>,
}

drawn_later_by!(Help, use_help, help, |help| help.open);

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
    // What is switched off is not listed. Esc closes things in any case.
    let works =
        |key: &str| props.keys || !key.starts_with("Alt") && key != "?" && key != say::key_tab();
    let sections = keys().into_iter().map(|(place, keys)| {
        let keys = keys.into_iter().filter(|(key, _)| works(key));
        let rows = keys.map(|(key, what)| {
            html! { <div><dt><kbd>{ key }</kbd></dt><dd>{ what }</dd></div> }
        });
        html! { <section><h3>{ place }</h3><dl>{ for rows }</dl></section> }
    });
    let performance = props.act.reform(|event: MouseEvent| {
        event.prevent_default();
        Action::Performance(true)
    });
    let switch = report(&props.act, |event: Event| {
        let input = event.target_dyn_into::<HtmlInputElement>()?;
        Some(Action::Keys(input.checked()))
    });
    let close = props.act.reform(|_| Action::Help(false));
    html! {
        <dialog ref={dialog} class="sheet help" aria-labelledby="help-title"
            onclose={dialog::closed(&props.act, || Action::Help(false))}>
            <h2 id="help-title">{ "Glass Kernel" }</h2>
            <p>{ say::about() }
                <a id="performance-link" href="#performance" onclick={performance}>
                    { say::performance_link() }</a>{ "." }</p>
            <div class="actions">
                <label class="switch">
                    <input type="checkbox" id="keys-on" checked={props.keys} onchange={switch} />
                    { say::switch() }
                </label>
                <button class="tool" id="where-am-i" onclick={props.act.reform(|_| Action::Where(true))}>
                    { say::where_am_i() }
                </button>
            </div>
            <div class="keys">{ for sections }</div>
            <p class="actions">
                <button class="tool" id="motion" aria-pressed={props.is_still.to_string()}
                    onclick={props.act.reform(|_| Action::Looks(Looks::ToggleMotion))}
                    title={words::looks::motion_title()}>{ words::looks::motion() }</button>
                <button class="primary" onclick={close}>{ say::close() }</button>
            </p>
        </dialog>
    }
}

/// All keys, by where they work.
fn keys() -> [Section; 10] {
    [
        (
            say::everywhere(),
            vec![
                (say::key_steps(), say::everywhere_steps()),
                (say::key_ends(), say::everywhere_ends()),
                (say::key_panes(), say::everywhere_panes()),
                ("Alt + W", say::where_am_i()),
                (say::key_check(), say::everywhere_check()),
                (say::key_search(), say::everywhere_search()),
                (looks::key_panes(), looks::panes_key()),
                (looks::key_alone(), looks::alone_key()),
                (looks::key_hall(), looks::hall_key()),
                ("?", say::everywhere_help()),
                (say::key_escape(), say::everywhere_close()),
            ],
        ),
        (
            say::past(),
            vec![
                ("Alt + P", say::past_play()),
                ("Alt + C", say::past_changes()),
                ("Alt + M", say::past_mark()),
                ("Alt + O", say::past_object()),
                ("Alt + S", say::past_search()),
                ("Alt + L", say::past_edit()),
                ("Alt + V", say::past_compare()),
                ("Alt + X", say::past_export()),
                (say::key_arrows(), say::past_bytes()),
            ],
        ),
        (
            say::console(),
            vec![
                (say::key_enter(), say::console_run()),
                ("↑ ↓", say::console_history()),
                (say::key_tab(), say::console_complete()),
                (say::key_interrupt(), say::console_interrupt()),
                (say::key_clear(), say::console_clear()),
            ],
        ),
        (
            say::tree(),
            vec![
                ("↑ ↓ ← →", say::tree_move()),
                (say::key_enter(), say::tree_slots()),
                ("+ −  0", say::tree_zoom()),
                (say::key_shift_arrows(), say::tree_pan()),
            ],
        ),
        (
            say::memory(),
            vec![
                (say::key_arrows(), say::memory_move()),
                (say::key_home_end(), say::memory_ends()),
                (say::key_enter(), say::memory_open()),
            ],
        ),
        (
            say::slab(),
            vec![
                (say::key_enter(), say::slab_open()),
                (say::key_arrows(), say::slab_move()),
                ("N", say::slab_next()),
                (say::key_enter(), say::slab_bytes()),
                (say::key_space(), say::slab_film()),
                (say::key_escape(), say::slab_back()),
            ],
        ),
        (
            say::containers(),
            vec![
                (say::key_arrows(), say::containers_move()),
                (say::key_enter(), say::containers_pick()),
                (say::key_enter(), say::containers_open()),
                (say::key_escape(), say::containers_leave()),
                (say::key_space(), say::containers_film()),
            ],
        ),
        (
            say::tasks(),
            vec![
                (say::key_list(), say::tasks_move()),
                (say::key_enter(), say::tasks_open()),
                (say::key_arrows(), say::tasks_pages()),
                (say::key_enter(), say::tasks_bytes()),
                (say::key_escape(), say::tasks_back()),
            ],
        ),
        (
            say::scheduler(),
            vec![
                ("← →", say::scheduler_move()),
                ("↑ ↓", say::scheduler_links()),
                (say::key_home(), say::scheduler_next()),
                ("W", say::scheduler_why()),
                (say::key_enter(), say::scheduler_open()),
                ("+ −  0", say::scheduler_zoom()),
                (say::key_shift_sideways(), say::scheduler_pan()),
            ],
        ),
        (
            say::oom(),
            vec![
                (say::key_list(), say::oom_move()),
                (say::key_enter(), say::oom_pick()),
            ],
        ),
    ]
}
