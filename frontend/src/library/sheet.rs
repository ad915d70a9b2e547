//! The dialog about sessions: which there are, this one's log as text, and the link to it.
//!
//! A session is its log (a line for the machine, then the console lines), so whatever one does
//! with sessions is here: going on with one, taking it along as a file, running a changed one.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{HtmlDialogElement, HtmlInputElement, HtmlTextAreaElement};
use words::library as say;
use yew::{
    AttrValue, Callback, Event, Html, TargetCast, classes, hook, html, use_effect_with,
    use_node_ref,
};

use crate::callbacks::report;
use crate::dialog;
use crate::page::read_file;
use crate::part::drawn_later_by;

use super::journal::{offer, url_with};
use crate::state::Action as PageAction;
use crate::state::library::{Action, Record, Shared, Sheet};
use crate::state::live;

/// Lines that were dropped and can come back.
#[derive(Debug, Clone, PartialEq)]
pub struct Dropped {
    /// The branch's place in the list.
    pub index: usize,
    /// The step that they came after.
    pub at: u32,
    /// How many.
    pub count: usize,
    /// The first of them.
    pub first: AttrValue,
}

/// The dialog, and what it shows.
#[derive(PartialEq)]
pub struct LibraryDialog {
    /// The open part; `None`: the dialog is closed.
    pub sheet: Option<Sheet>,
    /// All sessions, the latest first.
    pub list: Rc<Vec<Record>>,
    /// This session, if it is among them.
    pub current: Option<AttrValue>,
    /// This session's log; made only while it is shown.
    pub log: Option<Rc<Vec<u8>>>,
    /// What was dropped from this session.
    pub dropped: Vec<Dropped>,
    /// The session that was deleted last.
    pub deleted: Option<AttrValue>,
    /// What went wrong.
    pub problem: Option<AttrValue>,
    /// Why sessions are not kept.
    pub unsaved: Option<AttrValue>,
    /// The link.
    pub shared: Option<Shared>,
    /// What became of it.
    pub share_note: AttrValue,
    /// Whether the session can be shared live, and if not, why.
    pub can_share_live: Result<(), AttrValue>,
    /// Nothing may be changed.
    pub frozen: bool,
    /// Takes what happens.
    pub act: Callback<PageAction>,
}

drawn_later_by!(LibraryDialog, use_library_dialog, library, |dialog| dialog
    .sheet
    .is_some());

/// The dialog. It is always in the page; its content comes when it opens.
#[hook]
fn use_library_dialog(props: &LibraryDialog) -> Html {
    let dialog = use_node_ref();
    {
        let dialog = dialog.clone();
        use_effect_with(props.sheet.is_some(), move |open| {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                dialog::follow(&dialog, *open);
            }
        });
    }
    let act = props.act.reform(PageAction::Library);
    let problem = props.problem.as_ref().map(|problem| {
        html! { <p class="note error" role="alert">{ problem }</p> }
    });
    let content = match props.sheet {
        None => Html::default(),
        Some(Sheet::Sessions) => sessions(props, &act),
        Some(Sheet::Text) => log_text(props, &act),
        Some(Sheet::Share) => share(props, &act),
    };
    html! {
        <dialog ref={dialog} class="sheet library" id="sessions-dialog" aria-labelledby="library-title"
            onclose={dialog::closed(&props.act, || PageAction::Library(Action::Show(None)))}>
            { content }
            { for problem }
            <div class="actions">
                <button class="tool" id="sessions-close" onclick={act.reform(|_| Action::Show(None))}>
                    { say::close() }
                </button>
            </div>
        </dialog>
    }
}

/// The list of sessions and what can be done with them.
fn sessions(props: &LibraryDialog, act: &Callback<Action>) -> Html {
    let rows = props.list.iter().map(|record| row(props, record, act));
    let dropped = props.dropped.iter().rev().map(|dropped| {
        let index = dropped.index;
        let bring = act.reform(move |_| Action::BringBack(index));
        let label = say::bring_back_label(dropped.count as u64, dropped.at);
        html! {
            <li>
                { say::dropped(dropped.count as u64, dropped.at) }
                <code>{ &dropped.first }</code>
                if dropped.count > 1 { { " …" } }
                { " " }
                <button class="tool" aria-label={label} onclick={bring}>{ say::bring_back() }</button>
            </li>
        }
    });
    let import = {
        let act = act.clone();
        Callback::from(move |event: Event| {
            let act = act.clone();
            read_file(&event, move |log| act.emit(Action::Import(log)));
        })
    };
    html! {
        <>
            <h2 id="library-title">{ say::sessions() }</h2>
            { match &props.unsaved {
                None => html! {
                    <p>{ say::saved() }</p>
                },
                Some(reason) => html! {
                    <p class="note error">{ say::not_saved(reason) }</p>
                },
            } }
            if !props.list.is_empty() {
                <table class="sessions" id="sessions-table">
                    <thead><tr>
                        <th scope="col">{ say::name() }</th><th scope="col">{ say::lab() }</th>
                        <th scope="col">{ say::steps() }</th><th scope="col">{ say::last_used() }</th>
                        <th scope="col"><span class="unseen">{ say::what_to_do() }</span></th>
                    </tr></thead>
                    <tbody>{ for rows }</tbody>
                </table>
            }
            if let Some(name) = &props.deleted {
                <p class="note" role="status">
                    { say::deleted(name) }
                    <button class="tool" id="undelete" onclick={act.reform(|_| Action::Undelete)}>
                        { say::undo() }
                    </button>
                </p>
            }
            if !props.dropped.is_empty() {
                <h3>{ say::dropped_here() }</h3>
                <ul class="dropped">{ for dropped }</ul>
            }
            <div class="actions">
                if !props.frozen {
                    <button class="primary" id="session-new" onclick={act.reform(|_| Action::New)}>
                        { say::new() }
                    </button>
                    <label class="tool file">{ say::import() }
                        <input type="file" id="session-import" class="unseen" onchange={import} />
                    </label>
                }
                <button class="tool" id="session-text"
                    onclick={act.reform(|_| Action::Show(Some(Sheet::Text)))}>
                    { say::as_text() }
                </button>
                <button class="tool" id="session-export-all" disabled={props.list.is_empty()}
                    onclick={act.reform(|_| Action::ExportAll)}>{ say::export_all() }</button>
            </div>
        </>
    }
}

/// One session.
fn row(props: &LibraryDialog, record: &Record, act: &Callback<Action>) -> Html {
    let is_current = props.current.as_deref() == Some(&record.id);
    let of = |action: fn(String) -> Action| {
        let id = record.id.clone();
        act.reform(move |_| action(id.clone()))
    };
    let name = &record.name;
    // What is being typed is the browser's: whatever else happens on the page does not reset it.
    let id = record.id.clone();
    let rename = report(act, move |event: Event| {
        let field = event.target_dyn_into::<HtmlInputElement>()?;
        Some(Action::Rename(id.clone(), field.value()))
    });
    let button = |id: &'static str, word, action: fn(String) -> Action, hidden: bool| {
        html! {
            <button class="tool" data-do={id} aria-label={say::do_to(word, name)}
                onclick={of(action)} {hidden}>{ word }</button>
        }
    };
    html! {
        <tr key={record.id.clone()} class={classes!(is_current.then_some("current"))}
            aria-current={is_current.then_some("true")} data-id={record.id.clone()}>
            <td><input class="name" type="text" maxlength="100" ~defaultValue={name.clone()}
                aria-label={say::name_of(name)} onchange={rename} /></td>
            <td>{ lab_of(&record.heading) }</td>
            <td class="number">{ record.steps }</td>
            <td>{ &record.when }</td>
            <td class="deeds">
                if is_current {
                    <span class="quiet">{ say::is_open() }</span>
                } else if !props.frozen {
                    { button("open", say::open(), Action::Open, false) }
                }
                { button("duplicate", say::duplicate(), Action::Duplicate, false) }
                { button("save", say::save(), |id| Action::Export(Some(id)), false) }
                { button("delete", say::delete(), Action::Delete, props.frozen) }
            </td>
        </tr>
    }
}

/// The lab in a heading, without its version and variant.
fn lab_of(heading: &str) -> String {
    let word = heading
        .split(' ')
        .find_map(|word| word.strip_prefix("lab="));
    let id = word.and_then(|word| word.split('@').next());
    id.unwrap_or_default().to_string()
}

/// The link to this session.
fn share(props: &LibraryDialog, act: &Callback<Action>) -> Html {
    let Some(shared) = &props.shared else {
        return html! { <h2 id="library-title">{ say::making_link() }</h2> };
    };
    let url = url_with(&shared.with_step(true));
    let whole = url_with(&shared.with_step(false));
    let size = url.len();
    let is_kept = shared.fragment.starts_with("#link=");
    let share_live = {
        let page = props.act.clone();
        act.reform(move |_| {
            page.emit(PageAction::Live(live::Action::Share));
            Action::Show(None)
        })
    };
    html! {
        <>
            <h2 id="library-title">{ say::link_title() }</h2>
            <p>
                { match is_kept {
                    true => say::link_kept().to_string(),
                    false => say::link_whole(size),
                } }
                if size > 8000 && !is_kept {
                    { say::link_long() }
                }
            </p>
            <input class="link mono" id="share-link" type="text" readonly=true value={url.clone()}
                aria-label={say::the_link()} onfocus={|event: yew::FocusEvent| {
                    if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                        input.select();
                    }
                }} />
            <p id="share-note" role="status">{ &props.share_note }</p>
            <div class="actions">
                <button class="primary" id="share-copy" onclick={act.reform(|_| Action::CopyLink(true))}>
                    { say::copy_step(shared.step) }
                </button>
                <button class="tool" id="share-copy-end" data-link={whole}
                    onclick={act.reform(|_| Action::CopyLink(false))}>{ say::copy_end() }</button>
            </div>
            <h3>{ say::live() }</h3>
            <p id="live-why">
                { say::live_why() }
                if let Err(why) = &props.can_share_live { { say::not_now(why) } }
            </p>
            <div class="actions">
                <button class="tool" id="share-live" disabled={props.can_share_live.is_err()}
                    aria-describedby="live-why" onclick={share_live}>{ say::share_live() }</button>
            </div>
        </>
    }
}

/// The log as text: to read, to change, and to run another in its place.
fn log_text(props: &LibraryDialog, act: &Callback<Action>) -> Html {
    let log = props.log.clone().unwrap_or_default();
    let text = String::from_utf8_lossy(&log).into_owned();
    let save = {
        let log = log.clone();
        Callback::from(move |_| offer("session.log", &text_area().unwrap_or_else(|| log.to_vec())))
    };
    let run = props
        .act
        .reform(move |_| PageAction::LoadLog(text_area().unwrap_or_else(|| log.to_vec())));
    let onchange = {
        let act = act.clone();
        Callback::from(move |event: Event| {
            let act = act.clone();
            read_file(&event, move |log| act.emit(Action::Import(log)));
        })
    };
    html! {
        <>
            <h2 id="library-title">{ say::log() }</h2>
            <p>{ say::log_what() }</p>
            <textarea id="log-text" class="mono" rows="14" spellcheck="false" defaultvalue={text}
                autocomplete="off" aria-label={say::log_label()} />
            <div class="actions">
                if !props.frozen {
                    <button class="primary" id="log-run" onclick={run}>{ say::log_run() }</button>
                    <label class="tool file">{ say::log_file() }
                        <input type="file" id="log-file" class="unseen" {onchange} />
                    </label>
                }
                <button class="tool" id="log-save" onclick={save}>{ say::log_save() }</button>
            </div>
        </>
    }
}

/// What the text area holds, if someone changed it: a log may have bytes that no text can show, so
/// an unchanged one is better taken from where it came from.
fn text_area() -> Option<Vec<u8>> {
    let area: HtmlTextAreaElement = element("log-text")?;
    // The area's line ends are its own.
    let shown = area
        .default_value()
        .ok()?
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    let text = area.value();
    (text != shown).then(|| text.into_bytes())
}

fn element<E: JsCast>(id: &str) -> Option<E> {
    let document = web_sys::window()?.document()?;
    document.get_element_by_id(id)?.dyn_into().ok()
}
