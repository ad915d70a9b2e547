//! Process containers: groups of tasks, in as many hierarchies as anybody wants
//! (specs/containers_async_proc.md 1; Paul Menage's patch set of May 2007, later called cgroups).
//!
//! A *subsystem* is a part of the kernel that cares which group a task is in. A *hierarchy* is a tree
//! of containers for one or more subsystems, mounted as a file system; each subsystem is bound to one
//! hierarchy, at last to the dummy that nobody sees. Every task is in exactly one container of each
//! hierarchy; tasks that are together everywhere share a [`CssSet`], so joining a container is one
//! pointer stored.

use bytemuck::{Pod, Zeroable};

use crate::btf::describe;
use crate::fs::{Dentry, Mount};
use crate::mem::{ListHead, Ref};

/// Subsystems that a kernel may have.
pub const SUBSYS_MAX: usize = 12;

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
        flags,
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
    /// `noprefix` and the like.
    pub flags: u32,
    /// Containers in it.
    pub number_of_containers: u32,
    /// Number, in the order of making; the dummy is 0.
    pub id: u32,
    /// The bound subsystems in the order of callbacks: a byte each, count in the first.
    pub order: [u8; 16],
    /// Page with the path of the release agent; NULL if there is none.
    pub release_agent: Ref<[u8; 8]>,
    /// 1 if mounted as `container`, as in the article; 2 as `cgroup`.
    pub flavour: u32,
}

describe!(
    Hierarchy,
    "cgroupfs_root",
    [
        list,
        mount,
        top,
        subsys_bits,
        flags,
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
    /// Hash of `subsys`, by which a set is found.
    pub hash: u32,
    /// What each subsystem keeps for its tasks.
    pub subsys: [Ref<Css>; SUBSYS_MAX],
}

describe!(
    CssSet,
    "css_set",
    [list, tasks, cg_links, refcount, hash, subsys]
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
