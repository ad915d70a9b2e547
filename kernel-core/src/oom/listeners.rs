//! Telling programs that memory runs out, before anybody is killed (specs/memory.md 5.3, 5.4).
//!
//! Many programs hold what they could do without: caches, above all. Only they know what that is; so
//! they are asked first. Two ways to be asked, both by `poll`:
//!
//! - `/dev/mem_notify` (KOSAKI Motohiro, Marcelo Tosatti) tells of the whole machine, and early: when
//!   reclaim begins to take pages that programs use. Not everybody is told at once, or all would drop
//!   their caches for the sake of a few pages: a sixteenth of the watchers and one more, not oftener
//!   than every 200 ms, and each watcher not again before all others had their turn.
//! - a group's `oom.notify` (David Rientjes, Paul Menage) tells of the tasks of one group, and late:
//!   when one of them gets no page. Whoever listens has `oom.delay` milliseconds to do something about
//!   it: drop caches, raise the limit, end a task. Meanwhile whoever needs the page tries again
//!   every tick, and if that works nobody is killed.
//!
//! The policy `notify` makes the second an order for everybody: notify, wait, kill. Then the watchers of
//! `/dev/mem_notify` get such a time too, [`NotifyData::delay_ms`].
//!
//! Neighbours: `mem::reclaim` says when pressure comes and goes; [`super::out_of_memory`] asks
//! `chance` first of all; `container::oom` and `fs::device` are what one polls.

use bytemuck::{Pod, Zeroable};

use super::lowmem::{self, LowMem};
use super::{Constraint, OomControl, OomData, policy};
use crate::btf::{Kind, describe};
use crate::container::{self, Container, oom};
use crate::errno::Errno;
use crate::mem::{Gfp, MAX_ZONES, MEM, Mem, Ref, Zone};
use crate::slab;
use crate::task::time::now;
use crate::task::wait::{self, WaitQueue};
use crate::task::{self, PF_EXITING, TASK, Tif};
use crate::trace::Tracepoint;

/// The static data of this module, and of [`super::lowmem`]: in the frame of the memory system's.
pub const NOTIFY: Ref<NotifyData> = Ref::new(MEM.unit() + 3072 / 8);
const _: () = assert!(size_of::<OomData>() <= 1024 && size_of::<NotifyData>() <= 1024);

/// Nobody is told of pressure oftener: `HZ / 5`.
const PERIOD_NS: u64 = 200_000_000;
/// A watcher is told again after so long at the latest, however many there are.
const PERIOD_MAX_NS: u64 = 10_000_000_000;
/// Watchers that one piece of news wakes at most.
const WAKE_MAX: u32 = 100;
/// Who asks for a page tries again every tick; whoever has not done so for this long had one.
const EPISODE_NS: u64 = 1_000_000_000;
/// So often in a row listeners may hold the killer up.
pub(super) const NOTICES_MAX: u32 = 16;

/// In [`NotifyData::status`]: the zone is too small to tell anything.
pub const IGNORED: i32 = -1;
/// It is calm.
pub const CALM: i32 = 0;
/// It is under pressure.
pub const PRESSURE: i32 = 1;

/// The time that those have who were told.
#[derive(Debug, Clone, Copy, Pod, Zeroable, Default)]
#[repr(C)]
pub struct Grace {
    /// When it is over, in nanoseconds since boot; 0 if nobody was told.
    pub deadline: u64,
    /// When a page was missing last, in nanoseconds since boot.
    pub last: u64,
    /// How often somebody was told since it was over last.
    pub notices: u32,
    _pad: u32,
}

describe!(Grace, "oom_grace", [deadline, last, notices, _pad: Kind::Padding]);

/// How far the order notify, wait, kill has come; the number in its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Stage {
    /// They are told now.
    Told = 0,
    /// They still have time.
    Waits = 1,
    /// Their time is up.
    Over = 2,
}

impl Grace {
    /// A page is missing: what is to be done about it. `delay` is in nanoseconds.
    fn ask(&mut self, now: u64, delay: u64) -> Stage {
        // Another CPU may be a little ahead.
        let is_new = self.deadline == 0 || now.saturating_sub(self.last) > EPISODE_NS;
        self.last = self.last.max(now);
        if is_new && delay > 0 && self.notices < NOTICES_MAX {
            self.deadline = (now + delay).max(1);
            self.notices += 1;
            Stage::Told
        } else if !is_new && now < self.deadline {
            Stage::Waits
        } else {
            (self.deadline, self.notices) = (0, 0);
            Stage::Over
        }
    }
}

/// Who waits to be told, and what they were told.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct NotifyData {
    /// Who polls `/dev/mem_notify`; all of them exclusive.
    pub waiters: WaitQueue,
    /// Open files of it.
    pub watchers: u32,
    /// Zones that are under pressure.
    pub zones: u32,
    /// When pressure was told of last, in nanoseconds since boot and one; 0 is never.
    pub last: u64,
    /// Each zone's [`IGNORED`], [`CALM`] or [`PRESSURE`] (`mem_notify_status`).
    pub status: [i32; MAX_ZONES],
    /// Milliseconds that watchers have under the policy `notify`.
    pub delay_ms: u32,
    /// How much of it is left.
    pub grace: Grace,
    /// The low-memory killer's parameters.
    pub lowmem: LowMem,
}

describe!(
    NotifyData,
    "mem_notify",
    [
        waiters, watchers, zones, last, status, delay_ms, grace, lowmem
    ]
);

/// Where those sleep who poll `/dev/mem_notify`.
pub fn waiters() -> Ref<WaitQueue> {
    NOTIFY.cast()
}

/// Sets everything up.
pub(crate) fn boot(mem: &mut Mem) {
    WaitQueue::init(mem, waiters());
    mem[NOTIFY].delay_ms = oom::DEFAULT_DELAY_MS;
    mem[NOTIFY].lowmem = LowMem::DEFAULT;
    // A zone that is a small part of the machine says little of it (16 MB of DMA, in the patch).
    let managed = mem[MEM].managed;
    for zone in 0..mem[MEM].nr_zones {
        let is_small = mem[mem.zone(zone)].present < managed / 16;
        mem[NOTIFY].status[zone as usize] = if is_small { IGNORED } else { CALM };
    }
}

/// Somebody opens `/dev/mem_notify`: what is kept for the open file, when it reported last in
/// nanoseconds since boot and one.
///
/// # Errors
/// `ENOMEM`.
pub(crate) fn open(mem: &mut Mem) -> Result<Ref<u64>, Errno> {
    let watch: Ref<u64> = slab::kmalloc(mem, 8, Gfp::KERNEL)?;
    mem[watch] = 0;
    mem[NOTIFY].watchers += 1;
    Ok(watch)
}

/// Somebody closes it.
pub(crate) fn release(mem: &mut Mem, watch: Ref<u64>) {
    slab::kfree(mem, watch);
    mem[NOTIFY].watchers -= 1;
    if mem[NOTIFY].watchers == 0 {
        // A thread may still sleep where another has closed the file.
        wait::wake_up_all(mem, waiters());
    }
}

/// Whether an open file has pressure to report; if so it has reported it.
pub(crate) fn poll(mem: &mut Mem, watch: Ref<u64>) -> bool {
    // Nobody may have looked since there is enough again.
    for zone in 0..mem[MEM].nr_zones {
        if mem[mem.zone(zone)].free > enough(mem, zone) {
            calm(mem, zone);
        }
    }
    let NotifyData {
        zones, watchers, ..
    } = mem[NOTIFY];
    let turn = (PERIOD_NS * u64::from(watchers)).min(PERIOD_MAX_NS);
    let now = now(mem) + 1;
    let last = mem[watch];
    let is_told = zones > 0 && (last == 0 || now >= last + turn);
    if is_told {
        mem[watch] = now;
    }
    is_told
}

/// Reclaim has looked at a zone's lists, and taken pages that programs use (`takes_used`). So it has, in
/// effect, where there is no swap device and next to nothing of files is left to take.
pub(crate) fn scanned(mem: &mut Mem, zone: Ref<Zone>, takes_used: bool) {
    let Zone {
        nr_lru, pages_high, ..
    } = mem[zone];
    if takes_used || nr_lru[2] + nr_lru[3] < pages_high {
        let number = (0..mem[MEM].nr_zones).find(|&number| mem.zone(number) == zone);
        pressure(mem, number.unwrap_or(0));
    }
}

/// So many free pages are enough not to tell anybody: twice the high watermark and what is kept back
/// from those who could do with another zone.
fn enough(mem: &Mem, zone: u32) -> u32 {
    let zone = &mem[mem.zone(zone)];
    2 * (zone.pages_high + zone.lowmem_reserve)
}

/// A zone is under pressure. Watchers are told, unless they just were or there still is enough.
pub fn pressure(mem: &mut Mem, zone: u32) {
    let last = mem[NOTIFY].last;
    let is_soon = last != 0 && now(mem) + 1 < last + PERIOD_NS;
    let enough = enough(mem, zone);
    if !is_soon && mem[mem.zone(zone)].free <= enough {
        assert_pressure(mem, zone, enough, WAKE_MAX);
    }
}

/// A zone is well again.
pub fn calm(mem: &mut Mem, zone: u32) {
    if mem[NOTIFY].status[zone as usize] != PRESSURE {
        return;
    }
    mem[NOTIFY].status[zone as usize] = CALM;
    mem[NOTIFY].zones -= 1;
    tell(mem, zone, CALM, 0, 0);
}

/// Marks a zone, and wakes a part of the watchers.
fn assert_pressure(mem: &mut Mem, zone: u32, threshold: u32, most: u32) -> u32 {
    match mem[NOTIFY].status[zone as usize] {
        IGNORED => return 0,
        PRESSURE => {}
        _ => {
            mem[NOTIFY].status[zone as usize] = PRESSURE;
            mem[NOTIFY].zones += 1;
        }
    }
    mem[NOTIFY].last = now(mem) + 1;
    let part = (mem[NOTIFY].watchers / 16 + 1).min(most);
    let woken = wait::wake_up(mem, waiters(), part);
    tell(mem, zone, PRESSURE, threshold, woken);
    woken
}

fn tell(mem: &mut Mem, zone: u32, status: i32, threshold: u32, woken: u32) {
    let free = mem[mem.zone(zone)].free;
    let watchers = mem[NOTIFY].watchers;
    let event = [zone, status as u32, free, threshold, watchers, woken];
    mem.trace(Tracepoint::MemNotify, event.map(u64::from));
}

/// A zone's [`IGNORED`], [`CALM`] or [`PRESSURE`], as `/proc/zoneinfo` shows it.
pub fn status(mem: &Mem, zone: u32) -> i32 {
    mem[NOTIFY].status[zone as usize]
}

/// The container whose listeners are told when the current task gets no page: its own, or the nearest
/// above that somebody listens for.
fn listening(mem: &Mem) -> Option<Ref<Container>> {
    let css = container::task_css(mem, task::current(mem), container::OOM);
    let mut at = mem[css].container;
    while !at.is_null() {
        if oom::has_listeners(mem, at) {
            return Some(at);
        }
        at = mem[at].parent;
    }
    None
}

/// A page cannot be had. Whether somebody was told and still has time to do something about it, so that
/// nobody is to be killed yet: whoever needs the page tries again in a tick.
///
/// The console's shell cannot wait; it has them told, and goes on.
pub(super) fn chance(mem: &mut Mem, control: &OomControl) -> bool {
    let current = task::current(mem);
    let can_wait = current != mem[TASK].init
        && mem[current].flags & PF_EXITING == 0
        && !mem[current].has(Tif::MemDie);
    let mut waits = can_wait && lowmem::waits(mem);
    if let Some(container) = listening(mem) {
        waits |= ask_group(mem, container, can_wait);
    }
    // Of a container's limit the machine's watchers can do nothing.
    if policy::selected(mem).name() == policy::NOTIFY_NAME
        && control.constraint != Constraint::Memcg
        && mem[NOTIFY].watchers > 0
    {
        waits |= ask_watchers(mem, control, can_wait);
    }
    waits
}

/// Nanoseconds in so many milliseconds.
fn ns(milliseconds: u32) -> u64 {
    u64::from(milliseconds) * 1_000_000
}

fn ask_group(mem: &mut Mem, container: Ref<Container>, can_wait: bool) -> bool {
    let group = oom::oom_of(mem, container);
    let (now, delay) = (now(mem), ns(mem[group].delay_ms));
    let stage = mem[group].grace.ask(now, delay);
    let mut woken = 0;
    if stage == Stage::Told {
        mem[group].events += 1;
        woken = wait::wake_up_all(mem, oom::listeners(group));
    }
    let (id, deadline) = (mem[container].id, mem[group].grace.deadline);
    report(mem, stage, id, woken, deadline);
    can_wait && stage != Stage::Over
}

fn ask_watchers(mem: &mut Mem, control: &OomControl, can_wait: bool) -> bool {
    let (now, delay) = (now(mem), ns(mem[NOTIFY].delay_ms));
    let stage = mem[NOTIFY].grace.ask(now, delay);
    let mut woken = 0;
    if stage == Stage::Told {
        for zone in 0..mem[MEM].nr_zones {
            let node = mem[mem.zone(zone)].node;
            if control.nodes >> node & 1 != 0 {
                woken += assert_pressure(mem, zone, 0, u32::MAX);
            }
        }
        // It is the last moment: this time all are told.
        woken += wait::wake_up_all(mem, waiters());
    }
    let deadline = mem[NOTIFY].grace.deadline;
    report(mem, stage, 0, woken, deadline);
    can_wait && stage != Stage::Over
}

/// Tells of what was decided, but not every tick that it still holds.
fn report(mem: &mut Mem, stage: Stage, container: u32, woken: u32, deadline: u64) {
    if stage != Stage::Waits {
        let pid = mem[task::current(mem)].pid;
        let [container, pid, woken] = [container, pid, woken].map(u64::from);
        let event = [container, pid, stage as u64, woken, deadline];
        mem.trace(Tracepoint::OomNotify, event);
    }
}

/// Checks what is counted here.
///
/// # Errors
/// A sentence that names the first violation.
pub(crate) fn check(mem: &Mem) -> Result<(), &'static str> {
    let data = &mem[NOTIFY];
    if !mem.list_is_sound(waiters().cast(), mem.frames() * 64) {
        return Err("oom: the list of those who poll mem_notify is broken");
    }
    let zones = data.status.iter().filter(|&&status| status == PRESSURE);
    if zones.count() as u32 != data.zones {
        return Err("oom: zones under pressure have lost count");
    }
    if data.watchers == 0 && wait::sleepers(mem, waiters()).next().is_some() {
        return Err("oom: somebody polls mem_notify without having it open");
    }
    Ok(())
}
