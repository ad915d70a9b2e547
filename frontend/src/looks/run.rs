//! Saving pictures: one as a file, or those of some steps as an animated image or a handout.

use gloo_events::EventListener;
use js_sys::{Promise, encode_uri_component};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    CanvasRenderingContext2d, Element, HtmlCanvasElement, HtmlElement, HtmlInputElement,
    SubmitEvent,
};
use words::looks as say;
use yew::{Callback, Html, TargetCast, hook, html};

use super::gif::Gif;
use super::picture::{self, Picture};
use crate::choices::Pane;
use crate::library::journal::offer;
use crate::page::frame;
use crate::part::drawn_by;
use crate::state::Action as Page;
use crate::state::looks::{Action, Image, Print, RUN_MAX, Run, Save};

/// Pixels of a saved image to one of the screen.
const SCALE: f64 = 2.0;
/// The widest animated image.
const GIF_WIDTH: f64 = 900.0;
/// How long it shows a step, in hundredths of a second; and the last one.
const GIF_STEP: (u16, u16) = (80, 250);
/// How many frames of the screen a step may take to be shown.
const PATIENCE: u32 = 1200;

#[wasm_bindgen]
extern "C" {
    /// An image that is in no page.
    #[wasm_bindgen(js_name = Image)]
    type Pixels;
    #[wasm_bindgen(constructor, js_class = "Image")]
    fn new() -> Pixels;
    #[wasm_bindgen(method, setter)]
    fn set_src(this: &Pixels, address: &str);
    #[wasm_bindgen(method)]
    fn decode(this: &Pixels) -> Promise;

    /// A canvas's context, for what it makes of an image.
    type Painter;
    #[wasm_bindgen(method, catch, js_name = drawImage)]
    fn draw_image(
        this: &Painter,
        image: &Pixels,
        x: f64,
        y: f64,
        width: f64,
        height: f64,
    ) -> Result<(), JsValue>;
}

/// Saves what is to be saved, and says what became of it.
pub async fn save(save: Save, act: Callback<Page>) {
    let done = match save {
        Save::Picture(pane, step, image) => one(pane, step, image).await.map(|()| 1),
        Save::Run {
            pane,
            steps,
            print,
            back,
        } => {
            act.emit(Page::Show(pane));
            let done = run(pane, &steps, print, &act).await;
            act.emit(Page::Seek(back));
            done
        }
    };
    act.emit(Page::Looks(Action::Saved(done)));
}

/// A pane's picture.
async fn picture_of(pane: Pane, step: u32) -> Result<Picture, String> {
    let title = say::picture_title(pane.title(), step);
    let selector = ["#pane-", pane.label()].concat();
    let picture = picture::take(&selector, &title).await;
    let picture = picture.filter(|it| it.width >= 1.0 && it.height >= 1.0);
    picture.ok_or_else(|| say::not_on_screen().to_string())
}

async fn one(pane: Pane, step: u32, image: Image) -> Result<(), String> {
    let picture = picture_of(pane, step).await?;
    let name = format!("{}-{step}", pane.label());
    match image {
        Image::Svg => offer(&(name + ".svg"), picture.svg.as_bytes()),
        Image::Png => {
            let canvas = drawn(&picture, SCALE).await?;
            offer(&(name + ".png"), &png(&canvas).ok_or_else(undrawn)?);
        }
    }
    Ok(())
}

fn undrawn() -> String {
    say::not_drawn().to_string()
}

/// The picture on a canvas.
async fn drawn(picture: &Picture, scale: f64) -> Result<HtmlCanvasElement, String> {
    let canvas = drawn_or_none(picture, scale).await;
    canvas.ok_or_else(undrawn)
}

async fn drawn_or_none(picture: &Picture, scale: f64) -> Option<HtmlCanvasElement> {
    let image = Pixels::new();
    let text = String::from(encode_uri_component(&picture.svg));
    image.set_src(&["data:image/svg+xml;charset=utf-8,", &text].concat());
    JsFuture::from(image.decode()).await.ok()?;
    let document = web_sys::window()?.document()?;
    let canvas: HtmlCanvasElement = document.create_element("canvas").ok()?.dyn_into().ok()?;
    let (width, height) = (picture.width * scale, picture.height * scale);
    canvas.set_width(width.round().max(1.0) as u32);
    canvas.set_height(height.round().max(1.0) as u32);
    let context: Painter = context(&canvas)?.unchecked_into();
    context.draw_image(&image, 0.0, 0.0, width, height).ok()?;
    Some(canvas)
}

fn context(canvas: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    canvas.get_context("2d").ok()??.dyn_into().ok()
}

/// A canvas as a file.
fn png(canvas: &HtmlCanvasElement) -> Option<Vec<u8>> {
    let url = canvas.to_data_url_with_type("image/png").ok()?;
    let (_, coded) = url.split_once(',')?;
    let bytes = web_sys::window()?.atob(coded).ok()?;
    // Each character stands for a byte.
    Some(bytes.chars().map(|it| it as u8).collect())
}

/// The pictures of some steps.
async fn run(
    pane: Pane,
    steps: &[crate::state::looks::Page],
    print: Print,
    act: &Callback<Page>,
) -> Result<u32, String> {
    let mut gif: Option<Gif> = None;
    let mut size = (0, 0);
    let mut pages = String::new();
    for (done, page) in (0..).zip(steps) {
        act.emit(Page::Seek(page.step));
        shown().await?;
        let picture = picture_of(pane, page.step).await?;
        match print {
            Print::Gif => {
                let scale = (GIF_WIDTH / picture.width).min(1.0);
                let canvas = drawn(&picture, scale).await?;
                // The first frame's size is everybody's.
                let gif = gif.get_or_insert_with(|| {
                    size = (canvas.width(), canvas.height());
                    Gif::new(size.0 as u16, size.1 as u16)
                });
                let pixels = context(&canvas).and_then(|context| {
                    let (width, height) = (f64::from(size.0), f64::from(size.1));
                    context.get_image_data(0.0, 0.0, width, height).ok()
                });
                let pixels = pixels.ok_or_else(undrawn)?.data();
                let is_last = done as usize + 1 == steps.len();
                gif.frame(&pixels, if is_last { GIF_STEP.1 } else { GIF_STEP.0 });
            }
            Print::Handout => pages.push_str(&printed(page, &picture)),
        }
        // The last one is done when the file is.
        if (done as usize) + 1 < steps.len() {
            act.emit(Page::Looks(Action::Saved(Ok(done + 1))));
        }
    }
    match (print, gif) {
        (Print::Gif, Some(gif)) => {
            let ends = [steps.first(), steps.last()].map(|page| page.map_or(0, |page| page.step));
            let name = format!("{}-{}-{}.gif", pane.label(), ends[0], ends[1]);
            offer(&name, &gif.finish());
        }
        _ => hand_out(&pages)?,
    }
    Ok(steps.len() as u32)
}

/// Waits until the page shows what was asked for.
async fn shown() -> Result<(), String> {
    let document = web_sys::window().and_then(|window| window.document());
    let input = document.and_then(|document| document.get_element_by_id("console-input"));
    let input = input.ok_or_else(|| say::no_console().to_string())?;
    for waited in 0..PATIENCE {
        frame().await;
        let is_busy = input.get_attribute("data-busy").as_deref() == Some("true");
        if !is_busy && waited > 0 {
            return Ok(());
        }
    }
    Err(say::too_slow().to_string())
}

/// A step's page of a handout.
fn printed(page: &crate::state::looks::Page, picture: &Picture) -> String {
    use super::svg::escape;
    let line = match &*page.line {
        "" => say::page_boot().to_string(),
        line => ["# ", &escape(line)].concat(),
    };
    // Names of clips are of one picture, and must not be found in another.
    let prefix = format!("s{}-", page.step);
    let svg = picture
        .svg
        .replace("id=\"", &format!("id=\"{prefix}"))
        .replace("url(#", &format!("url(#{prefix}"));
    format!(
        r#"<section class="handout-page"><h2>{}<code>{line}</code></h2><pre>{}</pre>{svg}</section>"#,
        escape(&say::page_step(page.step)),
        escape(&page.printed)
    )
}

/// Puts the pages into the page, prints them, and takes them out again.
fn hand_out(pages: &str) -> Result<(), String> {
    let window = web_sys::window().ok_or_else(undrawn)?;
    let document = window.document().ok_or_else(undrawn)?;
    let (Ok(sheet), Some(body)) = (document.create_element("div"), document.body()) else {
        return Err(undrawn());
    };
    sheet.set_id("print");
    sheet.set_inner_html(pages);
    body.append_child(&sheet).map_err(|_| undrawn())?;
    let printed = sheet.clone();
    EventListener::once(&window, "afterprint", move |_| printed.remove()).forget();
    window.print().map_err(|_| say::not_printed().to_string())
}

/// The form that asks for a run.
#[derive(PartialEq)]
pub struct RunForm {
    pub steps: u32,
    pub run: Option<Run>,
    pub act: Callback<Page>,
}

drawn_by!(RunForm, use_run_form);

#[hook]
fn use_run_form(props: &RunForm) -> Html {
    let act = props.act.clone();
    let last = props.steps;
    let first = last.saturating_sub(9);
    let onsubmit = Callback::from(move |event: SubmitEvent| {
        event.prevent_default();
        let Some(form) = event.target_dyn_into::<Element>() else {
            return;
        };
        let number = |selector: &str| {
            let input = form.query_selector(selector).ok()??;
            let input: HtmlInputElement = input.dyn_into().ok()?;
            input.value().parse::<u32>().ok()
        };
        let id = event.submitter().map(|button: HtmlElement| button.id());
        let print = match id.as_deref() {
            Some("run-handout") => Print::Handout,
            _ => Print::Gif,
        };
        let (from, to) = (number("#run-from"), number("#run-to"));
        act.emit(Page::Looks(Action::Run(
            from.unwrap_or(first),
            to.unwrap_or(last),
            print,
        )));
    });
    let is_on = props.run.as_ref().is_some_and(Run::is_on);
    let answer = props.run.as_ref().map(|run| match &run.done {
        Ok(done) if run.is_on() => say::run_progress(done, run.steps),
        Ok(_) => say::run_done().to_string(),
        Err(reason) => say::run_refused(reason),
    });
    let most = last.to_string();
    html! {
        <form class="run-form" {onsubmit}>
            <h3>{ say::run() }</h3>
            <p class="dock-sentence">
                { say::run_note(RUN_MAX) }
            </p>
            <div class="dock-form">
                <label for="run-from">{ say::run_from() }</label>
                <input type="number" id="run-from" min="0" max={most.clone()} placeholder={first.to_string()} />
                <label for="run-to">{ say::run_to() }</label>
                <input type="number" id="run-to" min="0" max={most.clone()} placeholder={most} />
                <button class="tool" id="run-gif" disabled={is_on}
                    title={say::run_gif_title()}>
                    { say::run_gif() }
                </button>
                <button class="tool" id="run-handout" disabled={is_on}
                    title={say::run_handout_title()}>
                    { say::run_handout() }
                </button>
            </div>
            if let Some(answer) = answer {
                <p class="dock-answer" role="status" id="run-answer">{ answer }</p>
            }
        </form>
    }
}
