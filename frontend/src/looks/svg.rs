//! A pen that writes a picture as SVG.
//!
//! Only shapes, texts and plain attributes, no style sheets and no scripts: so any program that knows
//! SVG shows it, and a browser may draw it on a canvas.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;

use crate::pen::Pen;

/// How wide a text is in a font.
pub type Measure = Box<dyn Fn(&str, &str) -> f64>;

/// The pen.
pub struct SvgPen {
    inner: RefCell<Inner>,
    measure: Measure,
}

struct Inner {
    out: String,
    fill: String,
    stroke: String,
    line: f64,
    is_round: bool,
    font: String,
    align: &'static str,
    baseline: Baseline,
    alpha: f64,
    path: String,
    /// Filled rectangles that follow each other in one colour become one shape.
    rects: String,
    /// Names of clips must differ in the whole document.
    clips: String,
    clip: u32,
}

#[derive(Clone, Copy, PartialEq)]
enum Baseline {
    Alphabetic,
    Middle,
    Bottom,
}

impl SvgPen {
    /// A pen; `name` is its own in the document.
    pub fn new(name: &str, measure: Measure) -> SvgPen {
        SvgPen {
            inner: RefCell::new(Inner {
                out: String::new(),
                fill: "black".into(),
                stroke: "black".into(),
                line: 1.0,
                is_round: false,
                font: "10px sans-serif".into(),
                align: "start",
                baseline: Baseline::Alphabetic,
                alpha: 1.0,
                path: String::new(),
                rects: String::new(),
                clips: name.into(),
                clip: 0,
            }),
            measure,
        }
    }

    /// What was drawn, as elements of SVG.
    pub fn take(&self) -> String {
        let mut inner = self.inner.borrow_mut();
        inner.flush();
        std::mem::take(&mut inner.out)
    }

    fn text(&self, text: &str, x: f64, y: f64, paint: impl FnOnce(&Inner) -> String) {
        let mut inner = self.inner.borrow_mut();
        inner.flush();
        let font = Font::parse(&inner.font);
        let y = match inner.baseline {
            Baseline::Alphabetic => y,
            Baseline::Middle => y + font.size * 0.35,
            Baseline::Bottom => y - font.size * 0.22,
        };
        let paint = paint(&inner);
        let (align, alpha) = (inner.align, opacity(inner.alpha));
        let _ = write!(
            inner.out,
            r#"<text x="{}" y="{}" text-anchor="{align}" {}{paint}{alpha}>{}</text>"#,
            number(x),
            number(y),
            font.attributes(),
            escape(text)
        );
    }
}

impl Inner {
    /// Writes the rectangles that were gathered.
    fn flush(&mut self) {
        if self.rects.is_empty() {
            return;
        }
        let rects = std::mem::take(&mut self.rects);
        let _ = write!(
            self.out,
            r#"<path d="{rects}" fill="{}"{}/>"#,
            self.fill,
            opacity(self.alpha)
        );
    }

    fn stroked(&mut self, path: &str) {
        self.flush();
        let join = if self.is_round {
            r#" stroke-linejoin="round""#
        } else {
            ""
        };
        let _ = write!(
            self.out,
            r#"<path d="{path}" fill="none" stroke="{}" stroke-width="{}"{join}{}/>"#,
            self.stroke,
            number(self.line),
            opacity(self.alpha)
        );
    }
}

fn opacity(alpha: f64) -> String {
    match alpha < 1.0 {
        true => format!(r#" opacity="{}""#, number(alpha)),
        false => String::new(),
    }
}

/// A number with two places at most.
pub fn number(value: f64) -> String {
    let hundredths = (value * 100.0).round() as i64;
    let (sign, size) = (if hundredths < 0 { "-" } else { "" }, hundredths.abs());
    match (size / 100, size % 100) {
        (whole, 0) => format!("{sign}{whole}"),
        (whole, rest) if rest % 10 == 0 => format!("{sign}{whole}.{}", rest / 10),
        (whole, rest) => format!("{sign}{whole}.{rest:02}"),
    }
}

/// A text as it may stand between tags and in an attribute. What XML has no place for is left out.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for each in text.chars() {
        match each {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.push(each),
            each if each < ' ' || matches!(each, '\u{fffe}' | '\u{ffff}') => {}
            each => escaped.push(each),
        }
    }
    escaped
}

/// A font as a canvas takes it: `600 11px ui-monospace, monospace`.
struct Font {
    weight: String,
    size: f64,
    family: String,
}

impl Font {
    fn parse(text: &str) -> Font {
        let (before, family) = text.split_once("px ").unwrap_or(("10", "sans-serif"));
        let (weight, size) = before.rsplit_once(' ').unwrap_or(("400", before));
        Font {
            weight: weight.to_string(),
            size: size.parse().unwrap_or(10.0),
            family: family.to_string(),
        }
    }

    fn attributes(&self) -> String {
        let weight = match &*self.weight {
            "400" | "normal" => String::new(),
            weight => format!(r#" font-weight="{}""#, escape(weight)),
        };
        let (size, family) = (number(self.size), escape(&self.family));
        format!(r#"font-family="{family}" font-size="{size}"{weight}"#)
    }
}

/// A rectangle as part of a path.
fn rectangle(x: f64, y: f64, width: f64, height: f64) -> String {
    let [x, y, width, height] = [x, y, width, height].map(number);
    let back = match width.strip_prefix('-') {
        Some(width) => width.to_string(),
        None => format!("-{width}"),
    };
    format!("M{x} {y}h{width}v{height}h{back}z")
}

impl Pen for SvgPen {
    fn set_fill(&self, colour: &str) {
        let mut inner = self.inner.borrow_mut();
        if inner.fill != colour {
            inner.flush();
            inner.fill = colour.to_string();
        }
    }

    fn set_stroke(&self, colour: &str) {
        self.inner.borrow_mut().stroke = colour.to_string();
    }

    fn set_line_width(&self, width: f64) {
        self.inner.borrow_mut().line = width;
    }

    fn set_round_joins(&self) {
        self.inner.borrow_mut().is_round = true;
    }

    fn set_font(&self, font: &str) {
        self.inner.borrow_mut().font = font.to_string();
    }

    fn set_text_place(&self, align: &str, baseline: &str) {
        let mut inner = self.inner.borrow_mut();
        inner.align = match align {
            "center" => "middle",
            "right" => "end",
            _ => "start",
        };
        inner.baseline = match baseline {
            "middle" => Baseline::Middle,
            "bottom" => Baseline::Bottom,
            _ => Baseline::Alphabetic,
        };
    }

    fn set_alpha(&self, alpha: f64) {
        let mut inner = self.inner.borrow_mut();
        if inner.alpha != alpha {
            inner.flush();
            inner.alpha = alpha;
        }
    }

    fn fill_rect(&self, x: f64, y: f64, width: f64, height: f64) {
        if width != 0.0 && height != 0.0 {
            let rect = rectangle(x, y, width, height);
            self.inner.borrow_mut().rects.push_str(&rect);
        }
    }

    fn stroke_rect(&self, x: f64, y: f64, width: f64, height: f64) {
        let rect = rectangle(x, y, width, height);
        self.inner.borrow_mut().stroked(&rect);
    }

    fn begin_path(&self) {
        self.inner.borrow_mut().path.clear();
    }

    fn move_to(&self, x: f64, y: f64) {
        let path = &mut self.inner.borrow_mut().path;
        let _ = write!(path, "M{} {}", number(x), number(y));
    }

    fn line_to(&self, x: f64, y: f64) {
        let path = &mut self.inner.borrow_mut().path;
        // A path that begins with a line begins at its end.
        let letter = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(path, "{letter}{} {}", number(x), number(y));
    }

    fn curve_to(&self, [(x0, y0), (x1, y1)]: [(f64, f64); 2], x: f64, y: f64) {
        let [x0, y0, x1, y1, x, y] = [x0, y0, x1, y1, x, y].map(number);
        let path = &mut self.inner.borrow_mut().path;
        let _ = write!(path, "C{x0} {y0} {x1} {y1} {x} {y}");
    }

    fn close_path(&self) {
        self.inner.borrow_mut().path.push('z');
    }

    fn fill(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.flush();
        let shape = format!(
            r#"<path d="{}" fill="{}"{}/>"#,
            inner.path,
            inner.fill,
            opacity(inner.alpha)
        );
        inner.out.push_str(&shape);
    }

    fn stroke(&self) {
        let mut inner = self.inner.borrow_mut();
        let path = inner.path.clone();
        if !path.is_empty() {
            inner.stroked(&path);
        }
    }

    fn fill_text(&self, text: &str, x: f64, y: f64) {
        self.text(text, x, y, |inner| format!(r#" fill="{}""#, inner.fill));
    }

    fn stroke_text(&self, text: &str, x: f64, y: f64) {
        self.text(text, x, y, |inner| {
            format!(
                r#" fill="none" stroke="{}" stroke-width="{}" stroke-linejoin="round""#,
                inner.stroke,
                number(inner.line)
            )
        });
    }

    fn text_width(&self, text: &str) -> f64 {
        (self.measure)(&self.inner.borrow().font, text)
    }

    fn clip(&self, x: f64, y: f64, width: f64, height: f64) {
        let mut inner = self.inner.borrow_mut();
        inner.flush();
        inner.clip += 1;
        let name = format!("{}-{}", inner.clips, inner.clip);
        let path = rectangle(x, y, width, height);
        let _ = write!(
            inner.out,
            r#"<clipPath id="{name}"><path d="{path}"/></clipPath><g clip-path="url(#{name})">"#
        );
    }

    fn restore(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.flush();
        inner.out.push_str("</g>");
    }

    fn squares(&self, colours: &[[u8; 3]], columns: usize, side: f64) {
        let mut shapes: BTreeMap<[u8; 3], String> = BTreeMap::new();
        for (row, squares) in colours.chunks(columns.max(1)).enumerate() {
            let mut column = 0;
            for run in squares.chunk_by(|one, other| one == other) {
                let (x, y) = (column as f64 * side, row as f64 * side);
                let shape = rectangle(x, y, run.len() as f64 * side, side);
                shapes.entry(run[0]).or_default().push_str(&shape);
                column += run.len();
            }
        }
        let mut inner = self.inner.borrow_mut();
        inner.flush();
        for ([red, green, blue], path) in shapes {
            let _ = write!(
                inner.out,
                r##"<path d="{path}" fill="#{red:02x}{green:02x}{blue:02x}" shape-rendering="crispEdges"/>"##
            );
        }
    }
}

/// A document of its own around shapes.
pub fn document(width: f64, height: f64, title: &str, shapes: &str) -> String {
    let (width, height, title) = (number(width), number(height), escape(title));
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"><title>{title}</title>{shapes}</svg>"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pen() -> SvgPen {
        SvgPen::new("c", Box::new(|_, text| text.chars().count() as f64 * 6.0))
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (1.5, "1.5"),
            (-0.25, "-0.25"),
            (-0.001, "0"),
            (12.0, "12"),
            (6.28159, "6.28"),
            (7.05, "7.05"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn rectangles_of_a_colour_are_one_shape() {
        let pen = pen();
        pen.set_fill("#112233");
        pen.fill_rect(0.0, 0.0, 2.0, 3.0);
        pen.set_fill("#112233");
        pen.fill_rect(4.0, 0.0, 2.0, 3.0);
        pen.set_fill("#445566");
        pen.fill_rect(0.0, 5.0, 1.0, 1.0);
        pen.fill_rect(0.0, 5.0, 0.0, 1.0);
        assert_eq!(
            pen.take(),
            concat!(
                r##"<path d="M0 0h2v3h-2zM4 0h2v3h-2z" fill="#112233"/>"##,
                r##"<path d="M0 5h1v1h-1z" fill="#445566"/>"##
            )
        );
        assert_eq!(pen.take(), "");
    }

    #[test]
    fn paths_are_filled_and_stroked() {
        let pen = pen();
        pen.set_stroke("#abcdef");
        pen.set_line_width(1.5);
        pen.begin_path();
        // As on a canvas, the first line only begins.
        pen.line_to(1.0, 2.0);
        pen.line_to(3.0, 4.0);
        pen.curve_to([(5.0, 6.0), (7.0, 8.0)], 9.0, 10.0);
        pen.close_path();
        pen.set_alpha(0.5);
        pen.fill();
        pen.stroke();
        let path = "M1 2L3 4C5 6 7 8 9 10z";
        assert_eq!(
            pen.take(),
            format!(
                r##"<path d="{path}" fill="black" opacity="0.5"/><path d="{path}" fill="none" stroke="#abcdef" stroke-width="1.5" opacity="0.5"/>"##
            )
        );
    }

    #[test]
    fn texts_are_escaped_and_placed() {
        let pen = pen();
        pen.set_font("600 11px ui-monospace, \"A\"");
        pen.set_text_place("center", "middle");
        pen.fill_text("a<b & \"c\"\u{7}", 10.0, 20.0);
        assert_eq!(
            pen.take(),
            r##"<text x="10" y="23.85" text-anchor="middle" font-family="ui-monospace, &quot;A&quot;" font-size="11" font-weight="600" fill="black">a&lt;b &amp; &quot;c&quot;</text>"##
        );
        assert_eq!(pen.text_width("four"), 24.0);
    }

    #[test]
    fn clips_have_names_of_their_own() {
        let pen = pen();
        for _ in 0..2 {
            pen.clip(0.0, 0.0, 5.0, 5.0);
            pen.fill_rect(1.0, 1.0, 1.0, 1.0);
            pen.restore();
        }
        let out = pen.take();
        assert!(
            out.contains(r##"id="c-1""##) && out.contains(r##"url(#c-2)"##),
            "{out}"
        );
        assert_eq!(out.matches("<g ").count(), out.matches("</g>").count());
        assert!(out.find("h1v1").unwrap() < out.find("</g>").unwrap());
    }

    #[test]
    fn squares_come_in_runs() {
        let pen = pen();
        let (a, b) = ([1, 2, 3], [255, 0, 16]);
        pen.squares(&[a, a, b, b, b, b], 3, 2.0);
        assert_eq!(
            pen.take(),
            concat!(
                r##"<path d="M0 0h4v2h-4z" fill="#010203" shape-rendering="crispEdges"/>"##,
                r##"<path d="M4 0h2v2h-2zM0 2h6v2h-6z" fill="#ff0010" shape-rendering="crispEdges"/>"##
            )
        );
    }

    #[test]
    fn a_document_is_whole() {
        let text = document(10.0, 20.5, "a & b", "<g></g>");
        assert!(text.starts_with("<svg xmlns=") && text.ends_with("<g></g></svg>"));
        assert!(
            text.contains("<title>a &amp; b</title>") && text.contains(r#"viewBox="0 0 10 20.5""#)
        );
    }
}
