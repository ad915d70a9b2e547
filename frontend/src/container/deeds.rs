//! What is said and done below the hierarchies: the task that is pointed at or held, the last line that
//! the picture ran, and forms for the container that was chosen. All of them only write console lines.

use labs::view::{ContainersView, HierarchyView};
use web_sys::{HtmlInputElement, SubmitEvent};
use yew::{Callback, Html, html};

use super::ContainerPane;
use crate::state::Action;
use crate::state::containers::{Action as Own, Deed, Held};

/// Draws all of it.
pub fn under(view: &ContainersView, props: &ContainerPane) -> Html {
    html! {
        <div class="containers-under">
            { forms(view, props) }
            if let Some(deed) = &props.deed { { done(deed, &props.act) } }
            <p class="mono" id="containers-under" aria-live="polite">
                if let Some(held) = props.held {
                    { carried(view, held, props) }
                } else if let Some(pid) = props.pointed {
                    { memberships(view, pid) }
                } else {
                    <span class="quiet">{ words::containers::way() }</span>
                }
            </p>
        </div>
    }
}

/// The task that is held, and what would drop it.
fn carried(view: &ContainersView, held: Held, props: &ContainerPane) -> String {
    let task = view.tasks.iter().find(|task| task.pid == held.pid);
    let name = task.map_or("", |task| &task.comm);
    let mut text = words::containers::holding(held.pid, name);
    match (&props.drop_line, held.over) {
        (Some(line), _) => {
            text.push_str(&words::containers::holding_line(line));
        }
        (None, Some(_)) => text.push_str(words::containers::holding_unmounted()),
        (None, None) => text.push_str(words::containers::holding_choose()),
    }
    text
}

/// Where a task is in every hierarchy: its `/proc/PID/container`.
fn memberships(view: &ContainersView, pid: u32) -> String {
    let Some(task) = view.tasks.iter().find(|task| task.pid == pid) else {
        return String::new();
    };
    let mut text = words::containers::task(pid, &task.comm, task.state_word());
    for (hierarchy, id) in view.hierarchies.iter().zip(&task.containers) {
        let mut containers = hierarchy.containers.iter();
        let path = containers
            .find(|it| it.id == *id)
            .map(|it| it.path.as_str());
        let path = path.unwrap_or(words::containers::not_shown());
        text.push_str(&format!(" · {}:{path}", hierarchy.subsystems.join(",")));
    }
    text
}

/// The last line, and what the console said.
fn done(deed: &Deed, act: &Callback<Action>) -> Html {
    let answer = deed.answer.as_ref();
    let refused = answer.filter(|answer| answer.is_refused);
    let state = match (answer, refused) {
        (None, _) => "waits",
        (Some(_), Some(_)) => "refused",
        (Some(_), None) => "done",
    };
    let film = act.reform(|_| {
        crate::page::focus_in_place("#calls");
        Action::Containers(Own::Film(true))
    });
    html! {
        <div class="deed" id="containers-deed" role="status" data-state={state}>
            <code><span class="quiet" aria-hidden="true">{ "# " }</span>{ &deed.line }</code>
            if let Some(answer) = answer {
                if refused.is_some() {
                    <span class="wrong">{ &answer.text }</span>
                } else {
                    <span class="right">{ words::containers::done() }</span>
                    <span>{ &answer.text }</span>
                }
                <button class="link" id="containers-why" onclick={film}>{ words::containers::call_by_call() }</button>
            }
        </div>
    }
}

/// Forms for the container that was chosen.
fn forms(view: &ContainersView, props: &ContainerPane) -> Html {
    let found = view.hierarchies.iter().find_map(|hierarchy| {
        let mut containers = hierarchy.containers.iter();
        let container = containers.find(|it| Some(it.id) == props.chosen)?;
        Some((hierarchy, container))
    });
    let Some((hierarchy, container)) = found else {
        return Html::default();
    };
    let Some(dir) = hierarchy.dir(container) else {
        return Html::default();
    };
    let act = &props.act;
    let submit = |deed: fn() -> Own| {
        act.reform(move |event: SubmitEvent| {
            event.prevent_default();
            Action::Containers(deed())
        })
    };
    let mkdir = submit(|| Own::Mkdir(take("container-name")));
    let write = submit(|| Own::Write(typed("container-file"), take("container-text")));
    let rmdir = act.reform(|_| Action::Containers(Own::Rmdir));
    let close = act.reform(|_| Action::Containers(Own::Choose(None)));
    html! {
        <div class="container-forms" id="container-forms" role="group" aria-label={words::containers::forms(&dir)}>
            <form onsubmit={mkdir}>
                <label for="container-name">{ "mkdir " }<span class="mono">{ &dir }{ "/" }</span></label>
                <input id="container-name" class="field mono" size="8" autocomplete="off"
                    autocapitalize="off" spellcheck="false" />
                <button class="tool">{ words::containers::make() }</button>
            </form>
            <form onsubmit={write}>
                <label for="container-text">{ "echo" }</label>
                <input id="container-text" class="field mono" size="8" autocomplete="off"
                    autocapitalize="off" spellcheck="false" />
                <label for="container-file">{ ">" }<span class="unseen">{ words::containers::control_file() }</span></label>
                <select id="container-file">
                    { for files(hierarchy, container.depth == 0).into_iter().enumerate().map(|(place, file)| {
                        html! { <option value={file.clone()} selected={place == 0}>{ file }</option> }
                    }) }
                </select>
                <button class="tool">{ words::containers::write() }</button>
            </form>
            if container.depth > 0 {
                <button class="tool" id="container-rmdir" onclick={rmdir}>{ "rmdir" }</button>
            }
            <button class="tool" id="container-close" onclick={close} aria-label={words::containers::close_forms()}>
                { crate::icons::icon(crate::icons::CLOSE) }</button>
        </div>
    }
}

/// Control files that can be written to, by subsystem; `true` for those of topmost containers too.
const FILES: [(&str, &[(&str, bool)]); 7] = [
    (
        "cpuset",
        &[("cpus", false), ("mems", false), ("cpu_exclusive", false)],
    ),
    ("cpu", &[("shares", true)]),
    ("cpuacct", &[("usage", true)]),
    (
        "memory",
        &[
            ("limit_in_bytes", true),
            ("force_empty", true),
            ("failcnt", true),
        ],
    ),
    ("devices", &[("allow", true), ("deny", true)]),
    ("freezer", &[("state", false)]),
    ("pids", &[("max", false)]),
];

fn files(hierarchy: &HierarchyView, is_top: bool) -> Vec<String> {
    // How the hierarchy names the files of a subsystem is seen from those that are shown.
    let all = hierarchy.containers.iter().flat_map(|it| &it.meters);
    let shown: Vec<&str> = all.map(|meter| meter.file.as_str()).collect();
    let mut files = Vec::new();
    for subsystem in &hierarchy.subsystems {
        let prefix = [subsystem, "."].concat();
        let is_long = shown.iter().any(|file| file.starts_with(&prefix));
        let known = FILES.iter().find(|(name, _)| name == subsystem);
        let known = known.map_or(&[][..], |(_, files)| files).iter();
        files.extend(
            known
                .filter(|(_, top)| *top || !is_top)
                .map(|(file, _)| match is_long {
                    true => [&prefix, *file].concat(),
                    false => (*file).to_string(),
                }),
        );
    }
    files.extend(["notify_on_release", "tasks"].map(String::from));
    if is_top {
        files.push("release_agent".to_string());
    }
    files
}

fn field(id: &str) -> Option<HtmlInputElement> {
    use wasm_bindgen::JsCast;
    let document = web_sys::window()?.document()?;
    document.get_element_by_id(id)?.dyn_into().ok()
}

/// What stands in a field.
fn typed(id: &str) -> String {
    use wasm_bindgen::JsCast;
    let document = web_sys::window().and_then(|window| window.document());
    let select = document.and_then(|document| document.get_element_by_id(id));
    let select = select.and_then(|it| it.dyn_into::<web_sys::HtmlSelectElement>().ok());
    select.map_or(String::new(), |select| select.value())
}

/// The same, and the field is empty then.
fn take(id: &str) -> String {
    let Some(field) = field(id) else {
        return String::new();
    };
    let text = field.value();
    field.set_value("");
    text
}
