//! Which pages go: the zones' lists are scanned from their ends, gently at first.
//!
//! A *priority* says how much of a list is looked at: its 4096th part at priority 12, all of it at 0. How
//! the scan is shared out between anonymous memory and files follows from what the scans before found:
//! where many pages had been used again, fewer are looked at. A page at the end of an inactive list has a
//! second chance if an entry that leads to it says it was accessed, or a file's page that is mapped was.
//! Without a swap device, anonymous memory is not looked at at all.

use super::swap::has_room as may_swap;
use super::{DEF_PRIORITY, Lru, RECLAIM, SWAP_CLUSTER_MAX, shrinker};
use crate::container::memory::MemCgroup;
use crate::fs;
use crate::mem::{Gfp, ListHead, MEM, Mem, Page, PageFlag, Ref, Zone};
use crate::oom::listeners;
use crate::task::mm::rmap;
use crate::trace::Tracepoint;

/// What reclaim is for.
#[derive(Debug, Clone, Copy)]
pub struct ScanControl {
    /// How the page that is missing is asked for.
    pub gfp: Gfp,
    /// Of which order it is.
    pub order: u32,
    /// The nodes whose zones count, a bit each.
    pub nodes: u32,
    /// The container whose pages go; NULL is everybody's.
    pub memcg: Ref<MemCgroup>,
    /// Whether `kswapd` asks.
    pub is_daemon: bool,
    /// Whether only pages of files go.
    pub only_files: bool,
}

impl ScanControl {
    /// Whether names and inodes may be given back as well.
    fn may_enter_fs(&self, mem: &Mem) -> bool {
        self.memcg.is_null()
            && (self.is_daemon || mem[RECLAIM].fs_depth > 0)
            && self.gfp.contains(Gfp::FS)
    }

    /// Whether a zone's pages would help.
    pub(super) fn wants(&self, zone: &Zone) -> bool {
        self.nodes >> zone.node & 1 != 0 && (!self.gfp.contains(Gfp::DMA) || zone.is_dma == 1)
    }
}

/// What became of a page at the end of an inactive list.
enum Verdict {
    Freed,
    /// It was used.
    Activate,
    /// It cannot go now.
    Keep,
    /// Its content is nowhere else.
    Pin,
}

/// Frees some pages: at least [`SWAP_CLUSTER_MAX`] if there are as many. Returns how many, and whether
/// another try may find more, since what was in use now has had its second chance.
pub fn try_to_free_pages(mem: &mut Mem, control: &ScanControl) -> (u32, bool) {
    mem[RECLAIM].depth += 1;
    let mut freed = 0;
    for priority in (0..=DEF_PRIORITY).rev() {
        let (mut scanned, mut lru_pages) = (0, 0);
        for number in 0..mem[MEM].nr_zones {
            let zone = mem.zone(number);
            if !control.wants(&mem[zone]) {
                continue;
            }
            lru_pages += mem.lru_pages(zone);
            if priority < DEF_PRIORITY && !is_reclaimable(mem, zone) {
                continue;
            }
            let done = shrink_zone(mem, zone, priority, control);
            scanned += done.0;
            freed += done.1;
        }
        if control.may_enter_fs(mem) {
            freed += shrinker::shrink_slab(mem, scanned, lru_pages, control.gfp, priority);
        }
        if freed >= SWAP_CLUSTER_MAX || mem.charge(1).is_err() {
            break;
        }
    }
    mem[RECLAIM].depth -= 1;
    let zones = (0..mem[MEM].nr_zones).map(|number| mem.zone(number));
    let mut wanted = zones.filter(|&zone| control.wants(&mem[zone]));
    let more = wanted.any(|zone| is_reclaimable(mem, zone));
    (freed, freed > 0 || more)
}

/// Frees pages of a container that has reached its limit: of files, and only if there are none to be had,
/// of its tasks' memory. Returns how many.
pub fn try_to_free_memcg(mem: &mut Mem, memcg: Ref<MemCgroup>) -> u32 {
    let mut control = ScanControl {
        gfp: Gfp::KERNEL,
        order: 0,
        nodes: u32::MAX,
        memcg,
        is_daemon: false,
        only_files: true,
    };
    if mem[memcg].cache > 0 {
        let freed = try_to_free_pages(mem, &control).0;
        if freed > 0 {
            return freed;
        }
    }
    control.only_files = false;
    match may_swap(mem) {
        true => try_to_free_pages(mem, &control).0,
        false => 0,
    }
}

/// Pages of a zone that a scan would look at.
fn scannable(mem: &Mem, zone: Ref<Zone>) -> u32 {
    let nr = mem[zone].nr_lru;
    let anon = match may_swap(mem) {
        true => nr[0] + nr[1],
        false => 0,
    };
    anon + nr[2] + nr[3]
}

/// Whether a zone is worth a look: it was not scanned six times over without a page.
fn is_reclaimable(mem: &Mem, zone: Ref<Zone>) -> bool {
    mem[zone].pages_scanned < scannable(mem, zone).saturating_mul(6)
}

/// Parts, in per cent, of the lists for anonymous memory and for files that are scanned
/// (`get_scan_ratio`).
fn scan_ratio(mem: &mut Mem, zone: Ref<Zone>) -> [u32; 2] {
    if !may_swap(mem) {
        return [0, 100];
    }
    let Zone {
        nr_lru,
        free,
        pages_high,
        ..
    } = mem[zone];
    let counts = [nr_lru[0] + nr_lru[1], nr_lru[2] + nr_lru[3]];
    // Hardly any pages of files are left: taking those would only bring them back.
    if counts[1] + free <= pages_high {
        return [100, 0];
    }
    for (kind, count) in counts.into_iter().enumerate() {
        // What was long ago counts less.
        let zone = &mut mem[zone];
        if zone.recent_scanned[kind] > count / 4 {
            zone.recent_scanned[kind] /= 2;
            zone.recent_rotated[kind] /= 2;
        }
    }
    let Zone {
        recent_scanned,
        recent_rotated,
        ..
    } = mem[zone];
    let swappiness = u64::from(mem[RECLAIM].swappiness);
    let weight = |kind: usize, readiness: u64| {
        (readiness + 1) * (u64::from(recent_scanned[kind]) + 1)
            / (u64::from(recent_rotated[kind]) + 1)
    };
    let (anon, file) = (weight(0, swappiness), weight(1, 200 - swappiness));
    let percent = (100 * anon / (anon + file + 1)) as u32;
    [percent, 100 - percent]
}

/// Scans a zone's lists at a priority; returns how many pages were looked at, and how many freed.
pub(super) fn shrink_zone(
    mem: &mut Mem,
    zone: Ref<Zone>,
    priority: u32,
    control: &ScanControl,
) -> (u32, u32) {
    let percent = match control.memcg.is_null() {
        true => scan_ratio(mem, zone),
        false if control.only_files => [0, 100],
        false => [if may_swap(mem) { 100 } else { 0 }, 0],
    };
    let mut total = (0, 0);
    // Whether pages go that programs use.
    let mut takes_used = false;
    for lru in [
        Lru::InactiveAnon,
        Lru::ActiveAnon,
        Lru::InactiveFile,
        Lru::ActiveFile,
    ] {
        let is_file = lru as u32 >= Lru::InactiveFile as u32;
        let size = u64::from(mem[zone].nr_lru[lru as usize]);
        let part = (size >> priority) * u64::from(percent[usize::from(is_file)]) / 100;
        // One page at least, where all of the list is meant.
        let least = u64::from(priority == 0 && percent[usize::from(is_file)] > 0);
        let mut count = part.max(least.min(size)) as u32;
        let is_active = matches!(lru, Lru::ActiveAnon | Lru::ActiveFile);
        // Anonymous pages rest while as many are inactive.
        if lru == Lru::ActiveAnon && control.memcg.is_null() {
            let nr = mem[zone].nr_lru;
            if nr[Lru::InactiveAnon as usize] >= nr[Lru::ActiveAnon as usize] {
                count = 0;
            }
        }
        if count > 0 {
            let (scanned, freed) = match is_active {
                true => shrink_active(mem, zone, lru, count, control),
                false => shrink_inactive(mem, zone, lru, count, control),
            };
            takes_used |= lru == Lru::ActiveAnon && scanned > 0;
            let event = [
                u64::from(mem[zone].node),
                lru as u64,
                u64::from(scanned),
                u64::from(freed),
                u64::from(priority),
            ];
            mem.trace(Tracepoint::VmscanLruShrink, event);
            total.0 += scanned;
            if !is_active {
                total.1 += freed;
            }
        }
    }
    // Even if anonymous memory is not looked at, its lists are kept in proportion.
    let nr = mem[zone].nr_lru;
    let is_low = nr[Lru::InactiveAnon as usize] < nr[Lru::ActiveAnon as usize];
    if control.memcg.is_null() && is_low {
        takes_used |= shrink_active(mem, zone, Lru::ActiveAnon, SWAP_CLUSTER_MAX, control).0 > 0;
    }
    if control.memcg.is_null() {
        listeners::scanned(mem, zone, takes_used);
    }
    let by = usize::from(!control.is_daemon);
    mem[RECLAIM].scanned[by] += u64::from(total.0);
    mem[RECLAIM].stolen[by] += u64::from(total.1);
    match total.1 {
        0 => mem[zone].pages_scanned = mem[zone].pages_scanned.saturating_add(total.0),
        _ => mem[zone].pages_scanned = 0,
    }
    total
}

/// Calls `action` for pages from the end of a list, `count` of them at most; only for those of the
/// container, if one is meant. Returns how many there were.
fn from_the_end(
    mem: &mut Mem,
    zone: Ref<Zone>,
    lru: Lru,
    count: u32,
    control: &ScanControl,
    action: &mut dyn FnMut(&mut Mem, Ref<Page>),
) -> u32 {
    let head = lru.head(zone);
    let mut looks = mem[zone].nr_lru[lru as usize];
    let mut link: Ref<ListHead> = mem[head].prev;
    let mut done = 0;
    while done < count && looks > 0 && link != head {
        looks -= 1;
        let before = mem[link].prev;
        let page: Ref<Page> = link.cast();
        if control.memcg.is_null() || mem[page].payer() == control.memcg {
            done += 1;
            let _ = mem.charge(1);
            action(mem, page);
        }
        link = before;
    }
    done
}

/// Moves pages from the end of an active list to the inactive one. Whether they were used only tells how
/// much to scan another time: on the inactive list they have their chance.
fn shrink_active(
    mem: &mut Mem,
    zone: Ref<Zone>,
    lru: Lru,
    count: u32,
    control: &ScanControl,
) -> (u32, u32) {
    let kind = usize::from(lru == Lru::ActiveFile);
    let mut rotated = 0;
    let scanned = from_the_end(mem, zone, lru, count, control, &mut |mem, page| {
        if mem[page].mapcount() > 0 && rmap::referenced(mem, page) {
            rotated += 1;
        }
        mem.lru_del(page);
        mem[page].clear(PageFlag::Active);
        mem.lru_add(page);
    });
    mem[RECLAIM].deactivated += u64::from(scanned);
    mem[zone].recent_scanned[kind] += scanned;
    mem[zone].recent_rotated[kind] += rotated;
    (scanned, 0)
}

/// Looks at pages from the end of an inactive list, and frees what was not used.
fn shrink_inactive(
    mem: &mut Mem,
    zone: Ref<Zone>,
    lru: Lru,
    count: u32,
    control: &ScanControl,
) -> (u32, u32) {
    let kind = usize::from(lru == Lru::InactiveFile);
    let (mut freed, mut activated) = (0, 0);
    let scanned = from_the_end(
        mem,
        zone,
        lru,
        count,
        control,
        &mut |mem, page| match reclaim_page(mem, page) {
            Verdict::Freed => freed += 1,
            Verdict::Activate => {
                mem.lru_del(page);
                mem[page].set(PageFlag::Active);
                mem.lru_add(page);
                activated += 1;
            }
            Verdict::Keep => {
                mem.lru_del(page);
                mem.lru_add(page);
            }
            Verdict::Pin => {
                mem.lru_del(page);
                mem[page].set(PageFlag::Unevictable);
                mem.lru_add(page);
            }
        },
    );
    mem[RECLAIM].activated += u64::from(activated);
    mem[zone].recent_scanned[kind] += scanned;
    mem[zone].recent_rotated[kind] += activated;
    (scanned, freed)
}

/// Frees a page if it was not used and can be had again.
fn reclaim_page(mem: &mut Mem, page: Ref<Page>) -> Verdict {
    let is_file = mem[page].is(PageFlag::PageCache);
    if is_file && fs::is_page_dirty(mem, page) {
        return Verdict::Pin;
    }
    let is_mapped = mem[page].mapcount() > 0;
    let was_used = is_mapped && rmap::referenced(mem, page);
    let was_noted = mem[page].is(PageFlag::Referenced);
    mem[page].clear(PageFlag::Referenced);
    // What is read without being mapped is used once, mostly.
    if was_used || was_noted && is_mapped {
        return Verdict::Activate;
    }
    if !is_file {
        return match rmap::swap_out(mem, page) {
            Some(true) => Verdict::Freed,
            Some(false) => Verdict::Keep,
            None => Verdict::Activate,
        };
    }
    if is_mapped {
        rmap::unmap_file(mem, page);
    }
    match mem[page].count == 1 {
        true => {
            fs::drop_page(mem, page);
            Verdict::Freed
        }
        // Somebody is about to use it.
        false => Verdict::Keep,
    }
}
