//! Everything about one task.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::Kernel;
use kernel_core::container;
use kernel_core::fs::{self, Dentry};
use kernel_core::mem::{FRAME_SIZE, MEM, Mem, Ref};
use kernel_core::task::account::{self, Usage};
use kernel_core::task::{self, TASK, Task, program};

use super::{parent, row, space};
use crate::view::task::{FileRow, Ids, Kin, ProgramView, Signals, TaskView, Times};

/// Relatives of a kind that are named.
const KIN_MAX: usize = 64;

/// The task of this number, with pages of its address space from the address `from` on.
pub(crate) fn task(kernel: &Kernel, pid: u32, from: u32) -> Option<TaskView> {
    let mem = &kernel.mem;
    let task = task::find_task_by_pid(mem, pid)?;
    let own = &mem[task];
    let signal = &mem[own.signal];
    let usage = match own.is_leader() {
        true => Usage::of_process(mem, task),
        false => Usage::of_task(mem, task),
    };
    let named = |tasks: &mut dyn Iterator<Item = Ref<Task>>| -> Vec<Kin> {
        tasks.take(KIN_MAX).map(|task| kin(mem, task)).collect()
    };
    let cred = &own.cred;
    Some(TaskView {
        row: row(mem, task),
        now: mem[TASK].now,
        objects: objects(mem, task),
        parent: parent(mem, task).map(|parent| kin(mem, parent)),
        threads: named(&mut task::threads(mem, own.signal)),
        children: named(&mut task::children(mem, task)),
        nr_children: task::children(mem, task).count() as u32,
        ids: Ids {
            users: [cred.uid, cred.euid, cred.suid, cred.fsuid],
            groups: [cred.gid, cred.egid, cred.sgid, cred.fsgid],
            effective: cred.effective,
            permitted: cred.permitted,
        },
        times: Times {
            children: [signal.cutime, signal.cstime],
            faults: [usage.min_flt, usage.maj_flt],
            switches: [own.nvcsw, own.nivcsw],
        },
        pgrp: signal.pgrp,
        session: signal.session,
        policy: own.policy,
        cpus: own.cpus_allowed & ones(mem[MEM].nr_cpus),
        mems: own.mems_allowed & ones(mem[MEM].nr_nodes),
        exit_code: own.exit_code,
        signals: Signals {
            pending: own.pending,
            shared_pending: signal.shared_pending,
            blocked: own.blocked,
            ignored: signal.ignored,
            caught: signal.caught,
        },
        why: own.wait.why,
        program: running(mem, task),
        cwd: match own.pwd {
            pwd if pwd.is_null() => String::new(),
            pwd => path(mem, pwd),
        },
        files: files(mem, task),
        containers: containers(mem, task),
        mm: space::mm(mem, own.mm, from),
    })
}

/// So many bits.
fn ones(count: u32) -> u32 {
    u32::MAX >> (32 - count.clamp(1, 32))
}

/// A task by number and name.
pub(super) fn kin(mem: &Mem, task: Ref<Task>) -> Kin {
    Kin {
        pid: mem[task].pid,
        state: account::state_letter(mem, task),
        comm: mem[task].comm().to_string(),
    }
}

/// The objects that a task leads to.
fn objects(mem: &Mem, task: Ref<Task>) -> Vec<(String, u32)> {
    let own = &mem[task];
    let mut objects = Vec::from([("task_struct", task.unit())]);
    objects.extend([
        ("mm_struct", own.mm.unit()),
        ("signal_struct", own.signal.unit()),
        ("files_struct", own.files.unit()),
        ("css_set", own.css_set.unit()),
        ("process", own.program.unit()),
        ("user_struct", own.user.unit()),
        ("pwd", own.pwd.unit()),
    ]);
    if !own.program.is_null() {
        objects.push(("program_image", mem[own.program].image.unit()));
    }
    let there = objects.into_iter().filter(|(_, at)| *at != 0);
    there.map(|(name, at)| (name.to_string(), at)).collect()
}

/// The program that a task runs.
fn running(mem: &Mem, task: Ref<Task>) -> Option<ProgramView> {
    let process = mem[task].program;
    if process.is_null() {
        return None;
    }
    let process = &mem[process];
    let mut line = [0; FRAME_SIZE];
    let length = program::command_line(mem, task, &mut line);
    let words = core::str::from_utf8(&line[..length]).unwrap_or_default();
    let variables = program::variables(mem, task);
    Some(ProgramView {
        text: program::text_of(mem, process.image).to_string(),
        line: process.line,
        arguments: words.split_terminator('\0').map(String::from).collect(),
        variables: variables
            .map(|(name, value)| (name.to_string(), value))
            .collect(),
        last: process.last,
        deadline: process.deadline,
        alarm: process.alarm,
        handles: process.signal,
    })
}

/// Where a name leads, as `/proc/<pid>/fd` tells it.
fn path(mem: &Mem, dentry: Ref<Dentry>) -> String {
    let mut buffer = [0; fs::PATH_MAX];
    match fs::full_path(mem, dentry, &mut buffer) {
        Ok(path) => path.to_string(),
        Err(_) if mem[mem[dentry].inode].kind() == fs::FIFO => mem[dentry].name().to_string(),
        Err(_) => [mem[dentry].name(), " (deleted)"].concat(),
    }
}

fn files(mem: &Mem, task: Ref<Task>) -> Vec<FileRow> {
    let open = fs::descriptors(mem, task);
    open.map(|(fd, file)| FileRow {
        fd,
        at: file.unit(),
        path: path(mem, mem[file].dentry),
        flags: mem[file].flags,
        position: mem[file].position,
        count: mem[file].count,
    })
    .collect()
}

/// Where a task is in each hierarchy, the newest first.
fn containers(mem: &Mem, task: Ref<Task>) -> Vec<(String, String)> {
    let hierarchies = container::hierarchies(mem);
    hierarchies
        .map(|root| {
            let subsystems = mem[root].subsystems().map(container::subsystem_name);
            let subsystems: Vec<&str> = subsystems.collect();
            let mut place = String::new();
            // Nothing fails that is written to a text.
            let _ = container::path(mem, container::task_container(mem, task, root), &mut place);
            (subsystems.join(","), place)
        })
        .collect()
}
