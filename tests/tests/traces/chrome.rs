//! Reads Chrome's JSON by the rules of the Trace Event Format: an object with `traceEvents`; each
//! event with the fields that its phase needs, and no others; threads named before they are used;
//! slices nested on each thread.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::Entry;

pub fn read(file: &[u8]) -> Result<Vec<Entry>, String> {
    let value: Value = serde_json::from_slice(file).map_err(|error| error.to_string())?;
    let top = value.as_object().ok_or("no object")?;
    let keys: BTreeSet<&str> = top.keys().map(String::as_str).collect();
    if keys != BTreeSet::from(["displayTimeUnit", "otherData", "traceEvents"]) {
        return Err(format!("the file's fields are {keys:?}"));
    }
    if !matches!(top["displayTimeUnit"].as_str(), Some("ms" | "ns")) {
        return Err("displayTimeUnit is ms or ns".into());
    }
    let about = top["otherData"].as_object().ok_or("otherData")?;
    if !about.values().all(Value::is_string) || !about.contains_key("clock") {
        return Err("otherData does not tell of the clock".into());
    }
    let events = top["traceEvents"].as_array().ok_or("traceEvents")?;
    let mut reader = Reader::default();
    for event in events {
        let map = event.as_object().ok_or("an event that is no object")?;
        reader
            .event(map)
            .map_err(|error| format!("{error} in {event}"))?;
    }
    if !reader.is_process_named || reader.open.values().any(|&depth| depth > 0) {
        return Err("the process has no name, or a slice no end".into());
    }
    Ok(reader.entries)
}

#[derive(Default)]
struct Reader {
    entries: Vec<Entry>,
    is_process_named: bool,
    /// Slices that are open, by thread.
    open: BTreeMap<u64, u32>,
    last: u64,
}

impl Reader {
    fn event(&mut self, event: &Map<String, Value>) -> Result<(), String> {
        let phase = event.get("ph").and_then(Value::as_str).ok_or("no phase")?;
        let keys: BTreeSet<&str> = event.keys().map(String::as_str).collect();
        let wanted: &[&str] = match phase {
            "M" if event.get("name").is_some_and(|name| name == "process_name") => {
                &["args", "name", "ph", "pid"]
            }
            "M" => &["args", "name", "ph", "pid", "tid"],
            "B" => &["cat", "name", "ph", "pid", "tid", "ts"],
            "E" => &["ph", "pid", "tid", "ts"],
            "i" => &["args", "cat", "name", "ph", "pid", "s", "tid", "ts"],
            other => return Err(format!("phase {other:?}")),
        };
        if keys != wanted.iter().copied().collect() {
            return Err(format!("the fields are {keys:?}"));
        }
        let number = |key: &str| event.get(key).and_then(Value::as_u64).ok_or("a number");
        let text = |key: &str| event.get(key).and_then(Value::as_str).ok_or("a text");
        if number("pid")? != 1 {
            return Err("an unknown process".into());
        }
        if phase == "M" {
            let name = event.get("args").and_then(|args| args["name"].as_str());
            return match (text("name")?, name) {
                ("process_name", Some("Glass Kernel")) if !self.is_process_named => {
                    self.is_process_named = true;
                    Ok(())
                }
                ("thread_name", Some(name)) if self.last == 0 => {
                    let cpu = number("tid")?;
                    if name != format!("CPU {cpu}") || self.open.insert(cpu, 0).is_some() {
                        return Err("a thread's name".into());
                    }
                    Ok(())
                }
                _ => Err("unknown metadata".into()),
            };
        }
        let (at, cpu) = (number("ts")?, number("tid")?);
        if at < self.last {
            return Err("time runs backwards".into());
        }
        self.last = at;
        let depth = self.open.get_mut(&cpu).ok_or("a thread without a name")?;
        let name = event.get("name").and_then(Value::as_str);
        let name = name.unwrap_or_default().to_string();
        self.entries.push(match phase {
            "B" => {
                *depth += 1;
                if text("cat")? != "console" || name.is_empty() {
                    return Err("an unknown slice".into());
                }
                Entry::Begin { name, at, cpu }
            }
            "E" => {
                *depth = depth.checked_sub(1).ok_or("ends nothing")?;
                Entry::End { at, cpu }
            }
            _ => instant(event, text("cat")?, name, at, cpu)?,
        });
        Ok(())
    }
}

fn instant(
    event: &Map<String, Value>,
    category: &str,
    name: String,
    at: u64,
    cpu: u64,
) -> Result<Entry, String> {
    if event["s"] != "t" {
        return Err("the scope is the thread".into());
    }
    let args = event["args"].as_object().ok_or("args")?;
    if category == "trace" && name == "lost events" && args.len() == 1 {
        let count = args["events"].as_u64().ok_or("how many")?;
        return Ok(Entry::Lost { count });
    }
    if !super::perfetto::CATEGORIES.contains(&category) {
        return Err("an unknown category".into());
    }
    let mut fields = Vec::new();
    // The order of an object's fields means nothing in JSON; the tables tell it.
    for name in super::perfetto::order_of_fields(&name)? {
        let value = args.get(*name).ok_or_else(|| format!("no field {name}"))?;
        fields.push(match value {
            Value::Number(number) if number.is_u64() || number.is_i64() => {
                format!("{name}={number}")
            }
            Value::String(text) => format!("{name}={text}"),
            _ => return Err(format!("field {name}")),
        });
    }
    if fields.len() != args.len() {
        return Err("fields that the event has not got".into());
    }
    Ok(Entry::Event {
        at,
        cpu,
        name,
        fields: fields.join(" "),
    })
}
