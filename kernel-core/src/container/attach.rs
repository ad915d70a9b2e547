//! Tasks come, move and go (specs 1.8, 1.9).

use core::fmt::Write;
use core::mem::offset_of;

use super::{
    CONTAINER, Callback, Container, RELEASABLE, css_set, css_set_of, files, root_of, subsys,
    task_container, tree,
};
use crate::errno::Errno;
use crate::fs::{self, Name};
use crate::mem::{ListHead, Mem, Ref};
use crate::task::{self, PF_EXITING, Task};
use crate::trace::Tracepoint;

fn cg_list(task: Ref<Task>) -> Ref<ListHead> {
    task.byte_add(offset_of!(Task, cg_list))
}

/// Gives the tasks that there are at boot their set, and tells subsystems of them.
pub(super) fn boot(mem: &mut Mem) {
    let mut first = 1;
    loop {
        let next = task::pid::tasks_from(mem, first).next();
        let Some(task) = next else {
            return;
        };
        first = mem[task].pid + 1;
        let set = mem[CONTAINER].init_css_set;
        css_set::get(mem, set);
        mem[task].css_set = set;
        fork_callbacks(mem, task);
        post_fork(mem, task);
    }
}

/// Moves a task into a container.
///
/// Each subsystem of the hierarchy may refuse, in the order of callbacks. Then the task's pointer
/// changes: in that moment it belongs to the new container for all of them. Nothing can fail behind it.
///
/// # Errors
/// What the first subsystem that refuses says; `ENOMEM`; `ESRCH` if the task is on its way out. The task
/// is where it was then. To be there already is no error, and nobody is asked.
pub fn attach_task(mem: &mut Mem, container: Ref<Container>, task: Ref<Task>) -> Result<(), Errno> {
    mem.prefetch(cg_list(task));
    let root = mem[container].root;
    let old = task_container(mem, task, root);
    if old == container {
        return Ok(());
    }
    for number in mem[root].subsystems() {
        subsys::can_attach(mem, number, container, old, task)?;
    }
    let old_set = mem[task].css_set;
    if old_set.is_null() || mem[task].flags & PF_EXITING != 0 {
        return Err(Errno::ESRCH);
    }
    let set = css_set::find_or_make(mem, old_set, container)?;
    // The commit point.
    mem[task].css_set = set;
    if !mem[cg_list(task)].next.is_null() {
        mem.list_del(cg_list(task));
    }
    mem.list_add(cg_list(task), css_set::tasks_head(set));
    if mem.is_traced() {
        let args = [mem[root].id, mem[container].id, mem[old].id, mem[task].pid];
        mem.emit(Tracepoint::CgroupAttachTask, args.map(u64::from));
    }
    for number in mem[root].subsystems() {
        subsys::attach(mem, number, container, old, task);
    }
    mem[old].flags |= RELEASABLE;
    css_set::put(mem, old_set, false);
    Ok(())
}

/// Gives a task a container of its own, `node_<pid>` below the one that it is in
/// (`container_clone`): what a subsystem does for a task that leaves a namespace. Nothing happens if the
/// subsystem is mounted nowhere.
///
/// # Errors
/// `EEXIST` if there is such a directory; those of `mkdir` and of [`attach_task`], which leaves the
/// directory behind.
pub fn container_clone(mem: &mut Mem, task: Ref<Task>, subsystem: usize) -> Result<(), Errno> {
    let root = root_of(mem, subsystem);
    if root == mem[CONTAINER].dummy {
        return Ok(());
    }
    let mut name = Name::EMPTY;
    write!(name, "node_{}", mem[task].pid).map_err(|_| Errno::ENAMETOOLONG)?;
    let dir = mem[task_container(mem, task, root)].dentry;
    if fs::entries(mem, dir).any(|entry| mem[entry].name() == name.text()) {
        return Err(Errno::EEXIST);
    }
    let made = tree::mkdir(mem, dir, name.text(), 0o755)?;
    let container = files::container_of(mem, made).ok_or(Errno::ENOENT)?;
    for number in mem[root].subsystems() {
        subsys::post_clone(mem, number, container);
    }
    attach_task(mem, container, task)
}

/// Puts a child where its parent is, in every hierarchy; it is not listed there yet.
///
/// Then come [`can_fork`], [`fork_callbacks`] and [`post_fork`], or [`fork_failed`] if the child will
/// never be seen.
pub fn fork(mem: &mut Mem, parent: Ref<Task>, child: Ref<Task>) {
    let set = css_set_of(mem, parent);
    css_set::get(mem, set);
    mem[child].css_set = set;
}

/// Asks the subsystems whether there may be one more task where the child is.
///
/// # Errors
/// What the first that refuses says.
pub fn can_fork(mem: &mut Mem, child: Ref<Task>) -> Result<(), Errno> {
    subsys::can_fork(mem, child)
}

/// Takes back what [`fork`] did.
pub fn fork_failed(mem: &mut Mem, child: Ref<Task>) {
    let set = core::mem::replace(&mut mem[child].css_set, Ref::NULL);
    if !set.is_null() {
        css_set::put(mem, set, false);
    }
}

/// Tells the subsystems of a child that will be seen at once. Nothing can fail any more.
pub fn fork_callbacks(mem: &mut Mem, child: Ref<Task>) {
    subsys::for_task(mem, Callback::Fork, child);
}

/// Lists a child in its containers.
pub fn post_fork(mem: &mut Mem, child: Ref<Task>) {
    let set = mem[child].css_set;
    mem.list_add(cg_list(child), css_set::tasks_head(set));
}

/// A task ends: it leaves its containers. A zombie counts as being in every topmost one, where it is not
/// listed, so that it keeps nobody from being removed.
pub fn exit(mem: &mut Mem, task: Ref<Task>) {
    let set = mem[task].css_set;
    if set.is_null() || mem[cg_list(task)].next.is_null() {
        return;
    }
    subsys::for_task(mem, Callback::Exit, task);
    mem.list_del(cg_list(task));
    mem[task].css_set = mem[CONTAINER].init_css_set;
    css_set::put(mem, set, true);
}
