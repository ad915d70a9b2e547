//! Carries out the effects of keeping sessions, by way of `keeper.js`.

use js_sys::{Array, Promise, Uint8Array};
use labs::LOG_MAX;
use labs::log::{self, Heading};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use yew::Callback;

use crate::address::{self, Address, Payload};
use crate::carrier::text;
use crate::settings::Settings;
use crate::state::Action as PageAction;
use crate::state::library::{
    Action, Branch, Effect, Kept, Record, Shared, Write, bundle, file_name,
};

/// Where the browser keeps the settings; `boot.js` reads it as well.
const SETTINGS_KEY: &str = "glass-settings";

#[wasm_bindgen(raw_module = "./keeper.js")]
extern "C" {
    #[wasm_bindgen(js_name = mayHave)]
    fn may_have() -> bool;
    fn start(lab: &str) -> Promise;
    fn take(id: &str) -> Promise;
    fn read(id: &str) -> Promise;
    fn save(row: &Row, from: u32, lines: &Array, branches: &JsValue) -> Promise;
    fn note(row: &Row, is_urgent: bool);
    fn leave();
    fn list() -> Promise;
    fn add(row: &Row, lines: &Array, branches: &Array) -> Promise;
    fn duplicate(id: &str) -> Promise;
    fn rename(id: &str, name: &str) -> Promise;
    fn bury(id: &str, gone: bool) -> Promise;
    fn pack(bytes: &Uint8Array) -> Promise;
    fn unpack(text: &str, max: u32) -> Promise;
    fn deposit(bytes: &Uint8Array) -> Promise;
    fn withdraw(id: &str) -> Promise;
    fn download(name: &str, bytes: &Uint8Array);
    #[wasm_bindgen(js_name = copyText)]
    pub fn copy_text(text: &str) -> Promise;
    fn register(ready: &js_sys::Function);
    fn update();
}

#[wasm_bindgen]
extern "C" {
    /// A row of `sessions`.
    #[wasm_bindgen(extends = js_sys::Object)]
    type Row;
    #[wasm_bindgen(method, getter)]
    fn id(this: &Row) -> String;
    #[wasm_bindgen(method, setter)]
    fn set_id(this: &Row, id: &str);
    #[wasm_bindgen(method, getter)]
    fn name(this: &Row) -> String;
    #[wasm_bindgen(method, setter)]
    fn set_name(this: &Row, name: &str);
    #[wasm_bindgen(method, getter)]
    fn heading(this: &Row) -> String;
    #[wasm_bindgen(method, setter)]
    fn set_heading(this: &Row, heading: &str);
    #[wasm_bindgen(method, getter)]
    fn steps(this: &Row) -> u32;
    #[wasm_bindgen(method, setter)]
    fn set_steps(this: &Row, steps: u32);
    #[wasm_bindgen(method, getter)]
    fn step(this: &Row) -> u32;
    #[wasm_bindgen(method, setter)]
    fn set_step(this: &Row, step: u32);
    #[wasm_bindgen(method, getter)]
    fn host(this: &Row) -> String;
    #[wasm_bindgen(method, setter)]
    fn set_host(this: &Row, host: &str);
    #[wasm_bindgen(method, getter)]
    fn attempt(this: &Row) -> u32;
    #[wasm_bindgen(method, setter)]
    fn set_attempt(this: &Row, attempt: u32);
    #[wasm_bindgen(method, getter)]
    fn when(this: &Row) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn gone(this: &Row) -> Option<bool>;

    /// A session with all that belongs to it.
    type Whole;
    #[wasm_bindgen(method, getter)]
    fn row(this: &Whole) -> Row;
    #[wasm_bindgen(method, getter)]
    fn lines(this: &Whole) -> Array;
    #[wasm_bindgen(method, getter)]
    fn branches(this: &Whole) -> Array;
    #[wasm_bindgen(method, getter, js_name = isCopy)]
    fn is_copy(this: &Whole) -> bool;
}

impl Row {
    fn of(record: &Record) -> Row {
        let row: Row = js_sys::Object::new().unchecked_into();
        row.set_id(&record.id);
        row.set_name(&record.name);
        row.set_heading(&record.heading);
        row.set_steps(record.steps);
        row.set_step(record.step);
        row.set_host(&record.host);
        row.set_attempt(record.attempt);
        row
    }

    fn record(&self) -> Record {
        Record {
            id: self.id(),
            name: self.name(),
            heading: self.heading(),
            steps: self.steps(),
            step: self.step(),
            host: self.host(),
            attempt: self.attempt(),
            when: self.when().unwrap_or_default(),
            gone: self.gone().unwrap_or_default(),
        }
    }
}

/// Reads the page's address.
pub fn address() -> (Address, Result<(), String>) {
    Address::parse(
        &of_address(web_sys::Location::search),
        &of_address(web_sys::Location::hash),
    )
}

/// A piece of the page's address.
fn of_address(piece: fn(&web_sys::Location) -> Result<String, JsValue>) -> String {
    let location = web_sys::window().map(|window| window.location());
    location
        .and_then(|location| piece(&location).ok())
        .unwrap_or_default()
}

/// Reads the settings.
pub fn settings() -> Settings {
    let storage = web_sys::window().and_then(|window| window.local_storage().ok().flatten());
    let text = storage.and_then(|storage| storage.get_item(SETTINGS_KEY).ok().flatten());
    Settings::parse(&text.unwrap_or_default())
}

/// Finds what the page begins with: what its address brings, else what was left here.
pub fn begin(address: Address, act: Callback<PageAction>) {
    let act = act.reform(PageAction::Library);
    spawn_local(async move {
        let is_link = address.payload.is_some();
        let lab = address.lab.clone().unwrap_or_default();
        let (no_edit, step) = (address.no_edit, address.step);
        match address.payload.clone() {
            None | Some(Payload::Live(_)) => act.emit(Action::Address(Ok(Address {
                step: None,
                ..address
            }))),
            Some(payload) => act.emit(Action::Arrived(fetch(payload).await, step)),
        }
        if !is_link && !no_edit && !may_have() {
            act.emit(Action::Started(Ok(None)));
        }
        // A link is a session of its own, so the last one is left alone.
        let kept = match is_link || no_edit {
            true if no_edit => Ok(None),
            true => settle(list()).await.map(|_| None),
            false => settle(start(&lab)).await.map(|whole| kept(&whole)),
        };
        act.emit(Action::Started(kept));
        if let (Some(step), false) = (step, is_link) {
            act.emit(Action::Address(Ok(Address {
                step: Some(step),
                ..Address::default()
            })));
        }
    });
}

/// Makes the page work without a network, and tells when a newer version of it is there.
pub fn install(act: Callback<PageAction>) {
    let ready = wasm_bindgen::closure::Closure::<dyn Fn()>::new(move || {
        act.emit(PageAction::Library(Action::UpdateReady));
    });
    register(ready.as_ref().unchecked_ref());
    // It lives as long as the page.
    ready.forget();
}

/// Carries out an effect; what comes of it is reported.
pub fn perform(effect: Effect, act: &Callback<PageAction>) {
    // These are done at once: the page may end before anything that waits.
    match effect {
        Effect::Note(record, is_urgent) => note(&Row::of(&record), is_urgent),
        Effect::Leave => leave(),
        Effect::Download(name, bytes) => offer(&name, &bytes),
        Effect::ClearAddress => clear_address(),
        Effect::Remember(settings) => remember(&settings),
        Effect::Update => update(),
        effect => {
            let act = act.clone();
            spawn_local(async move {
                if let Some(action) = result_of(effect).await {
                    act.emit(PageAction::Library(action));
                }
            });
        }
    }
}

/// Carries out an effect that takes its time.
async fn result_of(effect: Effect) -> Option<Action> {
    let listing = match effect {
        Effect::Write(write) => return Some(Action::Kept(write.epoch, store(&write).await)),
        Effect::Fetch(id) => {
            let whole = settle(take(&id)).await;
            return Some(Action::Opened(whole.map(|whole| kept(&whole))));
        }
        Effect::Follow(payload, step) => return Some(Action::Arrived(fetch(payload).await, step)),
        Effect::Link { log, step, max } => {
            return Some(Action::Linked(link(&log, step, max).await));
        }
        Effect::Copy(fragment) => {
            let copied = settle(copy_text(&url_with(&fragment))).await;
            return Some(Action::Copied(copied.is_ok()));
        }
        Effect::Export(id) => {
            let (name, log) = log_of(&id).await?;
            offer(&file_name(&name), &log);
            return None;
        }
        Effect::ExportAll => {
            let mut sessions = Vec::new();
            for record in listed().await.unwrap_or_default() {
                sessions.extend(log_of(&record.id).await);
            }
            offer("sessions.glass", &bundle(&sessions));
            return None;
        }
        Effect::Store(sessions) => {
            for (record, lines) in &sessions {
                let added = add(&Row::of(record), &js_lines(lines), &Array::new());
                if let Err(reason) = settle(added).await {
                    return Some(Action::Imported(Err(reason)));
                }
            }
            return Some(Action::Imported(Ok(sessions.len())));
        }
        Effect::Duplicate(id) => duplicate(&id),
        Effect::Rename(id, name) => rename(&id, &name),
        Effect::Delete(id, gone) => bury(&id, gone),
        _ => Promise::resolve(&JsValue::NULL),
    };
    Some(Action::Listed(match settle(listing).await {
        Ok(_) => listed().await,
        Err(reason) => Err(reason),
    }))
}

/// Offers bytes as a file.
pub fn offer(name: &str, bytes: &[u8]) {
    download(name, &Uint8Array::from(bytes));
}

/// The page's own address with another fragment; of the query, what says how to show it goes.
pub fn url_with(fragment: &str) -> String {
    let origin = of_address(web_sys::Location::origin);
    let path = of_address(web_sys::Location::pathname);
    format!("{origin}{path}{fragment}")
}

/// A promise's value, or why it failed as a sentence.
async fn settle(promise: Promise) -> Result<JsValue, String> {
    JsFuture::from(promise).await.map_err(text)
}

async fn listed() -> Result<Vec<Record>, String> {
    let rows: Array = settle(list()).await?.unchecked_into();
    let records = rows.iter().map(|row| row.unchecked_into::<Row>().record());
    Ok(records.filter(|record| !record.gone).collect())
}

fn kept(whole: &JsValue) -> Option<Kept> {
    if !whole.is_object() {
        return None;
    }
    let whole: &Whole = whole.unchecked_ref();
    let bytes = |value: JsValue| Uint8Array::new(&value).to_vec();
    let branch = |value: JsValue| {
        let parts: Array = value.unchecked_into();
        let hash = parts.get(1).as_string().unwrap_or_default();
        let lines: Array = parts.get(2).unchecked_into();
        Branch {
            at: parts.get(0).as_f64().unwrap_or_default() as u32,
            chain: u64::from_str_radix(&hash, 16).unwrap_or_default(),
            lines: lines.iter().map(bytes).collect(),
        }
    };
    Some(Kept {
        record: whole.row().record(),
        lines: whole.lines().iter().map(bytes).collect(),
        branches: whole.branches().iter().map(branch).collect(),
        is_copy: whole.is_copy(),
    })
}

fn js_lines(lines: &[Vec<u8>]) -> Array {
    lines
        .iter()
        .map(|line| Uint8Array::from(line.as_slice()))
        .collect()
}

async fn store(write: &Write) -> Result<String, String> {
    let branches = match &write.branches {
        None => JsValue::UNDEFINED,
        Some(branches) => {
            let parts = |branch: &Branch| {
                let chain = format!("{:016x}", branch.chain);
                Array::of3(&branch.at.into(), &chain.into(), &js_lines(&branch.lines))
            };
            branches.iter().map(parts).collect::<Array>().into()
        }
    };
    let row = Row::of(&write.record);
    let saved = save(&row, write.from as u32, &js_lines(&write.lines), &branches);
    Ok(settle(saved).await?.as_string().unwrap_or_default())
}

/// A kept session's name and its log.
pub async fn log_of(id: &str) -> Option<(String, Vec<u8>)> {
    let kept = kept(&settle(read(id)).await.ok()?)?;
    let mut heading = Heading::parse(&kept.record.heading).ok()?;
    // The seal is that of the lines that have an answer.
    heading.seal = heading
        .seal
        .filter(|_| kept.record.steps as usize == kept.lines.len());
    let log = log::write(&heading, kept.lines.iter().map(Vec::as_slice));
    Some((kept.record.name, log))
}

/// The log that a link stands for.
async fn fetch(payload: Payload) -> Result<Vec<u8>, String> {
    let bytes = match payload {
        Payload::Log(packed) => settle(unpack(&packed, LOG_MAX as u32)).await?,
        Payload::Link(id) => settle(withdraw(&id)).await?,
        Payload::Live(_) => return Err(words::library::followed_not_fetched().to_string()),
    };
    Ok(Uint8Array::new(&bytes).to_vec())
}

/// Packs a log into a link of at most `max` characters, or leaves it with the server.
async fn link(log: &[u8], step: u32, max: usize) -> Result<Shared, String> {
    let bytes = Uint8Array::from(log);
    let packed = settle(pack(&bytes)).await?.as_string().unwrap_or_default();
    let mut fragment = address::of_log(&packed);
    if url_with(&fragment).len() > max {
        match settle(deposit(&bytes)).await {
            Ok(id) => fragment = address::of_link(&id.as_string().unwrap_or_default()),
            // Without a server the link is long, which most programs bear.
            Err(_) => web_sys::console::debug_1(&"no server keeps links here".into()),
        }
    }
    Ok(Shared { fragment, step })
}

/// The session has a place of its own now; loading the page again must not go back to the link.
fn clear_address() {
    let Some(window) = web_sys::window() else {
        return;
    };
    let location = window.location();
    let is_link = location.hash().is_ok_and(|hash| {
        const PASSING: [&str; 11] = [
            "#log=",
            "#link=",
            "#step=",
            "#performance",
            "#tour",
            "#playground",
            "#example=",
            "#labs",
            "#glossary",
            "#term=",
            "#search",
        ];
        PASSING.iter().any(|beginning| hash.starts_with(beginning))
    });
    if let (true, Ok(history)) = (is_link, window.history()) {
        let rest = [location.pathname(), location.search()].map(Result::unwrap_or_default);
        // A page in a sandbox may not; then a reload goes back to the link, and the list has the
        // session.
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&rest.concat()));
    }
}

fn remember(settings: &Settings) {
    let storage = web_sys::window().and_then(|window| window.local_storage().ok().flatten());
    if let Some(storage) = storage {
        // A full or forbidden storage forgets the settings with the page.
        let _ = storage.set_item(SETTINGS_KEY, &settings.write());
    }
}
