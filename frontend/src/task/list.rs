//! The list of tasks. There may be a hundred thousand, so only those in view are in the page: the room
//! is as high as all of them, and the host is asked for others when it is scrolled.

use std::rc::Rc;

use labs::view::task::{TaskOrder, TaskRow, TasksView, pages, state_word, tenths};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};
use yew::{Callback, Component, Context, Event, Html, NodeRef, Properties, classes, html};

use crate::page::focus_in_place;
use crate::state::Action;
use crate::state::inquiry::lit::Lit;
use crate::state::tasks::Action as Own;

/// The height of a row, in pixels; the style sheet says the same.
const ROW: u32 = 26;
/// Steps of a tree that are drawn; what is deeper is told as a number.
const DEPTH_MAX: u32 = 12;
/// Rows that a page of the keyboard is long.
const PAGE: u32 = 10;

/// A column of the list.
struct Column {
    /// By what it puts the tasks in order.
    order: TaskOrder,
    /// A name for it that no language changes.
    id: &'static str,
    /// Its heading, and what that means.
    texts: [words::Say; 2],
    class: &'static str,
}

/// The columns.
const COLUMNS: [Column; 10] = {
    use words::tasks::*;
    [
        column(
            TaskOrder::Name,
            "name",
            [column_name, column_name_hint],
            "task-name",
        ),
        column(TaskOrder::Pid, "pid", [column_pid, column_pid_hint], ""),
        column(
            TaskOrder::User,
            "user",
            [column_user, column_user_hint],
            "task-more",
        ),
        column(
            TaskOrder::State,
            "state",
            [column_state, column_state_hint],
            "",
        ),
        column(
            TaskOrder::Nice,
            "nice",
            [column_nice, column_nice_hint],
            "task-more",
        ),
        column(TaskOrder::Cpu, "% CPU", [column_cpu, column_cpu_hint], ""),
        column(
            TaskOrder::Time,
            "time",
            [column_time, column_time_hint],
            "task-more",
        ),
        column(
            TaskOrder::Size,
            "size",
            [column_size, column_size_hint],
            "task-more",
        ),
        column(
            TaskOrder::Resident,
            "in memory",
            [column_resident, column_resident_hint],
            "task-memory",
        ),
        column(
            TaskOrder::Threads,
            "threads",
            [column_threads, column_threads_hint],
            "task-more",
        ),
    ]
};

const fn column(
    order: TaskOrder,
    id: &'static str,
    texts: [words::Say; 2],
    class: &'static str,
) -> Column {
    Column {
        order,
        id,
        texts,
        class,
    }
}

#[derive(Properties, PartialEq)]
pub struct TaskListProps {
    /// The language in which it is drawn.
    #[prop_or_else(words::language)]
    pub language: words::Language,
    pub view: Rc<TasksView>,
    pub order: TaskOrder,
    pub is_descending: bool,
    /// The row that the keyboard is at.
    pub cursor: u32,
    /// The task that is open.
    pub open: Option<u32>,
    pub lit: Rc<Lit>,
    /// While it is hidden, nothing can be measured.
    pub visible: bool,
    pub act: Callback<Action>,
}

pub enum Message {
    Scroll,
    Key(KeyboardEvent),
}

pub struct TaskList {
    scroll: NodeRef,
    room: NodeRef,
}

impl Component for TaskList {
    type Message = Message;
    type Properties = TaskListProps;

    fn create(_: &Context<Self>) -> Self {
        TaskList {
            scroll: NodeRef::default(),
            room: NodeRef::default(),
        }
    }

    fn update(&mut self, ctx: &Context<Self>, message: Message) -> bool {
        match message {
            Message::Scroll => self.tell(ctx),
            Message::Key(event) => self.key(ctx, &event),
        }
        false
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let props = ctx.props();
        let link = ctx.link();
        let view = &props.view;
        let headings = COLUMNS.iter().enumerate().map(|(number, column)| {
            let &Column {
                order, id, class, ..
            } = column;
            let [label, title] = column.texts.map(|text| text());
            let onclick = props.act.reform(move |_| Action::Tasks(Own::Sort(order)));
            let (sorted, sign) = match (props.order == order, props.is_descending) {
                (false, _) => (None, ""),
                (true, true) => (Some("descending"), " ▾"),
                (true, false) => (Some("ascending"), " ▴"),
            };
            html! {
                <span role="columnheader" {class} aria-sort={sorted}
                    aria-colindex={(number + 1).to_string()}>
                    <button class="sort" data-order={id} {title} {onclick}>
                        { label }<span aria-hidden="true">{ sign }</span>
                    </button>
                </span>
            }
        });
        let rows = (view.before..).zip(&view.rows);
        let rows = rows.map(|(number, row)| self.row(props, number, row));
        let at = props.cursor.checked_sub(view.before);
        let at = at.and_then(|at| view.rows.get(at as usize));
        let all = view.before as usize + view.rows.len() + view.after as usize;
        html! {
            <div class="scroll task-list" ref={self.scroll.clone()} id="task-grid" tabindex="0"
                role="treegrid" aria-label={words::tasks::list()}
                aria-rowcount={(all + 1).to_string()} aria-colcount={COLUMNS.len().to_string()}
                aria-activedescendant={at.map(|row| id(row.pid))}
                data-rows={all.to_string()} data-from={view.before.to_string()}
                data-cursor={at.map(|row| row.pid.to_string())}
                onscroll={link.callback(|_: Event| Message::Scroll)}
                onkeydown={link.callback(Message::Key)}>
                <div role="row" class="task-row task-head" aria-rowindex="1">{ for headings }</div>
                <div role="rowgroup" class="task-room" ref={self.room.clone()}>{ for rows }</div>
            </div>
        }
    }

    fn rendered(&mut self, ctx: &Context<Self>, _: bool) {
        let view = &ctx.props().view;
        let all = view.before + view.rows.len() as u32 + view.after;
        if let Some(room) = self.room.cast::<HtmlElement>() {
            let pixels = |rows: u32| [&(rows * ROW).to_string(), "px"].concat();
            // The style is set through the CSSOM, which the content security policy allows.
            let _ = room.style().set_property("height", &pixels(all));
            let _ = room
                .style()
                .set_property("padding-top", &pixels(view.before));
        }
        // Less may be above than before, or more in view.
        self.tell(ctx);
    }
}

impl TaskList {
    /// Says which rows are in view.
    fn tell(&self, ctx: &Context<Self>) {
        let props = ctx.props();
        let Some(scroll) = self.scroll.cast::<Element>().filter(|_| props.visible) else {
            return;
        };
        let first = scroll.scroll_top().max(0) as u32 / ROW;
        let count = scroll.client_height().max(0) as u32 / ROW + 1;
        let view = &props.view;
        let end = view.before + view.rows.len() as u32;
        let is_here = first >= view.before && (first + count).min(end + view.after) <= end;
        if !is_here && count > 1 {
            props.act.emit(Action::Tasks(Own::View(first, count)));
        }
    }

    fn key(&self, ctx: &Context<Self>, event: &KeyboardEvent) {
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok());
        let is_ours = target.is_some_and(|target| target.id() == "task-grid");
        if !is_ours || event.alt_key() || event.ctrl_key() || event.meta_key() {
            return;
        }
        let props = ctx.props();
        let view = &props.view;
        let all = view.before + view.rows.len() as u32 + view.after;
        let last = all.saturating_sub(1);
        let row = match event.key().as_str() {
            "ArrowDown" => props.cursor + 1,
            "ArrowUp" => props.cursor.saturating_sub(1),
            "PageDown" => props.cursor + PAGE,
            "PageUp" => props.cursor.saturating_sub(PAGE),
            "Home" => 0,
            "End" => last,
            "ArrowLeft" => match self.parent(props) {
                Some(row) => row,
                None => return,
            },
            "Enter" | " " => {
                event.prevent_default();
                let at = props.cursor.checked_sub(view.before);
                if let Some(row) = at.and_then(|at| view.rows.get(at as usize)) {
                    props.act.emit(Action::Tasks(Own::Open(Some(row.pid))));
                }
                return;
            }
            "Escape" if props.open.is_some() => {
                event.prevent_default();
                props.act.emit(Action::Tasks(Own::Open(None)));
                return;
            }
            _ => return,
        };
        event.prevent_default();
        let row = row.min(last);
        props.act.emit(Action::Tasks(Own::Point(row)));
        self.reveal(row);
    }

    /// In a tree, the row below which the keyboard's is shown, if it is in the window.
    fn parent(&self, props: &TaskListProps) -> Option<u32> {
        let at = props.cursor.checked_sub(props.view.before)? as usize;
        let depth = props.view.rows.get(at)?.depth;
        let above = props.view.rows[..at].iter();
        let place = above.rev().position(|row| row.depth < depth)?;
        Some(props.cursor - place as u32 - 1)
    }

    /// Scrolls so that a row is in view.
    fn reveal(&self, row: u32) {
        let Some(scroll) = self.scroll.cast::<Element>() else {
            return;
        };
        let (top, height) = (scroll.scroll_top(), scroll.client_height());
        // The heading stays in view above the rows.
        let (from, row) = ((row * ROW) as i32, ROW as i32);
        if from < top {
            scroll.set_scroll_top(from);
        } else if from + 2 * row > top + height {
            scroll.set_scroll_top(from + 2 * row - height);
        }
    }

    fn row(&self, props: &TaskListProps, number: u32, row: &TaskRow) -> Html {
        let (pid, act) = (row.pid, &props.act);
        let is_lit = props.lit.mark_of(row.at).is_some();
        let is_open = props.open == Some(pid);
        let onclick = {
            let act = act.clone();
            Callback::from(move |_| {
                act.emit(Action::Tasks(Own::Point(number)));
                act.emit(Action::Tasks(Own::Open(Some(pid))));
                focus_in_place("#task-grid");
            })
        };
        let class = classes!(
            "task-row",
            (number == props.cursor).then_some("task-cursor"),
            is_open.then_some("task-open"),
            is_lit.then_some("lit"),
            row.is_zombie().then_some("task-ended"),
        );
        let level = (props.order == TaskOrder::Tree).then(|| (row.depth + 1).to_string());
        let cell = |class: &'static str, text: String| {
            html! { <span role="gridcell" {class}>{ text }</span> }
        };
        let permille = row.permille(props.view.now);
        let remarks = row.remarks();
        html! {
            <div key={pid} id={id(pid)} role="row" {class} {onclick} data-pid={pid.to_string()}
                aria-rowindex={(number + 2).to_string()} aria-level={level}
                aria-selected={is_open.to_string()}>
                <span role="gridcell" class="task-name">
                    if props.order == TaskOrder::Tree { { rails(row) } }
                    <span class="task-comm mono">{ &row.comm }</span>
                    if !remarks.is_empty() { <span class="task-remark">{ remarks }</span> }
                    if is_lit { <span class="sign" title={words::tasks::asked_about()}>{ " ◂" }</span> }
                </span>
                { cell("mono", pid.to_string()) }
                { cell("task-more", row.uid.to_string()) }
                <span role="gridcell" title={state_word(row.state)}>
                    <span class={state_class(row.state)}>{ row.state }</span>
                </span>
                { cell("task-more", row.nice.to_string()) }
                { cell("", tenths(permille)) }
                { cell("task-more", clock(row.time())) }
                { cell("task-more", pages(row.vsz)) }
                { cell("task-memory", pages(row.rss)) }
                { cell("task-more", row.threads.to_string()) }
            </div>
        }
    }
}

/// A time as `top` prints it: minutes, seconds and hundredths.
fn clock(ns: u64) -> String {
    let hundredths = ns / 10_000_000;
    let (seconds, rest) = (hundredths / 100, hundredths % 100);
    format!("{}:{:02}.{rest:02}", seconds / 60, seconds % 60)
}

fn id(pid: u32) -> String {
    ["task-row-", &pid.to_string()].concat()
}

/// The class of a letter of state.
pub fn state_class(state: char) -> &'static str {
    match state {
        'R' => "task-state state-r",
        'T' => "task-state state-t",
        'D' => "task-state state-d",
        'Z' | 'X' => "task-state state-z",
        _ => "task-state",
    }
}

/// The lines of the tree before a name.
fn rails(row: &TaskRow) -> Html {
    if row.depth == 0 {
        return Html::default();
    }
    if row.depth > DEPTH_MAX {
        return html! { <span class="quiet mono">{ words::tasks::deep(row.depth) }</span> };
    }
    let (path, width) = lines(row.depth, row.rails);
    let size = ["0 0 ", &width.to_string(), " 26"].concat();
    html! {
        <svg class="rails" viewBox={size} width={width.to_string()} height="26" aria-hidden="true">
            <path d={path} />
        </svg>
    }
}

/// The same as a path, and how wide it is.
fn lines(depth: u32, rails: u64) -> (String, u32) {
    const STEP: u32 = 14;
    let mut path = String::new();
    for level in 1..=depth {
        let follows = rails >> level & 1 != 0;
        let x = ((level - 1) * STEP + 7).to_string();
        if level == depth {
            path.push_str(&["M", &x, " 0V13h8"].concat());
            if follows {
                path.push_str(&["M", &x, " 13V26"].concat());
            }
        } else if follows {
            path.push_str(&["M", &x, " 0V26"].concat());
        }
    }
    (path, depth * STEP + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_off_a_clock() {
        assert_eq!(clock(9_999_999), "0:00.00");
        assert_eq!(clock(214_779_000), "0:00.21");
        assert_eq!(clock(3_661_500_000_000), "61:01.50");
    }

    #[test]
    fn a_tree_has_lines_where_others_follow() {
        // The last child of a task behind which others follow.
        assert_eq!(lines(2, 0b010), ("M7 0V26M21 0V13h8".into(), 32));
        assert_eq!(lines(1, 0b10), ("M7 0V13h8M7 13V26".into(), 18));
        assert_eq!(lines(1, 0), ("M7 0V13h8".into(), 18));
    }
}
