//! `memory`: how many pages of memory a container's processes may have (specs 1.14; 2.6.25).
//!
//! A page is charged to the container of the process that first needs it, and stays so until it is free,
//! wherever its users move; the page's descriptor remembers who pays ([`Page::payer`]). So whoever reads a
//! file first pays for its pages in the page cache, and all others read them for nothing. At a charge above
//! the limit, which `failcnt` counts, the container's clean pages of files are dropped; if there are none,
//! others of its pages go to the swap device; and if that does not help, one of its tasks is killed. What is
//! on the device is charged to nobody.
//!
//! 2.6.28 keeps lists of its own for each container. Here its pages are those of the zones' lists that it pays
//! for, which come in the same order.

use core::fmt::{self, Write};

use bytemuck::{Pod, Zeroable};

use super::subsys::{MEMORY, free_state, new_state, state};
use super::{
    Callback, Callbacks, Cftype, Container, ContainerSubsystem, Css, is_root, task_css, tree,
};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::reclaim::{self, Lru};
use crate::mem::{FRAME_SIZE, Gfp, Mem, Page, PageFlag, Ref};
use crate::oom::{self, badness::OOM_DISABLE};
use crate::task::mm::Mm;
use crate::task::{self, TASK, Task, Tif};
use crate::trace::Tracepoint;

/// The subsystem.
pub(super) struct MemorySubsystem;

/// What it keeps for a container (`struct mem_cgroup`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct MemCgroup {
    /// The container.
    pub css: Css,
    /// At most so many bytes: a multiple of a page, or [`NO_LIMIT`].
    pub limit: u64,
    /// Pages charged.
    pub usage: u32,
    /// The most that there were.
    pub max_usage: u32,
    /// Charges that failed.
    pub failcnt: u32,
    /// Pages of `usage` that hold files.
    pub cache: u32,
    /// Pages charged since it was made.
    pub pgpgin: u64,
    /// Pages uncharged.
    pub pgpgout: u64,
}

describe!(
    MemCgroup,
    "mem_cgroup",
    [css, limit: Kind::Hex, usage, max_usage, failcnt, cache, pgpgin, pgpgout]
);

/// `2^63 - 1` bytes.
pub const NO_LIMIT: u64 = i64::MAX as u64;
const PAGE: u64 = FRAME_SIZE as u64;

fn memory_of(mem: &Mem, container: Ref<Container>) -> Ref<MemCgroup> {
    state(mem, container, MEMORY)
}

/// Rounds of reclaim that free nothing before somebody is killed (`MEM_CGROUP_RECLAIM_RETRIES`).
const RETRIES: u32 = 5;
/// Lives that a page may cost at most where nobody can wait for what they free.
const LIVES: u32 = 16;

/// Whoever pays for an address space pays for one more page of it, which is nobody's yet. Above the limit,
/// pages of the container are reclaimed first; then one of its tasks is killed.
///
/// # Errors
/// `ENOMEM` if that would still exceed the limit; `ERESTARTSYS` if the call is to be made again when
/// whoever was killed has ended.
pub fn charge(mem: &mut Mem, mm: Ref<Mm>, page: Ref<Page>) -> Result<(), Errno> {
    // Whoever lives there and needs it now; for one that is being made, whom it is made for.
    let current = task::current(mem);
    let owner = match mem[mm].owner {
        owner if mem[current].mm == mm || owner.is_null() => current,
        owner => owner,
    };
    charge_task(mem, owner, page)
}

/// The same for a page that is about to go into the page cache: whoever brings it in pays
/// (`mem_cgroup_cache_charge`). The kernel's own threads pay for nothing.
///
/// # Errors
/// As [`charge`].
pub fn charge_cache(mem: &mut Mem, page: Ref<Page>) -> Result<(), Errno> {
    let current = task::current(mem);
    if current.is_null() || mem[current].is_kernel_thread() {
        return Ok(());
    }
    let mm = mem[current].mm;
    let owner = match mm.is_null() {
        true => current,
        false => Some(mem[mm].owner)
            .filter(|owner| !owner.is_null())
            .unwrap_or(current),
    };
    charge_task(mem, owner, page)
}

/// Charges a page to the container that a task is in.
fn charge_task(mem: &mut Mem, owner: Ref<Task>, page: Ref<Page>) -> Result<(), Errno> {
    let css = task_css(mem, owner, MEMORY);
    if css.is_null() {
        return Ok(());
    }
    let memory: Ref<MemCgroup> = css.cast();
    if is_full(mem, memory) {
        let MemCgroup { usage, limit, .. } = mem[memory];
        mem[memory].failcnt += 1;
        let container = mem[css].container;
        let (id, pid) = (mem[container].id, mem[owner].pid);
        let [id, pid, usage] = [id, pid, usage].map(u64::from);
        let event = [MEMORY as u64, id, pid, 1, usage, limit / PAGE];
        mem.trace(Tracepoint::CgroupLimit, event);
        make_room(mem, memory)?;
        // Who is dying to free memory gets what it needs for that, and nobody pays (2.6.29).
        if is_full(mem, memory) {
            return Ok(());
        }
    }
    let cgroup = &mut mem[memory];
    cgroup.usage += 1;
    cgroup.max_usage = cgroup.max_usage.max(cgroup.usage);
    cgroup.pgpgin += 1;
    mem[memory].cache += u32::from(mem[page].is(PageFlag::PageCache));
    mem[page].set_payer(memory);
    Ok(())
}

/// Whether one more page would exceed a container's limit.
fn is_full(mem: &Mem, memory: Ref<MemCgroup>) -> bool {
    let MemCgroup { usage, limit, .. } = mem[memory];
    (u64::from(usage) + 1) * PAGE > limit
}

/// Gets a container below its limit, unless the current task is dying.
fn make_room(mem: &mut Mem, memory: Ref<MemCgroup>) -> Result<(), Errno> {
    for _ in 0..LIVES {
        let current = task::current(mem);
        if mem[current].has(Tif::MemDie) {
            return Ok(());
        }
        reclaim_below(mem, memory, |mem| !is_full(mem, memory));
        if !is_full(mem, memory) {
            return Ok(());
        }
        // What a command of the console needs costs no life outside of the container.
        if current == mem[TASK].init && !task::processes(mem).any(|at| is_mortal(mem, at, memory)) {
            return Err(Errno::ENOMEM);
        }
        let outcome = oom::mem_cgroup_out_of_memory(mem, memory, Gfp::KERNEL);
        mem.after_killing(outcome)?;
        if !is_full(mem, memory) {
            return Ok(());
        }
    }
    Err(Errno::ENOMEM)
}

/// Reclaims a container's pages until there are few enough, or several rounds have freed nothing.
fn reclaim_below(mem: &mut Mem, memory: Ref<MemCgroup>, is_enough: impl Fn(&Mem) -> bool) {
    let mut retries = RETRIES;
    while retries > 0 && !is_enough(mem) {
        if reclaim::try_to_free_memcg(mem, memory) == 0 {
            retries -= 1;
        }
    }
}

/// Whether a task of the container may be killed for its sake.
fn is_mortal(mem: &Mem, task: Ref<Task>, memory: Ref<MemCgroup>) -> bool {
    task != mem[TASK].init && mem[task].oom_adj != OOM_DISABLE && is_charged_to(mem, task, memory)
}

/// The container that a task's memory is charged to: that of the task that answers for its address
/// space. NULL if it has none, or if nobody pays.
pub fn payer(mem: &Mem, task: Ref<Task>) -> Ref<MemCgroup> {
    let mm = mem[task].mm;
    if mm.is_null() {
        return Ref::NULL;
    }
    let owner = match mem[mm].owner {
        owner if owner.is_null() => task,
        owner => owner,
    };
    task_css(mem, owner, MEMORY).cast()
}

/// Whether a task's memory is charged to that container (`mm_match_cgroup`).
pub fn is_charged_to(mem: &Mem, task: Ref<Task>, memory: Ref<MemCgroup>) -> bool {
    !mem[task].mm.is_null() && payer(mem, task) == memory
}

/// A page that may have been charged is nobody's any more.
pub fn uncharge(mem: &mut Mem, page: Ref<Page>) {
    let memory = mem[page].payer();
    if !memory.is_null() {
        let cached = u32::from(mem[page].is(PageFlag::PageCache));
        mem[page].set_payer(Ref::NULL);
        let cgroup = &mut mem[memory];
        cgroup.usage -= 1;
        cgroup.cache -= cached;
        cgroup.pgpgout += 1;
    }
}

/// Has nobody pay for the pages of a container without tasks; those whose tasks have moved may still use
/// them.
fn drop_charges(mem: &mut Mem, container: Ref<Container>) {
    let memory = memory_of(mem, container);
    let mut frame = 0;
    while mem[memory].usage > 0 && frame < mem.frames() {
        let page = mem.page(frame);
        if mem[page].payer() == memory {
            uncharge(mem, page);
        }
        frame += 1;
    }
}

impl ContainerSubsystem for MemorySubsystem {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn callbacks(&self) -> Callbacks {
        Callbacks::ALWAYS.with(Callback::PreDestroy)
    }

    fn files(&self) -> &'static [Cftype] {
        &FILES
    }

    fn create(&self, mem: &mut Mem, _: Ref<Container>) -> Result<Ref<Css>, Errno> {
        let memory: Ref<MemCgroup> = new_state(mem)?;
        mem[memory].limit = NO_LIMIT;
        Ok(memory.cast())
    }

    fn destroy(&self, mem: &mut Mem, container: Ref<Container>) {
        drop_charges(mem, container);
        free_state(mem, container, MEMORY);
    }

    fn pre_destroy(&self, mem: &mut Mem, container: Ref<Container>) -> Result<(), Errno> {
        drop_charges(mem, container);
        Ok(())
    }

    fn check(&self, mem: &Mem, container: Ref<Container>) -> Result<(), &'static str> {
        let MemCgroup {
            usage,
            max_usage,
            cache,
            ..
        } = mem[memory_of(mem, container)];
        if usage > max_usage {
            return Err("memory: a container has more than it ever had");
        }
        if cache > usage {
            return Err("memory: a container pays for more pages of files than it pays for at all");
        }
        if !is_root(mem, container) {
            return Ok(());
        }
        // Every page of any container is found once, so all of them are counted at once.
        let all = tree::descendants(mem, container);
        let charged = all.fold((0, 0), |(usage, cache), at| {
            let at = &mem[memory_of(mem, at)];
            (usage + at.usage, cache + at.cache)
        });
        match charged == charged_pages(mem) {
            true => Ok(()),
            false => Err("memory: pages that are charged differ from those that are counted"),
        }
    }
}

/// Pages that somebody pays for, and those of them that hold files.
fn charged_pages(mem: &Mem) -> (u32, u32) {
    let pages = (0..mem.frames()).map(|frame| &mem[mem.page(frame)]);
    let charged = pages.filter(|page| !page.payer().is_null());
    charged.fold((0, 0), |(all, cache), page| {
        (all + 1, cache + u32::from(page.is(PageFlag::PageCache)))
    })
}

static FILES: [Cftype; 6] = [
    Cftype::new(
        "usage_in_bytes",
        Some(|mem, container, out| {
            let pages = mem[memory_of(mem, container)].usage;
            writeln!(out, "{}", u64::from(pages) * PAGE)
        }),
        None,
    ),
    Cftype::new(
        "max_usage_in_bytes",
        Some(|mem, container, out| {
            let pages = mem[memory_of(mem, container)].max_usage;
            writeln!(out, "{}", u64::from(pages) * PAGE)
        }),
        // Whatever is written: it begins anew.
        Some(|mem, container, _| {
            let memory = memory_of(mem, container);
            mem[memory].max_usage = mem[memory].usage;
            Ok(())
        }),
    ),
    Cftype::new(
        "limit_in_bytes",
        Some(|mem, container, out| {
            let limit = mem[memory_of(mem, container)].limit;
            writeln!(out, "{limit}")
        }),
        Some(write_limit),
    ),
    Cftype::new(
        "failcnt",
        Some(|mem, container, out| {
            let count = mem[memory_of(mem, container)].failcnt;
            writeln!(out, "{count}")
        }),
        Some(|mem, container, _| {
            let memory = memory_of(mem, container);
            mem[memory].failcnt = 0;
            Ok(())
        }),
    ),
    Cftype::new("stat", Some(read_stat), None),
    Cftype::new(
        "force_empty",
        None,
        Some(|mem, container, _| {
            if tree::tasks(mem, container).next().is_some() {
                return Err(Errno::EBUSY);
            }
            drop_charges(mem, container);
            Ok(())
        }),
    ),
];

fn read_stat(mem: &mut Mem, container: Ref<Container>, out: &mut dyn Write) -> fmt::Result {
    let memory = memory_of(mem, container);
    let MemCgroup {
        usage,
        cache,
        pgpgin,
        pgpgout,
        ..
    } = mem[memory];
    let bytes = |pages: u32| u64::from(pages) * PAGE;
    writeln!(out, "cache {}\nrss {}", bytes(cache), bytes(usage - cache))?;
    writeln!(out, "pgpgin {pgpgin}\npgpgout {pgpgout}")?;
    let [active, inactive] = lru_pages(mem, memory);
    writeln!(
        out,
        "active {}\ninactive {}",
        bytes(active),
        bytes(inactive)
    )
}

/// Pages of a container that were used lately, and those that were not.
fn lru_pages(mem: &Mem, memory: Ref<MemCgroup>) -> [u32; 2] {
    let mut counts = [0; 2];
    let pages = (0..mem.frames()).map(|frame| &mem[mem.page(frame)]);
    for page in pages.filter(|page| page.payer() == memory) {
        match Lru::of(page) {
            Lru::ActiveAnon | Lru::ActiveFile => counts[0] += 1,
            Lru::InactiveAnon | Lru::InactiveFile => counts[1] += 1,
            Lru::Unevictable => {}
        }
    }
    counts
}

/// Bytes, perhaps with `k`, `m` or `g` behind them; rounded up to whole pages, so read it again.
///
/// # Errors
/// `EINVAL` for anything else; `EBUSY` if there are more already and reclaim does not change that (since
/// 2.6.27; before, nothing happened until the next charge).
fn write_limit(mem: &mut Mem, container: Ref<Container>, bytes: &[u8]) -> Result<(), Errno> {
    let text = bytes.trim_ascii();
    let (digits, shift) = match text.split_last() {
        Some((b'k' | b'K', digits)) => (digits, 10),
        Some((b'm' | b'M', digits)) => (digits, 20),
        Some((b'g' | b'G', digits)) => (digits, 30),
        _ => (text, 0),
    };
    let number = super::parse_u64(digits)?;
    let bytes = number.checked_mul(1 << shift).unwrap_or(NO_LIMIT);
    let limit = match bytes.checked_next_multiple_of(PAGE) {
        Some(limit) if limit < NO_LIMIT => limit,
        _ => NO_LIMIT,
    };
    let memory = memory_of(mem, container);
    let is_below = |mem: &Mem| u64::from(mem[memory].usage) * PAGE <= limit;
    reclaim_below(mem, memory, is_below);
    if !is_below(mem) {
        return Err(Errno::EBUSY);
    }
    mem[memory].limit = limit;
    Ok(())
}
