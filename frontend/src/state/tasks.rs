//! The part of the page's state that is about tasks: how they are listed, which of them are on the
//! screen, which one is open, and which of its addresses is looked at.
//!
//! The list is put in order by the host, which knows all tasks; the page has a window of it and asks
//! for another when it is scrolled. The open task is asked for apart, by its number: when it is gone,
//! the page says so, and a step back finds it again.

use std::rc::Rc;

use labs::protocol::{View, ViewRequest};
use labs::view::task::{TaskOrder, TaskView, TasksView};

use super::{State, replace};
use crate::choices::Pane;

/// Rows of the list that the page has at a time.
pub const TASKS_SHOWN: u32 = 128;

/// What the page knows of it.
#[derive(Debug, Default)]
pub struct Tasks {
    /// How the tasks are listed.
    pub order: TaskOrder,
    /// The other way round.
    pub is_descending: bool,
    /// The first row of the window.
    pub from: u32,
    /// The window.
    pub list: Option<Rc<TasksView>>,
    /// The row that the keyboard is at.
    pub cursor: u32,
    /// The task that is open, by its number.
    pub open: Option<u32>,
    /// The open task, with the step at which it was seen; `None` while there is none of that number.
    pub task: Option<(u32, Rc<TaskView>)>,
    /// The same as it was at the step that was shown before.
    pub before: Option<(u32, Rc<TaskView>)>,
    /// Its pages are shown from this address on.
    pub pages_from: u32,
    /// The address that is looked at.
    pub address: Option<u32>,
    /// A sentence about an address that was typed and is none.
    pub address_error: Option<&'static str>,
}

/// What happens to it.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// List the tasks in this order, or the other way round.
    Sort(TaskOrder),
    /// These rows are in view: the first, and how many.
    View(u32, u32),
    /// The keyboard is at this row.
    Point(u32),
    /// Open the task of this number, or close the open one.
    Open(Option<u32>),
    /// Look at this address.
    Address(u32),
    /// Look at an address that was typed.
    Typed(String),
    /// Show pages from this address on.
    Pages(u32),
}

/// What is first when the tasks are first put in this order: the largest number, or the first name.
fn begins_with_largest(order: TaskOrder) -> bool {
    matches!(
        order,
        TaskOrder::Cpu
            | TaskOrder::Time
            | TaskOrder::Size
            | TaskOrder::Resident
            | TaskOrder::Threads
    )
}

impl Tasks {
    /// The order after this one was chosen.
    fn sort(&mut self, order: TaskOrder) {
        self.is_descending = match self.order == order {
            true => !self.is_descending && order != TaskOrder::Tree,
            false => begins_with_largest(order),
        };
        self.order = order;
        self.from = 0;
        self.cursor = 0;
    }

    /// Rows of the whole list.
    pub fn rows(&self) -> u32 {
        let list = self.list.as_ref();
        list.map_or(0, |list| list.before + list.rows.len() as u32 + list.after)
    }

    /// Rows `first` and so many behind it are in view: whether another window is needed, which then
    /// has as much before as behind them.
    fn looks(&mut self, first: u32, count: u32) -> bool {
        let Some(list) = &self.list else {
            return false;
        };
        let last = (first + count).min(self.rows());
        let end = list.before + list.rows.len() as u32;
        if first >= list.before && last <= end {
            return false;
        }
        let from = first.saturating_sub(TASKS_SHOWN.saturating_sub(count) / 2);
        std::mem::replace(&mut self.from, from) != from
    }

    /// What is known of the open task.
    pub fn seen(&self) -> Option<&Rc<TaskView>> {
        self.task.as_ref().map(|(_, view)| view)
    }

    /// Takes the open task as it is at a step.
    fn see(&mut self, step: u32, view: TaskView) {
        match &mut self.task {
            Some((seen, old)) if *seen == step => {
                // Other pages of it, at most.
                if **old != view {
                    *old = Rc::new(view);
                }
            }
            Some((seen, old)) if **old == view => {
                self.before = Some((*seen, old.clone()));
                *seen = step;
            }
            slot => self.before = slot.replace((step, Rc::new(view))),
        }
    }

    /// Another log takes the place of this one.
    pub(super) fn reset(&mut self) {
        *self = Tasks {
            order: self.order,
            is_descending: self.is_descending,
            ..Tasks::default()
        };
    }
}

/// The address that a text means: hexadecimal, with or without `0x`, below the kernel's addresses.
fn parse(text: &str) -> Result<u32, &'static str> {
    let digits = text.trim();
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    match u32::from_str_radix(digits, 16) {
        Ok(address) if address < 0xc000_0000 && !digits.starts_with('+') => Ok(address),
        Ok(_) if !digits.starts_with('+') => Err(words::tasks::address_of_kernel()),
        _ => Err(words::tasks::no_address()),
    }
}

impl State {
    pub(super) fn apply_tasks(&mut self, action: Action) {
        let tasks = &mut self.tasks;
        match action {
            Action::Sort(order) => {
                tasks.sort(order);
                self.stale.lower = true;
            }
            Action::View(first, count) => self.stale.lower |= tasks.looks(first, count),
            Action::Point(row) => tasks.cursor = row,
            Action::Open(open) => {
                if tasks.open != open {
                    tasks.open = open;
                    (tasks.task, tasks.before) = (None, None);
                    (tasks.address, tasks.pages_from) = (None, 0);
                    tasks.address_error = None;
                    self.stale.task = open.is_some();
                }
            }
            Action::Address(address) => {
                tasks.address = Some(address);
                tasks.address_error = None;
            }
            Action::Typed(text) => match parse(&text) {
                Ok(address) => {
                    tasks.address = Some(address);
                    tasks.address_error = None;
                }
                Err(reason) => tasks.address_error = Some(reason),
            },
            Action::Pages(from) => {
                tasks.pages_from = from;
                self.stale.task = true;
            }
        }
    }

    /// The list, while the pane shows it.
    pub(super) fn tasks_request(&self) -> ViewRequest {
        ViewRequest::Tasks {
            order: self.tasks.order,
            is_descending: self.tasks.is_descending,
            from: self.tasks.from,
            max: TASKS_SHOWN,
        }
    }

    /// The open task, while the pane shows it.
    pub(super) fn task_request(&self) -> Option<ViewRequest> {
        let pid = self.tasks.open?;
        self.shows(Pane::Tasks).then_some(ViewRequest::Task {
            pid,
            from: self.tasks.pages_from,
        })
    }

    /// Takes the answer to a request of this part.
    pub(super) fn tasks_viewed(&mut self, wanted: ViewRequest, view: Option<View>) {
        let tasks = &mut self.tasks;
        match (wanted, view) {
            (ViewRequest::Tasks { .. }, Some(View::Tasks(view))) => {
                let is_beyond = view.rows.is_empty() && view.before > 0;
                if is_beyond {
                    // There are fewer tasks now: the last of them, then.
                    tasks.from = view.before.saturating_sub(TASKS_SHOWN);
                    self.stale.lower = true;
                }
                replace(&mut tasks.list, *view);
                tasks.cursor = tasks.cursor.min(tasks.rows().saturating_sub(1));
            }
            (ViewRequest::Task { pid, .. }, view) if tasks.open == Some(pid) => match view {
                Some(View::Task(view)) => tasks.see(self.kernel.step, *view),
                _ => (tasks.task, tasks.before) = (None, None),
            },
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
