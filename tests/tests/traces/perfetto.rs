//! Reads Perfetto's packets by the published `.proto` files (protos/perfetto/trace/): the numbers and
//! types of the fields below are theirs. A field that is not listed here, or of another type, is
//! refused; as is an event before the state it needs, on a track that was not described, that refers
//! to a name not yet defined, or out of order.

use std::collections::BTreeMap;

use super::Entry;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Varint,
    Text,
    /// A message, by the name of its table.
    Message(&'static str),
}
use Kind::{Message, Text, Varint};

/// A field as published: number, name, kind, and whether it may be repeated.
type Field = (u64, &'static str, Kind, bool);

/// The messages that our files may use, and of each the fields that they may use.
const MESSAGES: &[(&str, &[Field])] = &[
    ("Trace", &[(1, "packet", Message("TracePacket"), true)]),
    (
        "TracePacket",
        &[
            (8, "timestamp", Varint, false),
            (10, "trusted_packet_sequence_id", Varint, false),
            (11, "track_event", Message("TrackEvent"), false),
            (12, "interned_data", Message("InternedData"), false),
            (13, "sequence_flags", Varint, false),
            (60, "track_descriptor", Message("TrackDescriptor"), false),
            (87, "first_packet_on_sequence", Varint, false),
        ],
    ),
    (
        "InternedData",
        &[
            (1, "event_categories", Message("Interned"), true),
            (2, "event_names", Message("Interned"), true),
            (3, "debug_annotation_names", Message("Interned"), true),
        ],
    ),
    // EventCategory, EventName and DebugAnnotationName are alike.
    (
        "Interned",
        &[(1, "iid", Varint, false), (2, "name", Text, false)],
    ),
    (
        "TrackDescriptor",
        &[
            (1, "uuid", Varint, false),
            (2, "name", Text, false),
            (3, "process", Message("ProcessDescriptor"), false),
            (5, "parent_uuid", Varint, false),
        ],
    ),
    (
        "ProcessDescriptor",
        &[(1, "pid", Varint, false), (6, "process_name", Text, false)],
    ),
    (
        "TrackEvent",
        &[
            (3, "category_iids", Varint, true),
            (4, "debug_annotations", Message("DebugAnnotation"), true),
            (9, "type", Varint, false),
            (10, "name_iid", Varint, false),
            (11, "track_uuid", Varint, false),
            (22, "categories", Text, true),
            (23, "name", Text, false),
        ],
    ),
    (
        "DebugAnnotation",
        &[
            (1, "name_iid", Varint, false),
            (3, "uint_value", Varint, false),
            (4, "int_value", Varint, false),
            (6, "string_value", Text, false),
            (7, "pointer_value", Varint, false),
            (10, "name", Text, false),
        ],
    ),
];

/// A message that was read: its fields in their order.
#[derive(Debug, Default)]
struct Fields(Vec<(&'static str, Value)>);

#[derive(Debug)]
enum Value {
    Number(u64),
    Text(String),
    Message(Fields),
}

impl Fields {
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Value> {
        let fields = self.0.iter().filter(move |field| field.0 == name);
        fields.map(|(_, value)| value)
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.all(name).find_map(|value| match value {
            Value::Number(number) => Some(*number),
            _ => None,
        })
    }

    fn text<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).find_map(|value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    fn messages<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Fields> {
        self.all(name).filter_map(|value| match value {
            Value::Message(fields) => Some(fields),
            _ => None,
        })
    }

    fn message<'a>(&'a self, name: &'a str) -> Option<&'a Fields> {
        self.messages(name).next()
    }
}

/// Bytes that are read from their front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or("a number is cut")?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err("a number of more than 64 bits".into());
            }
            value |= bits << shift;
            if byte < 0x80 {
                if byte == 0 && shift > 0 {
                    return Err("a number that is longer than it needs to be".into());
                }
                return Ok(value);
            }
        }
        Err("a number without end".into())
    }

    fn delimited(&mut self) -> Result<&'a [u8], String> {
        let length = usize::try_from(self.varint()?).map_err(|error| error.to_string())?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or("a field is cut")?;
        self.0 = rest;
        Ok(bytes)
    }
}

fn decode(message: &str, bytes: &[u8]) -> Result<Fields, String> {
    let table = MESSAGES.iter().find(|(name, _)| *name == message);
    let (_, table) = table.ok_or_else(|| format!("no table of {message}"))?;
    let mut bytes = Bytes(bytes);
    let mut fields = Fields::default();
    while !bytes.0.is_empty() {
        let tag = bytes.varint()?;
        let field = table.iter().find(|field| field.0 == tag >> 3);
        let &(_, name, kind, is_repeated) =
            field.ok_or_else(|| format!("{message} has no field {}", tag >> 3))?;
        if !is_repeated && fields.all(name).next().is_some() {
            return Err(format!("{message}.{name} stands twice"));
        }
        let value = match (kind, tag & 7) {
            (Varint, 0) => Value::Number(bytes.varint()?),
            (Text, 2) => {
                let text = std::str::from_utf8(bytes.delimited()?);
                Value::Text(text.map_err(|error| error.to_string())?.to_string())
            }
            (Message(inner), 2) => Value::Message(decode(inner, bytes.delimited()?)?),
            (_, wire) => return Err(format!("{message}.{name} has wire type {wire}")),
        };
        fields.0.push((name, value));
    }
    Ok(fields)
}

const CLEARED: u64 = 1;
const NEEDS_STATE: u64 = 2;

#[derive(Default)]
struct Reader {
    entries: Vec<Entry>,
    /// Whether the sequence has its state.
    is_ready: bool,
    /// Names by their index and number.
    interned: BTreeMap<(&'static str, u64), String>,
    /// Slices that are open by track, and which CPU it is for; none for the process's.
    tracks: BTreeMap<u64, (u32, Option<u64>)>,
    last: u64,
    is_explained: bool,
}

pub fn read(file: &[u8]) -> Result<Vec<Entry>, String> {
    let trace = decode("Trace", file)?;
    let mut reader = Reader::default();
    for (index, packet) in trace.messages("packet").enumerate() {
        reader
            .packet(packet, index == 0)
            .map_err(|error| format!("packet {index}: {error}: {packet:?}"))?;
    }
    if reader.tracks.values().any(|(depth, _)| *depth > 0) {
        return Err("a slice has no end".into());
    }
    if !reader.is_explained {
        return Err("the trace does not tell of its clock".into());
    }
    Ok(reader.entries)
}

impl Reader {
    fn packet(&mut self, packet: &Fields, is_first: bool) -> Result<(), String> {
        if packet.number("trusted_packet_sequence_id") != Some(1) {
            return Err("another sequence".into());
        }
        let flags = packet.number("sequence_flags").ok_or("no flags")?;
        if packet.number("first_packet_on_sequence") != is_first.then_some(1)
            || (flags & CLEARED != 0) != is_first
            || flags & !(CLEARED | NEEDS_STATE) != 0
        {
            return Err("flags of a sequence's first packet".into());
        }
        self.is_ready |= flags & CLEARED != 0;
        if let Some(data) = packet.message("interned_data") {
            for index in ["event_categories", "event_names", "debug_annotation_names"] {
                for entry in data.messages(index) {
                    let iid = entry.number("iid").ok_or("no iid")?;
                    let name = entry.text("name").ok_or("no name")?;
                    let before = self.interned.insert((index, iid), name.to_string());
                    if iid == 0 || before.is_some() {
                        return Err(format!("{index} {iid} is defined twice, or 0"));
                    }
                }
            }
        }
        match (
            packet.message("track_descriptor"),
            packet.message("track_event"),
            packet.number("timestamp"),
        ) {
            (Some(track), None, None) => self.track(track),
            (None, Some(event), Some(nanoseconds)) => {
                if flags & NEEDS_STATE == 0 || !self.is_ready {
                    return Err("an event without state".into());
                }
                if nanoseconds % 1000 != 0 || nanoseconds < self.last {
                    return Err("time runs backwards, or is no microsecond".into());
                }
                self.last = nanoseconds;
                self.event(event, nanoseconds / 1000)
            }
            (None, None, None) if is_first => Ok(()),
            _ => Err("neither a track nor an event".into()),
        }
    }

    fn track(&mut self, track: &Fields) -> Result<(), String> {
        let uuid = track.number("uuid").ok_or("a track without uuid")?;
        let cpu = match (track.message("process"), track.number("parent_uuid")) {
            (Some(process), None) => {
                let named = process.text("process_name") == Some("Glass Kernel");
                if !named || process.number("pid") != Some(1) {
                    return Err("the process".into());
                }
                None
            }
            (None, Some(parent)) if self.tracks.contains_key(&parent) => {
                let name = track.text("name").ok_or("a track without name")?;
                let cpu = name.strip_prefix("CPU ").ok_or("a CPU's name")?;
                Some(cpu.parse().map_err(|_| "a CPU's number")?)
            }
            _ => return Err("a track under none".into()),
        };
        if uuid == 0 || self.tracks.insert(uuid, (0, cpu)).is_some() {
            return Err("a track is described twice, or is 0".into());
        }
        Ok(())
    }

    fn name(&self, index: &'static str, iid: u64) -> Result<&str, String> {
        let name = self.interned.get(&(index, iid));
        name.map(String::as_str)
            .ok_or_else(|| format!("{index} {iid} is not defined yet"))
    }

    fn event(&mut self, event: &Fields, at: u64) -> Result<(), String> {
        let kind = event.number("type").ok_or("no type")?;
        let uuid = event.number("track_uuid").ok_or("no track")?;
        let (_, cpu) = *self.tracks.get(&uuid).ok_or("an unknown track")?;
        let mut categories: Vec<String> = Vec::new();
        for value in event.all("categories") {
            categories.extend(match value {
                Value::Text(text) => Some(text.clone()),
                _ => None,
            });
        }
        for value in event.all("category_iids") {
            if let Value::Number(iid) = value {
                categories.push(self.name("event_categories", *iid)?.to_string());
            }
        }
        let name = match (event.text("name"), event.number("name_iid")) {
            (Some(name), None) => name,
            (None, Some(iid)) => self.name("event_names", iid)?,
            (None, None) if kind == 2 => "",
            _ => return Err("no name, or two".into()),
        };
        let name = name.to_string();
        let mut fields = Vec::new();
        for annotation in event.messages("debug_annotations") {
            fields.push(self.annotation(&name, annotation)?);
        }
        let Some(cpu) = cpu else {
            if (kind, name.as_str()) != (3, "about this trace") || fields.len() != 2 {
                return Err("an unknown event of the process".into());
            }
            self.is_explained = fields[0].starts_with("clock=virtual");
            return Ok(());
        };
        let categories: Vec<&str> = categories.iter().map(String::as_str).collect();
        let depth = &mut self.tracks.get_mut(&uuid).ok_or("an unknown track")?.0;
        let entry = match (kind, categories.as_slice()) {
            (1, ["console"]) if fields.is_empty() => {
                *depth += 1;
                Entry::Begin { name, at, cpu }
            }
            (2, []) if fields.is_empty() => {
                *depth = depth.checked_sub(1).ok_or("ends nothing")?;
                Entry::End { at, cpu }
            }
            (3, ["trace"]) if name == "lost events" && fields.len() == 1 => {
                let count = fields[0].strip_prefix("events=").ok_or("how many")?;
                let count = count.parse().map_err(|_| "how many")?;
                Entry::Lost { count }
            }
            (3, [category]) if CATEGORIES.contains(category) => {
                let names = fields.iter().map(|field| field.split('=').next());
                if !names.eq(order_of_fields(&name)?.iter().map(|name| Some(*name))) {
                    return Err("the event's fields".into());
                }
                Entry::Event {
                    at,
                    cpu,
                    name,
                    fields: fields.join(" "),
                }
            }
            _ => return Err("an unknown type or category".into()),
        };
        self.entries.push(entry);
        Ok(())
    }

    /// A field as the kernel prints it.
    fn annotation(&self, event: &str, annotation: &Fields) -> Result<String, String> {
        let name = match (annotation.text("name"), annotation.number("name_iid")) {
            (Some(name), None) => name,
            (None, Some(iid)) => self.name("debug_annotation_names", iid)?,
            _ => return Err("an annotation without name, or with two".into()),
        };
        let [_, (kind, value)] = annotation.0.as_slice() else {
            return Err("an annotation has a name and a value".into());
        };
        let value = match (*kind, value) {
            ("string_value", Value::Text(text)) => text.clone(),
            ("uint_value", Value::Number(number)) => number.to_string(),
            ("int_value", Value::Number(number)) => (*number as i64).to_string(),
            ("pointer_value", Value::Number(0)) => "(null)".into(),
            ("pointer_value", Value::Number(number)) => format!("{number:016x}"),
            _ => return Err(format!("a value of {event}")),
        };
        Ok(format!("{name}={value}"))
    }
}

/// The groups of the kernel's events.
pub const CATEGORIES: [&str; 10] = [
    "console",
    "kmem",
    "radix_tree",
    "fs",
    "sched",
    "signal",
    "mm",
    "cgroup",
    "oom",
    "vmscan",
];

/// The fields of each event, in the order in which the kernel prints them.
pub fn order_of_fields(event: &str) -> Result<&'static [&'static str], String> {
    Ok(match event {
        "line" => &["step", "bytes", "hash"],
        "mm_page_alloc" => &["pfn", "order", "gfp_flags"],
        "mm_page_free" => &["pfn", "order"],
        "oom_invoke" => &["pid", "gfp_flags", "order", "constraint", "nodes", "policy"],
        "oom_select" => &[
            "decision",
            "verdict",
            "pid",
            "points",
            "candidates",
            "skipped",
        ],
        "mark_victim" => &["pid", "chosen", "why", "points", "pages", "swapped"],
        "oom_kill_refused" => &["pid", "chosen", "why"],
        "oom_policy" => &["old", "new"],
        "mem_notify" => &["zone", "status", "free", "threshold", "watchers", "woken"],
        "oom_notify" => &["container", "pid", "stage", "woken", "deadline"],
        "lowmem_shrink" => &["min_adj", "threshold", "free", "file", "rem"],
        "lowmem_select" => &["pid", "adj", "size"],
        "oom_priority" => &[
            "priority",
            "tied",
            "excluded",
            "elsewhere",
            "pid",
            "unfiltered",
        ],
        "mm_vmscan_kswapd_wake" => &["nid", "order", "free"],
        "mm_vmscan_direct_reclaim_begin" => &["pid", "order", "gfp_flags"],
        "mm_vmscan_direct_reclaim_end" => &["pid", "nr_reclaimed"],
        "mm_vmscan_lru_shrink" => &["nid", "lru", "nr_scanned", "nr_reclaimed", "priority"],
        "mm_shrink_slab" => &["shrinker", "scanned", "objects", "freed"],
        "mm_vmscan_swap_out" => &["pfn", "slot", "entries", "written", "address"],
        "mm_vmscan_swap_in" => &["mm", "address", "slot", "pfn", "cached"],
        "kmem_cache_alloc" => &["name", "ptr", "bytes_req", "bytes_alloc", "gfp_flags"],
        "kmem_cache_free" => &["name", "ptr"],
        "radix_tree_extend" | "radix_tree_shrink" => &["root", "height"],
        "radix_tree_insert" => &["root", "key", "item", "ret"],
        "radix_tree_delete" => &["root", "key", "item"],
        "radix_tree_tag_set" => &["root", "key", "tag", "ret"],
        "radix_tree_tag_clear" => &["root", "key", "tag", "item"],
        "radix_tree_preload" => &["cpu", "nodes", "ret"],
        "create" => &["ino", "parent", "mode"],
        "remove" => &["ino", "parent"],
        "fail_nth" => &["ret"],
        "kmem_cache_defrag" => &["name", "pfn", "inuse", "objects", "ratio", "taken"],
        "kmem_cache_vacate" => &["name", "pfn", "inuse", "pinned", "left"],
        "kmem_cache_defrag_begin" => &["name", "node", "slabs", "partial", "max_partial", "room"],
        "kmem_cache_defrag_end" => &["name", "node", "slabs", "partial"],
        "kmem_cache_get" => &["name", "pfn", "first", "used", "pinned", "private"],
        "kmem_cache_move" => &["name", "from", "to"],
        "kmem_cache_vacate_refused" => &["name", "pfn", "why"],
        "lookup" => &["parent", "ino"],
        "prune_dcache" => &["count", "spared", "freed", "unused"],
        "prune_icache" => &["count", "freed", "unused"],
        "sched_switch" => &[
            "prev_pid",
            "prev_state",
            "next_pid",
            "vruntime",
            "second",
            "clock",
        ],
        "sched_wakeup" => &[
            "pid",
            "target_cpu",
            "vruntime",
            "curr_vruntime",
            "granularity",
            "preempts",
        ],
        "sched_migrate_task" => &["pid", "prio", "orig_cpu", "dest_cpu", "imbalance", "load"],
        "sched_pick_group" => &["group", "vruntime", "second", "weight", "load"],
        "sched_wakeup_new" => &[
            "pid",
            "target_cpu",
            "vruntime",
            "min_vruntime",
            "placed",
            "swapped",
        ],
        "sched_slice_end" => &["pid", "ran", "slice", "weight", "load", "nr_running"],
        "page_fault" => &["mm", "address", "write", "fault", "pfn", "old"],
        "mmap" => &["mm", "address", "length", "flags"],
        "munmap" => &["mm", "address", "length", "pages"],
        "dup_mm" => &["from", "to", "areas", "pages", "tables"],
        "sched_process_exec" => &["pid", "ino", "mm"],
        "sched_process_fork" => &[
            "parent_pid",
            "child_pid",
            "clone_flags",
            "threads",
            "total_forks",
        ],
        "sched_fork_refused" => &["parent_pid", "uid", "ret", "rule", "count", "limit"],
        "sched_process_exit" => &["pid", "tgid", "code", "live"],
        "sched_reparent" => &["pid", "old_parent", "new_parent"],
        "sched_process_wait" => &["pid", "child_pid", "status", "what"],
        "signal_generate" => &["sig", "pid", "sender", "group", "result", "chosen"],
        "signal_deliver" => &["sig", "pid", "action"],
        "sched_process_free" => &["pid", "parent"],
        "rename" => &["ino", "parent", "new_parent"],
        "cgroup_callback" => &["callback", "subsys", "container", "old", "pid", "ret"],
        "cgroup_setup_root" => &["root", "subsys", "top"],
        "cgroup_destroy_root" => &["root", "subsys"],
        "cgroup_remount" => &["root", "old", "new"],
        "cgroup_mkdir" => &["root", "container", "parent", "ret"],
        "cgroup_rmdir" => &["root", "container", "parent", "ret"],
        "cgroup_attach_task" => &["root", "container", "old", "pid"],
        "cgroup_release" => &["root", "container", "stage"],
        "cgroup_limit" => &["subsys", "container", "pid", "asked", "usage", "limit"],
        "cgroup_css_set" => &["set", "links"],
        other => return Err(format!("an unknown event {other:?}")),
    })
}
