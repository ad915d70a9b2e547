//! A pane as a picture: SVG, drawn from what is on the screen.
//!
//! Canvases are asked to draw once more with a pen that writes shapes ([`super::svg`]); whatever else a
//! pane shows is read off the page: boxes with their colours and borders, texts where their lines lie,
//! and the shapes of the page's own SVG with their computed styles as plain attributes. So the file needs
//! no style sheet, and what scrolls is in it as far as it is in sight.

use std::cell::RefCell;
use std::fmt::Write;
use std::rc::Rc;

use wasm_bindgen::prelude::*;
use web_sys::{
    CanvasRenderingContext2d, CssStyleDeclaration, DomRect, Element, HtmlCanvasElement,
    HtmlElement, HtmlInputElement, HtmlSelectElement, Node,
};

use super::svg::{SvgPen, document, escape, number};
use crate::canvas::{record, zoom};
use crate::page::frame;
use crate::pen::Pen;
use crate::pen::notes::Notes;

/// How many frames of the screen the canvases may take to draw.
const PATIENCE: u32 = 120;

/// What is for the hand and not for the eye.
const CONTROLS: &str = ".tool, .zoom, .unseen, .splitter, .dot.ghost, select, [hidden]";

/// The attributes of shapes that are kept.
const KEPT: [&str; 19] = [
    "d",
    "x",
    "y",
    "x1",
    "x2",
    "y1",
    "y2",
    "cx",
    "cy",
    "r",
    "rx",
    "ry",
    "width",
    "height",
    "points",
    "transform",
    "viewBox",
    "preserveAspectRatio",
    "xml:space",
];

/// The styles of shapes that become attributes.
const STYLES: [&str; 9] = [
    "stroke-width",
    "stroke-dasharray",
    "stroke-linejoin",
    "stroke-linecap",
    "vector-effect",
    "opacity",
    "font-size",
    "font-weight",
    "text-anchor",
];

#[wasm_bindgen]
extern "C" {
    /// A part of a text, to be measured.
    type Range;
    #[wasm_bindgen(constructor, catch)]
    fn new() -> Result<Range, JsValue>;
    #[wasm_bindgen(method, catch, js_name = setStart)]
    fn set_start(this: &Range, node: &Node, offset: u32) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch, js_name = setEnd)]
    fn set_end(this: &Range, node: &Node, offset: u32) -> Result<(), JsValue>;
    #[wasm_bindgen(method, js_name = getBoundingClientRect)]
    fn get_bounding_client_rect(this: &Range) -> DomRect;
}

/// A picture, and its size.
pub struct Picture {
    pub svg: String,
    pub width: f64,
    pub height: f64,
}

/// Takes the picture of the element that `selector` names.
pub async fn take(selector: &str, title: &str) -> Option<Picture> {
    let document = web_sys::window()?.document()?;
    let element = document.query_selector(selector).ok()??;
    let element: HtmlElement = element.dyn_into().ok()?;
    let canvases = drawn_anew(&element).await;
    let outside = element.get_bounding_client_rect();
    let mut walk = Walk {
        canvases,
        origin: (outside.left(), outside.top()),
        zoom: zoom(&element),
        out: String::new(),
        clips: 0,
    };
    walk.element(&element);
    let (width, height) = (outside.width() / walk.zoom, outside.height() / walk.zoom);
    Some(Picture {
        svg: self::document(width, height, title, &walk.out),
        width,
        height,
    })
}

/// Canvases with what was drawn on each.
type Noted = Rc<RefCell<Vec<(HtmlCanvasElement, Rc<Notes>)>>>;

/// The canvases of an element, with the shapes that they show.
type Canvases = Vec<(HtmlCanvasElement, String)>;

async fn drawn_anew(element: &HtmlElement) -> Canvases {
    let notes: Noted = Rc::default();
    let noted = notes.clone();
    let asked = element.clone();
    record(Some(Box::new(move |canvas, context| {
        if !asked.contains(Some(canvas)) {
            return None;
        }
        let mut notes = noted.borrow_mut();
        notes.retain(|(known, _)| known != canvas);
        let pen = Rc::new(Notes::new(context.clone()));
        notes.push((canvas.clone(), pen.clone()));
        Some(pen as Rc<dyn Pen>)
    })));
    let wanted = ask_to_draw(element);
    // They are drawn in the next frame, unless the page has something else to do first.
    for _ in 0..PATIENCE {
        frame().await;
        if notes.borrow().len() >= wanted {
            break;
        }
    }
    record(None);
    // Whoever had something new to draw meanwhile drew it elsewhere.
    ask_to_draw(element);
    let notes = notes.borrow();
    let shapes = notes.iter().enumerate().map(|(number, (canvas, notes))| {
        let pen = pen(notes.context(), number);
        notes.draw(&pen);
        (canvas.clone(), pen.take())
    });
    shapes.collect()
}

/// A pen that measures texts as the canvas does.
fn pen(context: &CanvasRenderingContext2d, number: usize) -> SvgPen {
    let context = context.clone();
    let name = ["c", &number.to_string()].concat();
    SvgPen::new(
        &name,
        Box::new(move |font, text| {
            Pen::set_font(&context, font);
            Pen::text_width(&context, text)
        }),
    )
}

/// Asks the canvases to draw; returns how many of them are on the screen.
fn ask_to_draw(element: &HtmlElement) -> usize {
    let Ok(canvases) = element.query_selector_all("canvas") else {
        return 0;
    };
    let canvases = (0..canvases.length()).filter_map(|index| canvases.get(index));
    let canvases = canvases.filter_map(|it| it.dyn_into::<HtmlElement>().ok());
    let is_seen = |canvas: &HtmlElement| canvas.client_width() > 0 && canvas.client_height() > 0;
    let mut seen = 0;
    for canvas in canvases.filter(is_seen) {
        if let Ok(event) = web_sys::Event::new("redraw") {
            seen += 1;
            // Nobody may object to it.
            let _ = canvas.dispatch_event(&event);
        }
    }
    seen
}

struct Walk {
    canvases: Canvases,
    origin: (f64, f64),
    zoom: f64,
    out: String,
    clips: u32,
}

impl Walk {
    /// Where a rectangle of the screen is in the picture.
    fn place(&self, rect: &DomRect) -> [f64; 4] {
        let zoom = self.zoom;
        [
            (rect.left() - self.origin.0) / zoom,
            (rect.top() - self.origin.1) / zoom,
            rect.width() / zoom,
            rect.height() / zoom,
        ]
    }

    fn element(&mut self, element: &Element) {
        let Some(style) = style(element) else { return };
        let value = |name: &str| value(&style, name);
        let is_away = value("display") == "none" || value("visibility") == "hidden";
        if is_away || matches!(element.matches(CONTROLS), Ok(true)) {
            return;
        }
        let rect = element.get_bounding_client_rect();
        let place = self.place(&rect);
        match element.tag_name().as_str() {
            "svg" => return self.shapes(element, place),
            "CANVAS" => {
                self.boxed(&style, place);
                return self.canvas(element, place);
            }
            _ => self.boxed(&style, place),
        }
        let is_cut = value("overflow-x") != "visible" && value("display") != "inline";
        if is_cut {
            self.clips += 1;
            let ([x, y, width, height], clip) = (place.map(number), self.clips);
            let _ = write!(
                self.out,
                r#"<clipPath id="w{clip}"><rect x="{x}" y="{y}" width="{width}" height="{height}"/></clipPath><g clip-path="url(#w{clip})">"#
            );
        }
        if let Some(input) = element.dyn_ref::<HtmlInputElement>() {
            let text = match input.value() {
                text if text.is_empty() => input.placeholder(),
                text => text,
            };
            let [x, y, _, height] = place;
            self.line(&style, &text, [x + 6.0, y, 0.0, height], false);
        } else if element.dyn_ref::<HtmlSelectElement>().is_none() {
            let children = element.child_nodes();
            for index in 0..children.length() {
                let Some(child) = children.get(index) else {
                    continue;
                };
                match child.node_type() {
                    Node::ELEMENT_NODE => self.element(child.unchecked_ref()),
                    Node::TEXT_NODE => self.text(&style, &child),
                    _ => {}
                }
            }
        }
        if is_cut {
            self.out.push_str("</g>");
        }
    }

    /// A box's ground and borders.
    fn boxed(&mut self, style: &CssStyleDeclaration, [x, y, width, height]: [f64; 4]) {
        let value = |name: &str| value(style, name);
        let pixels = |name: &str| pixels(&value(name));
        let radius = number(pixels("border-top-left-radius").min(height / 2.0));
        if let Some(fill) = paint("fill", &value("background-color")) {
            let [x, y, width, height] = [x, y, width, height].map(number);
            let _ = write!(
                self.out,
                r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}"{fill}/>"#
            );
        }
        let sides = ["top", "right", "bottom", "left"];
        let widths = sides.map(|side| match &*value(&format!("border-{side}-style")) {
            "none" | "hidden" => 0.0,
            _ => pixels(&format!("border-{side}-width")),
        });
        let colours = sides.map(|side| value(&format!("border-{side}-color")));
        if widths.iter().all(|it| *it > 0.0) {
            let line = widths[0];
            if let Some(stroke) = paint("stroke", &colours[0]) {
                let (x, y) = (number(x + line / 2.0), number(y + line / 2.0));
                let (width, height) = (number(width - line), number(height - line));
                let _ = write!(
                    self.out,
                    r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}" fill="none" stroke-width="{}"{stroke}/>"#,
                    number(line)
                );
            }
            return;
        }
        let places = [
            [x, y, width, widths[0]],
            [x + width - widths[1], y, widths[1], height],
            [x, y + height - widths[2], width, widths[2]],
            [x, y, widths[3], height],
        ];
        for (place, colour) in places.into_iter().zip(&colours) {
            if place[2] > 0.0
                && place[3] > 0.0
                && let Some(fill) = paint("fill", colour)
            {
                let [x, y, width, height] = place.map(number);
                let _ = write!(
                    self.out,
                    r#"<rect x="{x}" y="{y}" width="{width}" height="{height}"{fill}/>"#
                );
            }
        }
    }

    fn canvas(&mut self, element: &Element, place: [f64; 4]) {
        let known = self
            .canvases
            .iter()
            .find(|(canvas, _)| ***canvas == *element);
        if let Some((_, shapes)) = known {
            let [x, y, width, height] = place.map(number);
            let _ = write!(
                self.out,
                r#"<svg x="{x}" y="{y}" width="{width}" height="{height}">{shapes}</svg>"#
            );
        }
    }

    /// The page's own SVG, at its place.
    fn shapes(&mut self, element: &Element, place: [f64; 4]) {
        let [x, y, width, height] = place.map(number);
        let _ = write!(
            self.out,
            r#"<svg x="{x}" y="{y}" width="{width}" height="{height}" overflow="visible""#
        );
        for name in ["viewBox", "preserveAspectRatio"] {
            if let Some(value) = element.get_attribute(name) {
                let _ = write!(self.out, r#" {name}="{}""#, escape(&value));
            }
        }
        self.out.push('>');
        self.inside(element);
        self.out.push_str("</svg>");
    }

    fn inside(&mut self, element: &Element) {
        let children = element.child_nodes();
        for index in 0..children.length() {
            let Some(child) = children.get(index) else {
                continue;
            };
            match child.dyn_ref::<Element>() {
                Some(child) => self.shape(child),
                None => {
                    let text = child.node_value().unwrap_or_default();
                    self.out.push_str(&escape(&text));
                }
            }
        }
    }

    fn shape(&mut self, element: &Element) {
        let tag = element.tag_name();
        let Some(style) = style(element).filter(|style| value(style, "display") != "none") else {
            return;
        };
        let _ = write!(self.out, "<{tag}");
        for name in KEPT {
            if let Some(value) = element.get_attribute(name) {
                let _ = write!(self.out, r#" {name}="{}""#, escape(&value));
            }
        }
        if !matches!(&*tag, "g" | "title") {
            for name in ["fill", "stroke"] {
                let none = format!(r#" {name}="none""#);
                let paint = paint(name, &value(&style, name));
                self.out.push_str(&paint.unwrap_or(none));
            }
            for name in STYLES {
                let value = value(&style, name);
                let is_usual = matches!(&*value, "" | "none" | "normal" | "start")
                    || name == "opacity" && value == "1"
                    || name.starts_with("font") && tag != "text";
                if !is_usual {
                    let _ = write!(self.out, r#" {name}="{}""#, escape(&value));
                }
            }
            if tag == "text" {
                let family = escape(&value(&style, "font-family"));
                let _ = write!(self.out, r#" font-family="{family}""#);
            }
        }
        self.out.push('>');
        self.inside(element);
        let _ = write!(self.out, "</{tag}>");
    }

    /// A text of the page, line by line where its words lie.
    fn text(&mut self, style: &CssStyleDeclaration, node: &Node) {
        let text: Vec<u16> = node
            .node_value()
            .unwrap_or_default()
            .encode_utf16()
            .collect();
        let is_space = |unit: &u16| matches!(*unit, 0x20 | 0x09 | 0x0a | 0x0d);
        if text.iter().all(is_space) {
            return;
        }
        let Ok(range) = Range::new() else { return };
        let keeps = value(style, "white-space").starts_with("pre");
        let is_end = |unit: &u16| if keeps { *unit == 0x0a } else { is_space(unit) };
        let mut at = 0;
        // A line that is being put together: its text, and where it is.
        let mut line: Option<(String, [f64; 4])> = None;
        for piece in text.split(is_end) {
            let (from, to) = (at, at + piece.len());
            at = to + 1;
            if piece.is_empty() {
                continue;
            }
            let is_ranged = range.set_start(node, from as u32).is_ok()
                && range.set_end(node, to as u32).is_ok();
            if !is_ranged {
                return;
            }
            let rect = range.get_bounding_client_rect();
            if rect.width() == 0.0 {
                continue;
            }
            let (word, place) = (String::from_utf16_lossy(piece), self.place(&rect));
            match &mut line {
                Some((words, known)) if !keeps && (known[1] - place[1]).abs() < 2.0 => {
                    words.push(' ');
                    words.push_str(&word);
                    known[2] = place[0] + place[2] - known[0];
                }
                _ => {
                    if let Some((words, place)) = line.replace((word, place)) {
                        self.line(style, &words, place, keeps);
                    }
                }
            }
        }
        if let Some((words, place)) = line {
            self.line(style, &words, place, keeps);
        }
    }

    fn line(&mut self, style: &CssStyleDeclaration, text: &str, place: [f64; 4], keeps: bool) {
        let [x, y, width, height] = place;
        let value = |name: &str| value(style, name);
        let fill = paint("fill", &value("color")).unwrap_or_default();
        let size = pixels(&value("font-size"));
        // The line of writing, in a box that is as high as the font.
        let base = y + height / 2.0 + size * 0.36;
        let keeps = if keeps {
            r#" xml:space="preserve""#
        } else {
            ""
        };
        // Other programs have other fonts; the words keep their place.
        let length = match width > 0.0 && text.chars().count() > 1 {
            true => format!(
                r#" textLength="{}" lengthAdjust="spacingAndGlyphs""#,
                number(width)
            ),
            false => String::new(),
        };
        let _ = write!(
            self.out,
            r#"<text x="{}" y="{}" font-family="{}" font-size="{}" font-weight="{}"{fill}{keeps}{length}>{}</text>"#,
            number(x),
            number(base),
            escape(&value("font-family")),
            number(size),
            value("font-weight"),
            escape(text)
        );
    }
}

fn style(element: &Element) -> Option<CssStyleDeclaration> {
    web_sys::window()?.get_computed_style(element).ok()?
}

fn value(style: &CssStyleDeclaration, name: &str) -> String {
    style.get_property_value(name).unwrap_or_default()
}

/// A length in pixels.
fn pixels(value: &str) -> f64 {
    let end = value.find(|it: char| !it.is_ascii_digit() && it != '.');
    value[..end.unwrap_or(value.len())].parse().unwrap_or(0.0)
}

/// A computed colour as an attribute that every program knows; `None` where nothing is seen of it.
fn paint(name: &str, value: &str) -> Option<String> {
    let (kind, rest) = value.split_once('(')?;
    let numbers: Vec<f64> = rest
        .split(|it: char| !it.is_ascii_digit() && it != '.' && it != '-' && it != 'e')
        .filter_map(|part| part.parse().ok())
        .collect();
    let scale = match kind {
        "rgb" | "rgba" => 1.0,
        // What was mixed is told in shares of one.
        "color" => 255.0,
        _ => return None,
    };
    let [red, green, blue, rest @ ..] = &*numbers else {
        return None;
    };
    let alpha = rest.first().copied().unwrap_or(1.0);
    let [red, green, blue] =
        [red, green, blue].map(|part| (part * scale).round().clamp(0.0, 255.0) as u8);
    let opacity = match alpha < 1.0 {
        true => format!(r#" {name}-opacity="{}""#, number(alpha)),
        false => String::new(),
    };
    (alpha > 0.0).then(|| format!(r##" {name}="#{red:02x}{green:02x}{blue:02x}"{opacity}"##))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computed_colours_become_attributes() {
        let fill = |value| paint("fill", value);
        assert_eq!(
            fill("rgb(1, 20, 255)").as_deref(),
            Some(r##" fill="#0114ff""##)
        );
        assert_eq!(
            fill("rgba(255, 0, 16, 0.5)").as_deref(),
            Some(r##" fill="#ff0010" fill-opacity="0.5""##)
        );
        assert_eq!(
            fill("color(srgb 1 0.5 0)").as_deref(),
            Some(r##" fill="#ff8000""##)
        );
        for nothing in ["rgba(0, 0, 0, 0)", "none", "", "currentcolor"] {
            assert_eq!(fill(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn lengths_are_read() {
        for (text, length) in [("12.5px", 12.5), ("0px", 0.0), ("auto", 0.0), ("50%", 50.0)] {
            assert_eq!(pixels(text), length, "{text}");
        }
    }
}
