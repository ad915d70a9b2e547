//! Process containers: groups of tasks, in as many hierarchies as anybody wants
//! (specs/containers_async_proc.md 1; Paul Menage's patch set of May 2007, later called cgroups).
//!
//! A *subsystem* is a part of the kernel that cares which group a task is in. A *hierarchy* is a tree
//! of containers for one or more subsystems, mounted as a file system; each subsystem is bound to one
//! hierarchy, at last to the dummy that nobody sees. Every task is in exactly one container of each
//! hierarchy; tasks that are together everywhere share a [`CssSet`], so joining a container is one
//! pointer stored.
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | the objects, and ways from one to the other |
//! | `subsys.rs` | what a subsystem may do: the trait, the table, the events of its callbacks |
//! | `css_set.rs` | where a task is in all hierarchies at once |
//! | `hierarchy.rs` | mounting: options, binding of subsystems |
//! | `tree.rs` | containers come, go and are renamed |
//! | `attach.rs` | tasks come, move and go |
//! | `release.rs` | telling somebody that a container was left |
//! | `files.rs`, `containerfs.rs` | the control files, and the file systems that show them |
//! | `proc.rs` | what `/proc` says of it |
//! | `check.rs` | the invariants |
//!
//! and a file for each subsystem; `module.rs` is one that somebody else writes. What kernels of the era did differently, the documentation of each
//! says; where nothing is said, it is 2.6.24.

mod attach;
mod check;
mod containerfs;
pub mod cpu;
pub mod cpuacct;
pub mod cpuset;
mod css_set;
mod debug;
pub mod devices;
mod files;
pub mod freezer;
mod hierarchy;
pub mod memory;
pub mod module;
#[cfg(test)]
mod module_tests;
pub mod oom;
pub mod pids;
pub(crate) mod proc;
mod release;
mod subsys;
#[cfg(test)]
mod tests;
mod tree;

pub use attach::{
    attach_task, can_fork, container_clone, exit, fork, fork_callbacks, fork_failed, post_fork,
};
pub(crate) use check::check;
pub(crate) use containerfs::{CGROUP, CONTAINER_FS, CPUSET_FS};
pub use files::{Cftype, file_prefix, parse_u64};
pub use hierarchy::hierarchies;
pub use release::{next_released, write_release_agent};
pub(crate) use subsys::write_subsystems;
pub use subsys::{
    CPU, CPUACCT, CPUSET, Callback, Callbacks, ContainerSubsystem, DEBUG, DEVICES, FREEZER, MEMORY,
    MODULE, OOM, PIDS, SUBSYSTEMS, nr_subsystems, subsystem_name,
};
pub use tree::{children, path, task_count, tasks};

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::fs::{Dentry, HashNode, HashTable, Mount};
use crate::mem::{Gfp, ListHead, Mem, Ref, layout};
use crate::slab::{self, Constructor, KmemCache};
use crate::task::Task;

/// Subsystems that a kernel may have.
pub const SUBSYS_MAX: usize = 12;

/// The static data of this module.
pub const CONTAINER: Ref<ContainerData> = Ref::of_frame(layout::CONTAINER);

/// What a subsystem keeps for a container (`container_subsys_state`). It stands first in the
/// subsystem's own object.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Css {
    /// The container.
    pub container: Ref<Container>,
    /// References that keep the container from being removed.
    pub refcnt: u32,
}

describe!(Css, "cgroup_subsys_state", [container, refcnt]);

/// A group of tasks (`struct container`, later `struct cgroup`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Container {
    /// Link in the parent's `children`, the newest in front.
    pub sibling: ListHead,
    /// Containers in this one.
    pub children: ListHead,
    /// Links to the [`CssSet`]s whose tasks are in it, through [`CgLink::container_list`].
    pub css_sets: ListHead,
    /// Link in the list of those whose release agent is to be run; NULL while it is not on it.
    pub release_list: ListHead,
    /// NULL for a hierarchy's topmost.
    pub parent: Ref<Container>,
    /// The hierarchy.
    pub root: Ref<Hierarchy>,
    /// Its directory; NULL in the dummy hierarchy.
    pub dentry: Ref<Dentry>,
    /// [`REMOVED`], [`RELEASABLE`], [`NOTIFY_ON_RELEASE`].
    pub flags: u32,
    /// Busy while above 0: sets of tasks that are in it.
    pub count: u32,
    /// Number, unique in its kernel: how views and events call it.
    pub id: u32,
    /// What each subsystem keeps for it, by the subsystem's number; NULL for those of other hierarchies.
    pub subsys: [Ref<Css>; SUBSYS_MAX],
}

describe!(
    Container,
    "cgroup",
    [
        sibling,
        children,
        css_sets,
        release_list,
        parent,
        root,
        dentry,
        flags: Kind::Hex,
        count,
        id,
        subsys
    ]
);

/// In [`Container::flags`]: its directory is gone.
pub const REMOVED: u32 = 1;
/// It was used since its agent ran.
pub const RELEASABLE: u32 = 2;
/// The agent is to be run when it is left.
pub const NOTIFY_ON_RELEASE: u32 = 4;

/// A tree of containers (`containerfs_root`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Hierarchy {
    /// Link in the list of active hierarchies, the newest in front.
    pub list: ListHead,
    /// What it is mounted as; NULL for the dummy, and for one that is active but not mounted.
    pub mount: Ref<Mount>,
    /// Its topmost container.
    pub top: Ref<Container>,
    /// Subsystems bound to it, a bit each.
    pub subsys_bits: u32,
    /// [`NOPREFIX`].
    pub flags: u32,
    /// Containers in it.
    pub number_of_containers: u32,
    /// Number, in the order of making; the dummy is 0.
    pub id: u32,
    /// The bound subsystems in the order of callbacks: a byte each, count in the first.
    pub order: [u8; 16],
    /// Page with the path of the release agent; NULL if there is none.
    pub release_agent: Ref<[u8; 8]>,
    /// [`FLAVOUR_CONTAINER`] or [`FLAVOUR_CGROUP`].
    pub flavour: u32,
}

/// In [`Hierarchy::flags`]: names of files do not begin with their subsystem's.
pub const NOPREFIX: u32 = 1;

/// In [`Hierarchy::flavour`]: the dummy.
pub const FLAVOUR_DUMMY: u32 = 0;
/// Mounted as `container`, as the article does: the patches of May 2007.
pub const FLAVOUR_CONTAINER: u32 = 1;
/// Mounted as `cgroup`, as kernels since 2.6.24 do.
pub const FLAVOUR_CGROUP: u32 = 2;

describe!(
    Hierarchy,
    "cgroupfs_root",
    [
        list,
        mount,
        top,
        subsys_bits: Kind::Hex,
        flags: Kind::Hex,
        number_of_containers,
        id,
        order,
        release_agent,
        flavour
    ]
);

/// Where a task is, in every hierarchy at once (`css_group`, later `css_set`). It never changes:
/// tasks change sets.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct CssSet {
    /// Link in the list of all sets.
    pub list: ListHead,
    /// Its tasks, through `Task::cg_list`.
    pub tasks: ListHead,
    /// Its links to containers, one a hierarchy, through [`CgLink::set_list`].
    pub cg_links: ListHead,
    /// Tasks and others that hold it.
    pub refcount: u32,
    /// Containers that it is linked to, one for each hierarchy but the dummy.
    pub nr_links: u32,
    /// Place in the table of sets, by a hash of `subsys`.
    pub(crate) node: HashNode,
    /// What each subsystem keeps for its tasks.
    pub subsys: [Ref<Css>; SUBSYS_MAX],
}

describe!(
    CssSet,
    "css_set",
    [list, tasks, cg_links, refcount, nr_links, node, subsys]
);

/// That the tasks of a set are in a container (`cg_container_link`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct CgLink {
    /// Link in [`Container::css_sets`].
    pub container_list: ListHead,
    /// Link in [`CssSet::cg_links`].
    pub set_list: ListHead,
    /// The set.
    pub set: Ref<CssSet>,
    /// The container.
    pub container: Ref<Container>,
}

describe!(
    CgLink,
    "cg_cgroup_link",
    [container_list, set_list, set, container]
);

/// What the kernel knows of containers as a whole.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct ContainerData {
    /// Active hierarchies but the dummy, the newest in front.
    pub hierarchies: ListHead,
    /// All sets, the first one in front.
    pub css_sets: ListHead,
    /// Containers that were left and whose agent is to be run, the newest in front.
    pub release_list: ListHead,
    /// Sets by what they hold.
    pub table: HashTable,
    /// Chains of the table as long as few are enough.
    first_buckets: [Ref<HashNode>; FIRST_BUCKETS],
    /// Which hierarchy each subsystem is bound to.
    pub roots: [Ref<Hierarchy>; SUBSYS_MAX],
    /// The set of tasks that are in every hierarchy's topmost container.
    pub init_css_set: Ref<CssSet>,
    /// The hierarchy of subsystems that are mounted nowhere.
    pub dummy: Ref<Hierarchy>,
    /// Sets.
    pub nr_sets: u32,
    /// Containers, those of the dummy hierarchy included.
    pub nr_containers: u32,
    /// Hierarchies but the dummy.
    pub nr_hierarchies: u32,
    /// Links between sets and containers.
    pub nr_links: u32,
    last_container: u32,
    last_hierarchy: u32,
    container_cache: Ref<KmemCache>,
    hierarchy_cache: Ref<KmemCache>,
    set_cache: Ref<KmemCache>,
    link_cache: Ref<KmemCache>,
}

/// Chains of the table of sets at boot.
const FIRST_BUCKETS: usize = 64;

const _: () = assert!(size_of::<ContainerData>() <= crate::mem::FRAME_SIZE);
const _: () = assert!(offset_of!(ContainerData, first_buckets).is_multiple_of(8));

describe!(
    ContainerData,
    "container_data",
    [
        hierarchies,
        css_sets,
        release_list,
        table,
        first_buckets,
        roots,
        init_css_set,
        dummy,
        nr_sets,
        nr_containers,
        nr_hierarchies,
        nr_links,
        last_container,
        last_hierarchy,
        container_cache,
        hierarchy_cache,
        set_cache,
        link_cache,
    ]
);

impl Hierarchy {
    /// The bound subsystems in the order of callbacks: the one bound last first, so those of one mount
    /// come in the opposite order of their numbers.
    pub fn subsystems(&self) -> impl DoubleEndedIterator<Item = usize> + use<> {
        let order = self.order;
        let count = usize::from(order[0]).min(SUBSYS_MAX);
        (1..=count).map(move |place| usize::from(order[place]))
    }
}

/// Whether the container's directory is gone, or it has none because it is in the dummy hierarchy.
pub fn is_removed(mem: &Mem, container: Ref<Container>) -> bool {
    mem[container].flags & REMOVED != 0
}

/// Whether a container is its hierarchy's topmost one.
pub fn is_root(mem: &Mem, container: Ref<Container>) -> bool {
    mem[container].parent.is_null()
}

/// The hierarchy that a subsystem is bound to, perhaps the dummy.
pub fn root_of(mem: &Mem, subsystem: usize) -> Ref<Hierarchy> {
    mem[CONTAINER].roots[subsystem]
}

/// The container of a hierarchy that a task is in.
#[inline]
pub fn task_container(mem: &Mem, task: Ref<Task>, root: Ref<Hierarchy>) -> Ref<Container> {
    // Each hierarchy has a subsystem, whose state leads to the container.
    match mem[root].subsystems().next() {
        Some(subsystem) => mem[task_css(mem, task, subsystem)].container,
        None => mem[root].top,
    }
}

/// What subsystem number `subsystem` keeps for the container that a task is in.
#[inline]
pub fn task_css(mem: &Mem, task: Ref<Task>, subsystem: usize) -> Ref<Css> {
    mem[css_set_of(mem, task)].subsys[subsystem]
}

/// A task's set; that of the topmost containers for those that were never given one.
#[inline]
fn css_set_of(mem: &Mem, task: Ref<Task>) -> Ref<CssSet> {
    match mem[task].css_set {
        set if set.is_null() => mem[CONTAINER].init_css_set,
        set => set,
    }
}

/// Sets up the dummy hierarchy, which owns every subsystem, and puts the tasks that there are into
/// it. Each subsystem makes its first state here: for a container without a parent.
///
/// # Errors
/// `ENOMEM`.
pub(crate) fn boot(mem: &mut Mem) -> Result<(), Errno> {
    for head in [
        offset_of!(ContainerData, hierarchies),
        offset_of!(ContainerData, css_sets),
        offset_of!(ContainerData, release_list),
    ] {
        mem.list_init(CONTAINER.byte_add(head));
    }
    let first = CONTAINER.byte_add(offset_of!(ContainerData, first_buckets));
    mem[CONTAINER].table = HashTable::new(first, FIRST_BUCKETS as u32);
    mem[CONTAINER].container_cache = create_cache::<Container>(mem, Container::TYPE.name)?;
    mem[CONTAINER].hierarchy_cache = create_cache::<Hierarchy>(mem, Hierarchy::TYPE.name)?;
    mem[CONTAINER].set_cache = create_cache::<CssSet>(mem, CssSet::TYPE.name)?;
    mem[CONTAINER].link_cache = create_cache::<CgLink>(mem, CgLink::TYPE.name)?;
    let dummy = hierarchy::alloc(mem, FLAVOUR_DUMMY)?;
    mem[CONTAINER].dummy = dummy;
    let module = usize::from(mem.has_module(crate::module::Kind::Subsystem));
    for number in 0..SUBSYSTEMS.len() + module {
        mem.printk(format_args!(
            "Initializing cgroup subsys {}",
            subsystem_name(number)
        ));
        let top = mem[dummy].top;
        let css = subsys::create(mem, number, top)?;
        mem[top].subsys[number] = css;
        mem[CONTAINER].roots[number] = dummy;
        hierarchy::push(mem, dummy, number);
    }
    css_set::boot(mem)?;
    attach::boot(mem);
    Ok(())
}

fn create_cache<T>(mem: &mut Mem, name: &str) -> Result<Ref<KmemCache>, Errno> {
    slab::kmem_cache_create(mem, name, size_of::<T>() as u32, 8, Constructor::None)
}

/// Allocates an object of one of the caches above, all zeroes.
fn zalloc<T: Pod>(mem: &mut Mem, cache: Ref<KmemCache>) -> Result<Ref<T>, Errno> {
    let object: Ref<T> = slab::kmem_cache_alloc(mem, cache, Gfp::KERNEL)?;
    mem[object] = T::zeroed();
    Ok(object)
}
