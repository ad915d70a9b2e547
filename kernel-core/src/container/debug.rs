//! `debug`: looks into the machinery itself, and keeps nothing but what every subsystem keeps.

use core::fmt::{self, Write};

use super::{Callbacks, Cftype, Container, ContainerSubsystem, Css, css_set_of, subsys, tree};
use crate::errno::Errno;
use crate::mem::{Gfp, Mem, Ref};
use crate::slab;
use crate::task;

/// The subsystem.
pub(super) struct Debug;

impl ContainerSubsystem for Debug {
    fn name(&self) -> &'static str {
        "debug"
    }

    fn callbacks(&self) -> Callbacks {
        Callbacks::ALWAYS
    }

    fn files(&self) -> &'static [Cftype] {
        &FILES
    }

    fn create(&self, mem: &mut Mem, _: Ref<Container>) -> Result<Ref<Css>, Errno> {
        let css = slab::kmalloc(mem, size_of::<Css>() as u32, Gfp::KERNEL)?;
        Ok(css.cast())
    }

    fn destroy(&self, mem: &mut Mem, container: Ref<Container>) {
        let css: Ref<Css> = mem[container].subsys[subsys::DEBUG];
        slab::kfree(mem, css.cast());
    }
}

static FILES: [Cftype; 4] = [
    Cftype::new("cgroup_refcount", Some(refcount), None),
    Cftype::new("taskcount", Some(taskcount), None),
    Cftype::new("current_css_set", Some(current_css_set), None),
    Cftype::new("current_css_set_refcount", Some(current_refcount), None),
];

/// Sets of tasks that are in the container.
fn refcount(mem: &mut Mem, container: Ref<Container>, out: &mut dyn Write) -> fmt::Result {
    writeln!(out, "{}", mem[container].count)
}

fn taskcount(mem: &mut Mem, container: Ref<Container>, out: &mut dyn Write) -> fmt::Result {
    writeln!(out, "{}", tree::tasks(mem, container).count())
}

/// The address of the reader's set, in decimal as 2.6.24 prints it.
fn current_css_set(mem: &mut Mem, _: Ref<Container>, out: &mut dyn Write) -> fmt::Result {
    writeln!(out, "{}", css_set_of(mem, task::current(mem)).address())
}

fn current_refcount(mem: &mut Mem, _: Ref<Container>, out: &mut dyn Write) -> fmt::Result {
    let set = css_set_of(mem, task::current(mem));
    writeln!(out, "{}", mem[set].refcount)
}
