//! One hierarchy: where it is mounted, its subsystems, and its containers as a tree, each with its
//! tasks and with what its control files say.

use std::collections::HashMap;

use labs::view::{ContainerView, ContainersView, HierarchyView, Meter, Reading, TaskDot, Unit};
use yew::{Html, classes, html};

use super::ContainerPane;
use crate::state::Action;
use crate::state::containers::{Action as Own, CONTAINERS_SHOWN};

/// Depths that are drawn apart.
const DEPTH_DRAWN: u32 = 12;

/// Draws the hierarchy at this place of the view.
pub fn column(
    view: &ContainersView,
    place: usize,
    hierarchy: &HierarchyView,
    props: &ContainerPane,
) -> Html {
    let mut inside: HashMap<u32, Vec<&TaskDot>> = HashMap::new();
    for task in &view.tasks {
        if let Some(container) = task.containers.get(place) {
            inside.entry(*container).or_default().push(task);
        }
    }
    // The container that the lit task is in, be its dot shown or not.
    let lit = props.pointed.and_then(|pid| {
        let task = view.tasks.iter().find(|task| task.pid == pid)?;
        task.containers.get(place).copied()
    });
    let rows = hierarchy.containers.iter().map(|container| {
        let tasks = inside.get(&container.id).map_or(&[][..], Vec::as_slice);
        row(hierarchy, container, tasks, lit, view.shell, props)
    });
    let label = words::containers::hierarchy(hierarchy.in_words());
    let mount = match hierarchy.mounts.is_empty() {
        true => words::containers::mounted_nowhere().to_string(),
        false => hierarchy.mounts.join(", "),
    };
    html! {
        <section class="hierarchy" key={hierarchy.id} data-hierarchy={hierarchy.id.to_string()}
            aria-label={label}>
            <div class="hierarchy-head" data-row="">
                <h3><button class="link mono opens" tabindex="-1" data-at={hierarchy.at.to_string()}
                    title={words::containers::root_hint()}>{ mount }</button></h3>
                <span class="quiet">{ &hierarchy.file_system }</span>
                <ol class="badges" aria-label={words::containers::subsystems_label()}>
                    { for hierarchy.subsystems.iter().map(|name| html! { <li class="subsystem">{ name }</li> }) }
                </ol>
                if !hierarchy.release_agent.is_empty() {
                    <span class="quiet">{ words::containers::release_agent() }
                        <span class="mono">{ &hierarchy.release_agent }</span></span>
                }
            </div>
            { window(hierarchy, props) }
            <ol class="containers">{ for rows }</ol>
        </section>
    }
}

/// The way to the containers that are not shown.
fn window(hierarchy: &HierarchyView, props: &ContainerPane) -> Html {
    let HierarchyView {
        id, before, after, ..
    } = *hierarchy;
    if before == 0 && after == 0 {
        return Html::default();
    }
    let shown = hierarchy.containers.len() as u32;
    let button = |name: &'static str, label: String, from: u32, is_off: bool| {
        let onclick = props
            .act
            .reform(move |_| Action::Containers(Own::Window(id, from)));
        html! { <button class="tool" data-window={name} disabled={is_off} {onclick}>{ label }</button> }
    };
    html! {
        <div class="dock-form windows" data-row="">
            { button("before", words::containers::before(before), before.saturating_sub(CONTAINERS_SHOWN), before == 0) }
            <span>{ words::containers::shown(before + 1, before + shown) }</span>
            { button("after", words::containers::behind(after), before + shown, after == 0) }
        </div>
    }
}

fn row(
    hierarchy: &HierarchyView,
    container: &ContainerView,
    tasks: &[&TaskDot],
    lit: Option<u32>,
    shell: u32,
    props: &ContainerPane,
) -> Html {
    let id = container.id;
    let aim = props.held.is_some_and(|held| held.over == Some(id));
    let class = classes!(
        "container",
        aim.then_some("aim"),
        (lit == Some(id)).then_some("lit"),
        (props.chosen == Some(id)).then_some("chosen"),
    );
    let left = (container.tasks as usize).saturating_sub(tasks.len());
    let dir = hierarchy.dir(container);
    let label = dir.unwrap_or_else(|| container.path.clone());
    let count = words::containers::tasks(container.tasks.into());
    let indent = container.depth.min(DEPTH_DRAWN) * 14;
    let dots = tasks.iter().map(|task| dot(task, shell, props));
    html! {
        <li key={id} {class} data-container={id.to_string()} data-tasks={container.tasks.to_string()}>
            if indent > 0 {
                <svg class="branch" width={indent.to_string()} height="24" aria-hidden="true">
                    <path d={format!("M{0} 0V12H{1}", indent - 9, indent)} />
                </svg>
            }
            <div class="container-body">
                <div class="container-head" data-row="">
                    <button class="link mono opens container-name" tabindex="-1"
                        data-at={container.at.to_string()} data-path={container.path.clone()}
                        aria-label={words::containers::container_label(&label, &count)} title={label}>
                        { container.name() }
                    </button>
                    <span class="quiet">{ &count }</span>
                    if container.notify_on_release {
                        <span class="flag" title={words::containers::notify_hint()}>
                            { words::containers::notify() }</span>
                    }
                    if container.releasable {
                        <span class="flag" title={words::containers::releasable_hint()}>
                            { words::containers::releasable() }</span>
                    }
                    <span class="dots">
                        { for dots }
                        if left > 0 { <span class="quiet">{ words::containers::more_tasks(left) }</span> }
                    </span>
                </div>
                if !container.meters.is_empty() {
                    <ul class="readings">{ for container.meters.iter().map(meter) }</ul>
                }
            </div>
        </li>
    }
}

/// A task. Its shape says its state, the console's shell has its prompt.
fn dot(task: &TaskDot, shell: u32, props: &ContainerPane) -> Html {
    let pid = task.pid;
    let state = match task.state {
        'R' => "runs",
        'S' => "sleeps",
        'Z' | 'X' => "dead",
        _ => "waits",
    };
    let class = classes!(
        "dot",
        state,
        (props.pointed == Some(pid)).then_some("lit"),
        props
            .held
            .is_some_and(|held| held.pid == pid)
            .then_some("held"),
    );
    let label = words::containers::task(pid, &task.comm, task.state_word());
    html! {
        <button key={pid} {class} tabindex="-1" data-pid={pid.to_string()} aria-label={label.clone()}
            title={label}>
            if pid == shell { { "$" } }
        </button>
    }
}

fn meter(meter: &Meter) -> Html {
    let text = meter.reading.words();
    let level = meter.reading.permille();
    // A limit that is reached, not a part that is the whole.
    let is_limit = matches!(
        meter.reading,
        Reading::Number {
            unit: Unit::Bytes | Unit::Tasks,
            ..
        }
    );
    let is_full = is_limit && level == Some(1000);
    html! {
        <li class="reading" data-file={meter.file.clone()}>
            <span class="quiet">{ &meter.file }</span>
            if let Some(level) = level {
                <svg class={classes!("bar", is_full.then_some("full"))} viewBox="0 0 1000 6"
                    preserveAspectRatio="none" aria-hidden="true">
                    <rect class="bar-room" width="1000" height="6" />
                    <rect class="bar-used" width={level.to_string()} height="6" />
                </svg>
            }
            <span class="value">{ text }</span>
        </li>
    }
}
