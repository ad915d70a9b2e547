//! Refuses with another error than was agreed.
//!
//! fails: limit
//! says: Device or resource busy
//! also: above, veto, sideways

use glass::*;

pub struct Ops;

/// In `mem[css].state`: tasks in the container and in those below it.
const CURRENT: usize = 0;
/// At most so many.
const MAX: usize = 1;

static FILES: [Cftype; 2] = [
    Cftype {
        name: "current",
        read_u64: |mem, container| mem[css(mem, container)].state[CURRENT],
        write_u64: None,
    },
    Cftype {
        name: "max",
        read_u64: |mem, container| mem[css(mem, container)].state[MAX],
        write_u64: Some(|mem, container, max| {
            let css = css(mem, container);
            mem[css].state[MAX] = max;
            Ok(())
        }),
    },
];

/// Whether `at` is `container`, or above it.
fn holds(mem: &Mem, at: Ref<Container>, mut container: Ref<Container>) -> bool {
    while !container.is_null() && container != at {
        container = mem[container].parent;
    }
    container == at
}

/// Whether one task more fits into a container and all above it. Those that hold `old` as well count the
/// task already.
fn fits(mem: &Mem, container: Ref<Container>, old: Ref<Container>) -> Result<(), Errno> {
    let mut at = container;
    while !at.is_null() && !holds(mem, at, old) {
        let state = mem[css(mem, at)].state;
        if state[CURRENT] >= state[MAX] {
            return Err(Errno::EBUSY);
        }
        at = mem[at].parent;
    }
    Ok(())
}

fn count_up(mem: &mut Mem, mut at: Ref<Container>) {
    while !at.is_null() {
        let css = css(mem, at);
        mem[css].state[CURRENT] += 1;
        at = mem[at].parent;
    }
}

fn count_down(mem: &mut Mem, mut at: Ref<Container>) {
    while !at.is_null() {
        let css = css(mem, at);
        mem[css].state[CURRENT] -= 1;
        at = mem[at].parent;
    }
}

impl ContainerSubsystem for Ops {
    fn files(&self) -> &'static [Cftype] {
        &FILES
    }

    fn create(&self, mem: &mut Mem, container: Ref<Container>) -> Result<(), Errno> {
        let css = css(mem, container);
        mem[css].state[MAX] = u64::MAX;
        Ok(())
    }

    fn can_attach(
        &self,
        mem: &mut Mem,
        container: Ref<Container>,
        task: Ref<Task>,
    ) -> Result<(), Errno> {
        let old = task_container(mem, task);
        fits(mem, container, old)
    }

    fn attach(&self, mem: &mut Mem, new: Ref<Container>, old: Ref<Container>, _: Ref<Task>) {
        count_up(mem, new);
        count_down(mem, old);
    }

    fn can_fork(&self, mem: &mut Mem, child: Ref<Task>) -> Result<(), Errno> {
        fits(mem, task_container(mem, child), Ref::NULL)
    }

    fn fork(&self, mem: &mut Mem, child: Ref<Task>) {
        count_up(mem, task_container(mem, child));
    }

    fn exit(&self, mem: &mut Mem, task: Ref<Task>) {
        count_down(mem, task_container(mem, task));
    }
}
