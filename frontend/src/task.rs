//! The tasks: all of them as a tree or in an order ([`list`]), and one of them with everything that it
//! owns ([`one`]), its address space ([`space`], [`plan`]) and the walk through its page tables
//! ([`walk`]).

mod list;
mod one;
mod plan;
mod space;
mod walk;

use std::rc::Rc;

use labs::view::View;
use labs::view::task::{TaskOrder, TaskView, TasksView, state_word};
use yew::{Callback, Html, MouseEvent, hook, html};

use crate::choices::Pane;
use crate::icons::{self, icon};
use crate::page::focus_in_place;
use crate::part::drawn_later_by;
use crate::state::Action;
use crate::state::inquiry::{Action as Inquiry, lit::Lit};
use crate::state::tasks::Action as Own;
use crate::table::{Panel, panel};

use list::TaskList;
use one::Looked;

#[derive(PartialEq)]
pub struct TaskPane {
    /// The window of the list.
    pub list: Option<Rc<TasksView>>,
    /// How the tasks are listed.
    pub order: TaskOrder,
    /// The other way round.
    pub is_descending: bool,
    /// The row that the keyboard is at.
    pub cursor: u32,
    /// The task that is open, by its number.
    pub open: Option<u32>,
    /// What is known of it.
    pub task: Option<Rc<TaskView>>,
    /// The same at the step that was shown before, and that step.
    pub before: Option<(u32, Rc<TaskView>)>,
    /// The address that is looked at.
    pub address: Option<u32>,
    /// Why the address that was typed is none.
    pub address_error: Option<&'static str>,
    pub lit: Rc<Lit>,
    pub as_table: bool,
    pub visible: bool,
    pub act: Callback<Action>,
}

drawn_later_by!(TaskPane, use_task_pane, task, |_| true);

/// Draws the pane.
#[hook]
fn use_task_pane(props: &TaskPane) -> Html {
    let act = &props.act;
    let empty = Rc::new(TasksView::default());
    let list = props.list.as_ref().unwrap_or(&empty);
    let (title, view): (String, Option<&dyn View>) = match (props.open, &props.task) {
        (None, _) => (words::tasks::title().into(), Some(&**list)),
        (Some(pid), Some(task)) => (format!("{pid} {}", task.row.comm), Some(&**task)),
        (Some(pid), None) => (words::tasks::task(pid), None),
    };
    let close = act.reform(|_| {
        focus_in_place("#task-grid");
        Action::Tasks(Own::Open(None))
    });
    let is_tree = props.order == TaskOrder::Tree;
    let as_tree = act.reform(|_| Action::Tasks(Own::Sort(TaskOrder::Tree)));
    let tools = html! {
        <>
            if props.open.is_some() {
                <button class="tool" id="task-back" onclick={close} aria-label={words::tasks::close()}
                    title={words::tasks::close_hint()}>{ icon(icons::RETURN) }</button>
            }
            <button class="tool" id="task-tree" aria-pressed={is_tree.to_string()} onclick={as_tree}
                title={words::tasks::tree_hint()}>{ words::tasks::tree() }</button>
        </>
    };
    let frame = Panel {
        pane: Pane::Tasks,
        title: title.into(),
        sentence: view.map_or(String::new(), View::sentence).into(),
        table: view.filter(|_| props.as_table).map(View::table),
        visible: props.visible,
        tools,
        act,
    };
    let is_picture = frame.table.is_none();
    let picture = is_picture.then(|| {
        let looked = props.open.map(|pid| match &props.task {
            Some(view) => one::one(&Looked {
                view,
                before: props.before.as_ref(),
                address: props.address,
                address_error: props.address_error,
                act,
            }),
            None => html! {
                <p class="empty" id="task-gone">
                    { words::tasks::none(pid) }
                </p>
            },
        });
        html! {
            <>
            <div class="tasks-split" data-open={props.open.map(|pid| pid.to_string())}>
                <TaskList view={list.clone()} order={props.order} is_descending={props.is_descending}
                    cursor={props.cursor} open={props.open} lit={props.lit.clone()}
                    visible={props.visible} act={act.clone()} />
                if let Some(looked) = looked {
                    <div class="task-one" id="task-one">{ looked }</div>
                }
            </div>
            if props.open.is_none() { { legend() } }
            </>
        }
    });
    panel(frame, picture.unwrap_or_default())
}

/// What the letters of the states mean.
fn legend() -> Html {
    let states = ['R', 'S', 'D', 'T', 'Z'].map(|state| {
        html! { <li><span class={list::state_class(state)}>{ state }</span>{ state_word(state) }</li> }
    });
    html! { <ul class="legend tasks-legend">{ for states }</ul> }
}

/// Opens the inspector on an object of the kernel.
fn inspect(at: u32, act: &Callback<Action>) -> Callback<MouseEvent> {
    act.reform(move |_| Action::Inquiry(Inquiry::Inspect(at)))
}

/// Opens a task.
fn open(pid: u32, act: &Callback<Action>) -> Callback<MouseEvent> {
    act.reform(move |_| Action::Tasks(Own::Open(Some(pid))))
}
