//! What a lab needs of the browser: files of the site, what is remembered, the server, the focus.

use js_sys::{Array, JSON, Object, Reflect, Uint8Array};
use labs::lab::{CATALOGUE, file_name, from_bytes};
use labs::log::LabTag;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    Document, HtmlDialogElement, HtmlElement, HtmlInputElement, RequestInit, Response,
    ScrollIntoViewOptions, ScrollLogicalPosition, Storage,
};
use words::lesson as say;
use yew::Callback;

use super::pane::LessonPane;
use crate::address::Address;
use crate::library::journal::offer;
use crate::page::later;
use crate::state::Action;
use crate::state::lesson::{self, Effect, Receipt, Spot, Student};

/// Under which the browser remembers who works here: the name, and on a second line the key.
const STUDENT_KEY: &str = "glass-student";

/// Says at the start who works here, if the page's address or the browser knows.
pub fn begin(address: &Address, act: &Callback<Action>) {
    let named = address.student.as_ref().map(|name| Student {
        name: name.trim().to_string(),
        key: address.key.clone().filter(|key| !key.is_empty()),
    });
    if let Some(student) = named.or_else(remembered_student) {
        act.emit(Action::Lesson(lesson::Action::Student(student)));
    }
}

/// Carries out an effect. `is_wide` tells whether console and handout are both in sight.
pub fn perform(effect: Effect, act: &Callback<Action>, is_wide: bool) {
    let report = {
        let act = act.clone();
        move |action| act.emit(Action::Lesson(action))
    };
    match effect {
        Effect::FetchCatalogue => spawn_local(async move {
            let bytes = fetch(&format!("labs/{CATALOGUE}")).await;
            report(lesson::Action::Listed(
                bytes.and_then(|bytes| from_bytes(&bytes)),
            ));
        }),
        Effect::FetchLab(id) => spawn_local(async move {
            // The code that draws it comes along, so that it stands as soon as the lab is open.
            spawn_local(async {
                LessonPane::fetched().await;
            });
            let bytes = fetch(&format!("labs/{}", file_name(&id))).await;
            LessonPane::fetched().await;
            let lab = bytes.and_then(|bytes| from_bytes(&bytes)).map(Box::new);
            report(lesson::Action::Fetched(id, lab));
        }),
        Effect::Recall(tags) => {
            let found = tags.into_iter().filter_map(|tag| {
                let text = storage()?.get_item(&progress_key(&tag)).ok()??;
                Some((tag, text))
            });
            report(lesson::Action::Recalled(found.collect()));
        }
        Effect::Keep(tag, text) => remember(&progress_key(&tag), &text),
        Effect::KeepStudent(Student { name, key }) => {
            remember(STUDENT_KEY, &format!("{name}\n{}", key.unwrap_or_default()));
        }
        Effect::HandIn {
            lab,
            student,
            log,
            score,
        } => spawn_local(async move {
            let body = submission(&student, &log, score);
            let result = post(&format!("api/labs/{lab}/submissions"), &body).await;
            report(lesson::Action::Graded(result));
        }),
        Effect::Save(name, log) => offer(&name, &log),
        Effect::Focus(spot) => later(move || focus(spot, is_wide)),
        Effect::Rescue(id) => later(move || rescue(&id)),
    }
}

fn remembered_student() -> Option<Student> {
    let text = storage()?.get_item(STUDENT_KEY).ok()??;
    let (name, key) = text.split_once('\n').unwrap_or((&text, ""));
    Some(Student {
        name: name.to_string(),
        key: Some(key.to_string()).filter(|key| !key.is_empty()),
    })
}

fn progress_key(tag: &LabTag) -> String {
    format!("glass-lab {tag}")
}

fn storage() -> Option<Storage> {
    web_sys::window()?.local_storage().ok().flatten()
}

/// Lets the browser remember a text. A full or forbidden storage forgets it with the page.
fn remember(key: &str, text: &str) {
    if let Some(storage) = storage() {
        let _ = storage.set_item(key, text);
    }
}

/// A file of the site.
pub async fn fetch(path: &str) -> Result<Vec<u8>, String> {
    let window = web_sys::window().ok_or(say::no_window())?;
    let response = JsFuture::from(window.fetch_with_str(path)).await;
    let response: Response = response
        .and_then(JsCast::dyn_into)
        .map_err(|_| say::site_silent().to_string())?;
    if !response.ok() {
        return Err(match response.status() {
            404 => say::site_lacks().to_string(),
            status => say::site_status(status),
        });
    }
    let cut = |_| say::cut_off().to_string();
    let buffer = JsFuture::from(response.array_buffer().map_err(cut)?).await;
    Ok(Uint8Array::new(&buffer.map_err(cut)?).to_vec())
}

/// A submission as JSON.
fn submission(student: &Student, log: &[u8], score: u32) -> String {
    let object = Object::new();
    let set = |name: &str, value: &JsValue| {
        // An object of our own takes any property.
        let _ = Reflect::set(&object, &name.into(), value);
    };
    set("student", &student.name.as_str().into());
    if let Some(key) = &student.key {
        set("key", &key.as_str().into());
    }
    match std::str::from_utf8(log) {
        Ok(log) => set("log", &log.into()),
        // The bytes of a log are part of its seal.
        Err(_) => {
            let letters: String = log.iter().map(|byte| char::from(*byte)).collect();
            let coded = web_sys::window().and_then(|window| window.btoa(&letters).ok());
            set("log_base64", &coded.unwrap_or_default().into());
        }
    }
    set("score", &score.into());
    // Strings and a number: there is nothing in it that is not JSON.
    JSON::stringify(&object)
        .map(String::from)
        .unwrap_or_default()
}

/// Hands a submission in and reads what the server makes of it.
async fn post(path: &str, body: &str) -> Result<Receipt, String> {
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&body.into());
    let headers = Array::of1(&Array::of2(
        &"Content-Type".into(),
        &"application/json".into(),
    ));
    init.set_headers(&headers);
    let window = web_sys::window().ok_or(say::no_window())?;
    let response = JsFuture::from(window.fetch_with_str_and_init(path, &init)).await;
    let response: Response = response
        .and_then(JsCast::dyn_into)
        .map_err(|_| say::server_silent().to_string())?;
    let status = response.status();
    let json = match response.json() {
        Ok(json) => JsFuture::from(json).await.unwrap_or_default(),
        Err(error) => error,
    };
    let field = |name: &str| Reflect::get(&json, &name.into()).unwrap_or_default();
    if !response.ok() {
        let reason = field("error").as_string();
        return Err(reason.unwrap_or_else(|| say::server_status(status)));
    }
    let number = |name: &str| field(name).as_f64().unwrap_or_default() as u32;
    Ok(Receipt {
        id: field("id").as_string().unwrap_or_default(),
        score: number("score"),
        max: number("max"),
    })
}

/// What stands in the text field of this id.
pub fn typed_into(id: &str) -> String {
    let input = document().and_then(|document| document.get_element_by_id(id));
    let input = input.and_then(|input| input.dyn_into::<HtmlInputElement>().ok());
    input.map(|input| input.value()).unwrap_or_default()
}

/// Gives the focus to the element of this id if nothing has it.
fn rescue(id: &str) {
    let Some(document) = document() else { return };
    let active = document.active_element();
    if active.is_some_and(|element| element.tag_name() != "BODY") {
        return;
    }
    let element = document.get_element_by_id(id);
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        // What cannot take the focus leaves it where it is.
        let _ = element.focus();
    }
}

fn focus(spot: Spot, is_wide: bool) {
    let id = match spot {
        Spot::Title => "lab-title",
        Spot::Results => "lab-results",
        Spot::LabsButton => "labs",
        // Beside the handout it is in sight anyway.
        Spot::Console if is_wide => return,
        Spot::Console => "console-output",
    };
    let Some(document) = document() else { return };
    let element = document.get_element_by_id(id);
    let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) else {
        return;
    };
    if let Some(dialog) = document.get_element_by_id("catalogue")
        && let Some(dialog) = dialog.dyn_ref::<HtmlDialogElement>()
    {
        // It gives the focus back to where it came from, so it closes first.
        dialog.close();
    }
    let active = document.active_element().map(|element| element.id());
    if spot == Spot::Results {
        let options = ScrollIntoViewOptions::new();
        options.set_block(ScrollLogicalPosition::Start);
        element.scroll_into_view_with_scroll_into_view_options(&options);
        // Whoever checks from the console goes on typing there.
        if active.as_deref() == Some("console-input") {
            return;
        }
    }
    // What cannot take the focus leaves it where it is.
    let _ = element.focus();
}

fn document() -> Option<Document> {
    web_sys::window()?.document()
}
