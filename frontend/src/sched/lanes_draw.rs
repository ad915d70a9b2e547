//! Who ran when, on a canvas: a lane a CPU, a box a turn.

use labs::view::TimelineView;
use web_sys::HtmlCanvasElement;

use crate::canvas::{Surface, mark, palette};
use crate::looks::palette::Colour;
use crate::pen::Pen;
use crate::state::inquiry::lit::Lit;
use crate::state::sched::Window;

/// Left of the lanes, for their names.
pub const GUTTER: f64 = 46.0;
/// Right of them.
const MARGIN: f64 = 8.0;
/// Above a lane's boxes, for wake-ups.
pub const WAKES: f64 = 11.0;
/// A box's height.
pub const BOX: f64 = 26.0;
/// From a lane to the next.
pub const LANE: f64 = WAKES + BOX + 5.0;
/// The axis of time.
const AXIS: f64 = 22.0;
/// How many colours there are for tasks.
const HUES: u32 = 6;

const FONT: &str = "11px ui-monospace, Menlo, Consolas, monospace";
const WORDS: &str = "11px system-ui, sans-serif";

/// Which colour a task has. Tasks that are far apart may share one: labels and words tell them apart.
pub fn hue(task: u32) -> u32 {
    task % HUES
}

/// The colours, in their order; the style sheet's `.hue-N` says the same.
const COLOURS: [Colour; HUES as usize] = [
    Colour::Series0,
    Colour::Series1,
    Colour::Series2,
    Colour::Series3,
    Colour::Series4,
    Colour::Series5,
];

/// From pixels to time and back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// What is shown.
    pub window: Window,
    /// The canvas's width.
    pub width: f64,
}

impl Scale {
    fn room(self) -> f64 {
        (self.width - GUTTER - MARGIN).max(1.0)
    }

    /// Where a point of time is.
    pub fn x(self, at_ns: u64) -> f64 {
        let from = at_ns as f64 - self.window.from as f64;
        GUTTER + from / self.window.length() as f64 * self.room()
    }

    /// Where a point is in the window, as a share of its length.
    pub fn share(self, x: f64) -> f64 {
        ((x - GUTTER) / self.room()).clamp(0.0, 1.0)
    }

    /// The time at a point.
    pub fn time(self, x: f64) -> u64 {
        self.window.from + (self.share(x) * self.window.length() as f64) as u64
    }

    /// A round length of time that is at least so many pixels wide.
    pub fn round(self, pixels: f64) -> u64 {
        let least = pixels / self.room() * self.window.length() as f64;
        let mut unit = 1.0;
        while unit * 10.0 < least {
            unit *= 10.0;
        }
        let round = [1.0, 2.0, 5.0, 10.0].map(|by| by * unit);
        let fits = round.into_iter().find(|length| *length >= least);
        fits.unwrap_or(least).max(1.0) as u64
    }
}

/// The height of so many lanes with their axis.
pub fn height(cpus: u32) -> f64 {
    f64::from(cpus.max(1)) * LANE + AXIS
}

/// What is pointed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor {
    /// A turn, by its place in the view.
    Span(usize),
    /// A wake-up, by its place in the view.
    Wake(usize),
    /// A column of a CPU.
    Column(u32, u32),
}

struct Brush<'a> {
    pen: &'a dyn Pen,
    scale: Scale,
    ink: String,
    faint: String,
    line: String,
    ground: String,
    lit: String,
    /// How many times as thick as usual what is lit is drawn.
    thick: f64,
    hues: [String; HUES as usize],
}

/// Draws the lanes; returns how many turns or parts of columns are in view.
pub fn draw(
    canvas: &HtmlCanvasElement,
    surface: &Surface,
    view: &TimelineView,
    scale: Scale,
    cursor: Option<Cursor>,
    lit: &Lit,
) -> usize {
    let colour = palette(canvas);
    let brush = Brush {
        pen: &*surface.pen,
        scale,
        ink: colour(Colour::Ink),
        faint: colour(Colour::Ink2),
        line: colour(Colour::Line),
        ground: colour(Colour::Slot),
        lit: colour(Colour::Lit),
        thick: mark(canvas),
        hues: COLOURS.map(&colour),
    };
    for cpu in 0..view.cpus {
        let y = top(cpu);
        brush.text(
            &brush.faint,
            WORDS,
            &words::sched::cpu(cpu),
            4.0,
            y + BOX / 2.0 + 4.0,
        );
        let (left, right) = (scale.x(view.begin_ns), scale.x(view.end_ns));
        let (left, right) = (left.max(GUTTER), right.min(surface.width - MARGIN));
        brush.pen.set_fill(&brush.ground);
        let width = (right - left).max(0.0);
        brush.pen.fill_rect(left, y, width, BOX);
    }
    surface.pen.clip(
        GUTTER - 5.0,
        0.0,
        surface.width - GUTTER - MARGIN + 10.0,
        surface.height,
    );
    let drawn = match view.columns {
        0 => brush.spans(view, lit),
        _ => brush.columns(view),
    };
    brush.wakes(view);
    if let Some(cursor) = cursor {
        brush.cursor(view, cursor);
    }
    surface.pen.restore();
    brush.axis(view, surface);
    drawn
}

/// The upper edge of a lane's boxes.
pub fn top(cpu: u32) -> f64 {
    f64::from(cpu) * LANE + WAKES
}

impl Brush<'_> {
    fn text(&self, colour: &str, font: &str, text: &str, x: f64, y: f64) {
        self.pen.set_font(font);
        self.pen.set_fill(colour);
        self.pen.fill_text(text, x, y);
    }

    fn width(&self, text: &str) -> f64 {
        self.pen.text_width(text)
    }

    fn hue(&self, task: u32) -> &str {
        match task {
            u32::MAX => &self.faint,
            task => &self.hues[hue(task) as usize],
        }
    }

    fn spans(&self, view: &TimelineView, lit: &Lit) -> usize {
        let window = self.scale.window;
        let mut drawn = 0;
        for span in &view.spans {
            if span.end_ns < window.from || span.start_ns > window.to {
                continue;
            }
            drawn += 1;
            // What begins long before the window is as good as beginning just before it.
            let left = self.scale.x(span.start_ns).max(GUTTER - 4.0);
            let right = self.scale.x(span.end_ns).min(self.scale.width);
            let width = (right - left).max(0.75);
            let y = top(span.cpu);
            let hue = self.hue(span.task);
            self.pen.set_fill(hue);
            self.pen.set_alpha(if width < 3.0 { 0.8 } else { 0.28 });
            self.pen.fill_rect(left, y, width, BOX);
            self.pen.set_alpha(1.0);
            if width < 3.0 {
                continue;
            }
            self.pen.fill_rect(left, y, width - 0.5, 4.0);
            self.pen.fill_rect(left, y, 1.0, BOX);
            let task = view.tasks.get(span.task as usize);
            let Some(task) = task.filter(|_| width > 18.0) else {
                continue;
            };
            if lit.mark_of(task.at).is_some() {
                self.frame(&self.lit, 2.0 * self.thick, [left, y, width, BOX]);
            }
            self.pen.set_font(FONT);
            let (pid, name) = (task.pid.to_string(), format!("{} {}", task.pid, task.comm));
            // A box that goes on to the left keeps its label in view.
            let at = left.max(GUTTER) + 4.0;
            for text in [name, pid] {
                if at + self.width(&text) + 3.0 <= right {
                    self.text(&self.ink, FONT, &text, at, y + BOX / 2.0 + 6.0);
                    break;
                }
            }
        }
        drawn
    }

    fn columns(&self, view: &TimelineView) -> usize {
        let length = view.to_ns - view.from_ns;
        let edge = |column: u32| {
            let share = f64::from(column) / f64::from(view.columns);
            view.from_ns + (length as f64 * share) as u64
        };
        let mut at = (u32::MAX, 0, 0.0);
        for part in &view.merged {
            if (part.cpu, part.column) != (at.0, at.1) {
                at = (part.cpu, part.column, 0.0);
            }
            let (left, right) = (
                self.scale.x(edge(part.column)),
                self.scale.x(edge(part.column + 1)),
            );
            let whole = (length / u64::from(view.columns)).max(1);
            let height = part.ns as f64 / whole as f64 * BOX;
            let y = top(part.cpu) + at.2;
            at.2 += height;
            self.pen.set_fill(self.hue(part.task));
            self.pen.set_alpha(0.75);
            self.pen.fill_rect(left, y, right - left, height);
            self.pen.set_alpha(1.0);
        }
        view.merged.len()
    }

    /// Wake-ups as small triangles above the lanes: full if they take the CPU.
    fn wakes(&self, view: &TimelineView) {
        let window = self.scale.window;
        for wake in &view.wakes {
            if !(window.from..window.to).contains(&wake.at_ns) {
                continue;
            }
            let (x, y) = (self.scale.x(wake.at_ns), top(wake.cpu) - 1.5);
            let pen = self.pen;
            pen.begin_path();
            pen.move_to(x, y);
            pen.line_to(x - 3.5, y - 7.0);
            pen.line_to(x + 3.5, y - 7.0);
            pen.close_path();
            let hue = self.hue(wake.task);
            if wake.preempts || wake.is_new {
                pen.set_fill(hue);
                pen.fill();
            } else {
                pen.set_stroke(hue);
                pen.set_line_width(1.0);
                pen.stroke();
            }
        }
    }

    fn frame(&self, colour: &str, line: f64, [x, y, width, height]: [f64; 4]) {
        self.pen.set_stroke(colour);
        self.pen.set_line_width(line);
        self.pen.stroke_rect(x, y, width, height);
    }

    fn cursor(&self, view: &TimelineView, cursor: Cursor) {
        let place = match cursor {
            Cursor::Span(number) => {
                let Some(span) = view.spans.get(number) else {
                    return;
                };
                let left = self.scale.x(span.start_ns).max(GUTTER - 4.0);
                let right = self.scale.x(span.end_ns).min(self.scale.width);
                [left, top(span.cpu), (right - left).max(2.0), BOX]
            }
            Cursor::Wake(number) => {
                let Some(wake) = view.wakes.get(number) else {
                    return;
                };
                let x = self.scale.x(wake.at_ns);
                [x - 5.0, top(wake.cpu) - WAKES + 0.5, 10.0, 10.5]
            }
            Cursor::Column(cpu, column) => {
                let length = (view.to_ns - view.from_ns) as f64;
                let edge = |column: u32| {
                    let share = f64::from(column) / f64::from(view.columns.max(1));
                    self.scale.x(view.from_ns + (length * share) as u64)
                };
                let (left, right) = (edge(column), edge(column + 1));
                [left, top(cpu), (right - left).max(2.0), BOX]
            }
        };
        self.frame(&self.ink, 2.0, place);
    }

    /// Times since the step began.
    fn axis(&self, view: &TimelineView, surface: &Surface) {
        let y = f64::from(view.cpus) * LANE + 3.0;
        let step = self.scale.round(90.0);
        let window = self.scale.window;
        let begin = window.from.saturating_sub(view.begin_ns);
        let mut at = begin.div_ceil(step) * step;
        while view.begin_ns + at <= window.to {
            let x = self.scale.x(view.begin_ns + at);
            self.pen.set_stroke(&self.line);
            self.pen.set_line_width(1.0);
            self.pen.begin_path();
            self.pen.move_to(x, y - 3.0);
            self.pen.line_to(x, y + 3.0);
            self.pen.stroke();
            let text = clock(at, step);
            self.pen.set_font(WORDS);
            let width = self.width(&text);
            let left = (x - width / 2.0).clamp(2.0, surface.width - width - 2.0);
            self.text(&self.faint, WORDS, &text, left, y + 14.0);
            at += step;
        }
    }
}

/// A point of time, as exact as a step of the axis asks for.
fn clock(at_ns: u64, step: u64) -> String {
    match step {
        500_000_000.. => format!("{}.{} s", at_ns / 1_000_000_000, at_ns / 100_000_000 % 10),
        1_000_000.. => format!("{} ms", at_ns / 1_000_000),
        _ => format!("{}.{:03} ms", at_ns / 1_000_000, at_ns / 1000 % 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: Scale = Scale {
        window: Window {
            from: 1_000_000,
            to: 11_000_000,
        },
        width: GUTTER + MARGIN + 500.0,
    };

    #[test]
    fn pixels_and_times_agree() {
        assert_eq!(SCALE.x(1_000_000), GUTTER);
        assert_eq!(SCALE.x(11_000_000), GUTTER + 500.0);
        for at in [1_000_000, 4_000_000, 11_000_000] {
            assert!(SCALE.time(SCALE.x(at)).abs_diff(at) < 3);
        }
        assert_eq!(SCALE.share(0.0), 0.0, "the names are no time");
        assert_eq!(SCALE.share(9999.0), 1.0);
    }

    #[test]
    fn axes_have_round_numbers() {
        assert_eq!(SCALE.round(90.0), 2_000_000);
        assert_eq!(SCALE.round(10.0), 200_000);
        assert_eq!(clock(4_000_000, 2_000_000), "4 ms");
        assert_eq!(clock(2_500_000_000, 500_000_000), "2.5 s");
        assert_eq!(clock(1_250_000, 50_000), "1.250 ms");
    }
}
