//! What all canvases of the page share: size, colours, and when to draw again.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_events::EventListener;
use wasm_bindgen::prelude::*;
use web_sys::{
    CanvasRenderingContext2d, CssStyleDeclaration, Element, HtmlCanvasElement, HtmlElement,
    MediaQueryList, MouseEvent, ResizeObserver,
};
use yew::Callback;

use crate::looks::palette::Colour;
use crate::pen::Pen;

/// A canvas ready to be drawn on, in CSS pixels.
pub struct Surface {
    /// What to draw with.
    pub pen: Rc<dyn Pen>,
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
}

impl Surface {
    /// Fits the canvas's pixels to its size on the screen and clears it. `None` while it has no
    /// size, in a hidden pane.
    pub fn of(canvas: &HtmlCanvasElement) -> Option<Surface> {
        let (width, height) = (
            f64::from(canvas.client_width()),
            f64::from(canvas.client_height()),
        );
        if width < 1.0 || height < 1.0 {
            return None;
        }
        let ratio = web_sys::window().map_or(1.0, |window| window.device_pixel_ratio());
        let ratio = ratio * zoom(canvas);
        let pixels = (
            (width * ratio).round() as u32,
            (height * ratio).round() as u32,
        );
        if (canvas.width(), canvas.height()) != pixels {
            canvas.set_width(pixels.0);
            canvas.set_height(pixels.1);
        }
        let context = canvas
            .get_context("2d")
            .ok()??
            .dyn_into::<CanvasRenderingContext2d>()
            .ok()?;
        if let Some(pen) = recording(canvas, &context) {
            return Some(Surface { pen, width, height });
        }
        context
            .set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0)
            .ok()?;
        context.clear_rect(0.0, 0.0, width, height);
        Some(Surface {
            pen: Rc::new(context),
            width,
            height,
        })
    }
}

/// Gives a pen to draw with in a canvas's place, if this is one whose drawing is wanted.
pub type Recorder =
    Box<dyn Fn(&HtmlCanvasElement, &CanvasRenderingContext2d) -> Option<Rc<dyn Pen>>>;

thread_local! {
    /// While a picture is being saved.
    static RECORDER: RefCell<Option<Recorder>> = const { RefCell::new(None) };
}

/// From now on, canvases are drawn with the recorder's pens; with `None`, on the screen again.
pub fn record(recorder: Option<Recorder>) {
    RECORDER.with(|held| *held.borrow_mut() = recorder);
}

fn recording(
    canvas: &HtmlCanvasElement,
    context: &CanvasRenderingContext2d,
) -> Option<Rc<dyn Pen>> {
    RECORDER.with(|held| held.borrow().as_ref()?(canvas, context))
}

/// How many pixels of the window one of an element's own is: more than one in a lecture hall.
pub fn zoom(element: &HtmlElement) -> f64 {
    let own = f64::from(element.offset_width());
    let seen = element.get_bounding_client_rect().width();
    if own > 0.0 && seen > 0.0 {
        seen / own
    } else {
        1.0
    }
}

/// Where a mouse or finger is on the element that hears of it, in the element's own pixels.
pub fn place(event: &MouseEvent) -> (f64, f64) {
    let target = event
        .target()
        .and_then(|it| it.dyn_into::<HtmlElement>().ok());
    let Some(target) = target else {
        return (0.0, 0.0);
    };
    let (rect, zoom) = (target.get_bounding_client_rect(), zoom(&target));
    (
        (f64::from(event.client_x()) - rect.left()) / zoom,
        (f64::from(event.client_y()) - rect.top()) / zoom,
    )
}

/// Things should not move that need not: the system says so, or the page's own setting.
pub fn is_calm() -> bool {
    let root = web_sys::window().and_then(|window| window.document()?.document_element());
    let is_off =
        root.is_some_and(|root| root.get_attribute("data-motion").as_deref() == Some("off"));
    is_off || media("(prefers-reduced-motion: reduce)").is_some_and(|query| query.matches())
}

/// The colours where `element` stands, so that pictures take part in the page's theme.
pub fn palette(element: &Element) -> impl Fn(Colour) -> String + use<> {
    let style = style_of(element);
    move |colour| property(style.as_ref(), colour.property())
}

/// These colours where `element` stands.
pub fn colours<const N: usize>(element: &Element, colours: [Colour; N]) -> [String; N] {
    colours.map(palette(element))
}

/// How many times as thick as usual what is lit is drawn where `element` stands.
pub fn mark(element: &Element) -> f64 {
    let value = property(style_of(element).as_ref(), "--mark");
    // The browser's own reading of a number: ours would bring a table of 10 kB.
    let times = js_sys::parse_float(&value);
    if times.is_finite() { times } else { 1.0 }
}

fn style_of(element: &Element) -> Option<CssStyleDeclaration> {
    web_sys::window()?
        .get_computed_style(element)
        .ok()
        .flatten()
}

/// The value of a custom property.
fn property(style: Option<&CssStyleDeclaration>, name: &str) -> String {
    let value = style.and_then(|style| style.get_property_value(name).ok());
    value
        .map(|value| value.trim().to_string())
        .unwrap_or_default()
}

/// Red, green and blue of `#rrggbb`.
pub fn rgb(colour: &str) -> [u8; 3] {
    let number = u32::from_str_radix(colour.trim_start_matches('#'), 16).unwrap_or(0);
    let [_, red, green, blue] = number.to_be_bytes();
    [red, green, blue]
}

/// Calls back when a canvas must be drawn again though its data has not changed: its size did, or
/// the system's colours, or somebody asks for it by the event `redraw`.
pub struct Watch {
    observer: Option<ResizeObserver>,
    _on_resize: Closure<dyn FnMut()>,
    _theme: Option<EventListener>,
    _asked: EventListener,
}

impl Watch {
    /// Watches `canvas` until it is dropped.
    pub fn new(canvas: &HtmlCanvasElement, redraw: Callback<()>) -> Watch {
        let resized = redraw.clone();
        let on_resize = Closure::<dyn FnMut()>::new(move || resized.emit(()));
        let observer = ResizeObserver::new(on_resize.as_ref().unchecked_ref()).ok();
        if let Some(observer) = &observer {
            observer.observe(canvas);
        }
        let asked = redraw.clone();
        let asked = EventListener::new(canvas, "redraw", move |_| asked.emit(()));
        let theme = media("(prefers-color-scheme: dark)")
            .map(|query| EventListener::new(&query, "change", move |_| redraw.emit(())));
        Watch {
            observer,
            _on_resize: on_resize,
            _theme: theme,
            _asked: asked,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(observer) = &self.observer {
            observer.disconnect();
        }
    }
}

/// A media query.
pub fn media(query: &str) -> Option<MediaQueryList> {
    web_sys::window()?.match_media(query).ok().flatten()
}

/// Runs `draw` before the next frame is shown; dropping it takes that back.
pub struct NextFrame {
    id: i32,
    _closure: Closure<dyn FnMut()>,
}

impl NextFrame {
    /// Asks for the frame.
    pub fn new(draw: impl FnOnce() + 'static) -> Option<NextFrame> {
        let closure = Closure::once(draw);
        let id = web_sys::window()?
            .request_animation_frame(closure.as_ref().unchecked_ref())
            .ok()?;
        Some(NextFrame {
            id,
            _closure: closure,
        })
    }
}

impl Drop for NextFrame {
    fn drop(&mut self) {
        if let Some(window) = web_sys::window() {
            // Taking back a frame that was drawn already is no error.
            let _ = window.cancel_animation_frame(self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read() {
        assert_eq!(rgb("#0a1b2c"), [10, 27, 44]);
        assert_eq!(rgb(""), [0, 0, 0]);
    }
}
