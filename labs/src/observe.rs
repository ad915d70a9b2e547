//! Views, computed from a kernel. The kernel does not know that it is watched.

mod container;
mod explain;
mod memory;
mod object;
mod oom;
mod radix;
mod ring;
mod sched;
mod slab;
mod task;
#[cfg(all(test, feature = "host-ram"))]
mod testing;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::mem::{MEM, Mem};
use kernel_core::trace::Event;
use kernel_core::{Kernel, shell};

use crate::view::{EventRow, EventsView, StateView};

pub(crate) use container::{containers, dir as container_dir, find as find_container, oom_groups};
pub(crate) use explain::failure as errno_name;
pub(crate) use memory::memory;
pub(crate) use object::{Located, Map, locate, object};
pub(crate) use oom::{
    LowMemory, oom_memory, oom_pages, oom_refusal, oom_rule, oom_task, oom_task_of, weigh,
    weigh_low_memory,
};
pub(crate) use radix::{radix, radix_node};
pub(crate) use sched::{Paths, sched};
pub(crate) use slab::{cache, each_kept, slab};
pub(crate) use task::{task, tasks};

/// Events that one view carries at most.
const EVENTS_MAX: u64 = 4096;
/// Completions that one answer carries at most.
const COMPLETIONS_MAX: usize = 200;

/// What the kernel itself knows of where it stands; the session adds what the log says.
pub(crate) fn state(kernel: &Kernel) -> StateView {
    let mem = &kernel.mem;
    StateView {
        events: kernel.events(),
        chain: kernel.chain(),
        trees: shell::trees(mem)
            .map(|tree| mem[tree].name().to_string())
            .collect(),
        current_tree: shell::current_tree(mem)
            .map(|tree| mem[tree].name().to_string())
            .unwrap_or_default(),
        cpu: mem[MEM].cpu,
        preempt_count: mem[MEM].preempt_count,
        powered_off: kernel.is_off(),
        ..StateView::default()
    }
}

/// An event in plain words.
pub(crate) fn sentence(mem: &Mem, event: &Event) -> String {
    explain::explain(&Map::new(mem), event).0
}

/// Words that may stand at the end of `line`.
pub(crate) fn completions(kernel: &Kernel, line: &str) -> Vec<String> {
    let mut words = Vec::new();
    shell::complete(&kernel.mem, line, &mut |word| {
        let place = words.binary_search_by(|known: &String| known.as_str().cmp(word));
        if let Err(place) = place
            && words.len() < COMPLETIONS_MAX
        {
            words.insert(place, word.to_string());
        }
    });
    words
}

/// The events from `since` on, at most `max`, the newest if there are more.
pub(crate) fn events(kernel: &Kernel, since: u64, max: u32) -> EventsView {
    let next = kernel.events();
    let since = since.min(next);
    let first = since.max(next.saturating_sub(u64::from(max).min(EVENTS_MAX)));
    let map = Map::new(&kernel.mem);
    let events: Vec<EventRow> = (first..next)
        .filter_map(|number| kernel.mem.event(number))
        .map(|event| {
            let (sentence, touches) = explain::explain(&map, &event);
            EventRow {
                number: event.number,
                step: event.step,
                name: event.tracepoint.name().to_string(),
                fields: event.fields(&kernel.mem).to_string(),
                cpu: event.cpu,
                sentence,
                touches,
            }
        })
        .collect();
    EventsView {
        next,
        lost: next - since - events.len() as u64,
        events,
    }
}
