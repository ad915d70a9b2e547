//! A run queue's tree on a canvas.
//!
//! Red nodes are round and hollow, black ones square and full, so nobody needs the colours. Below
//! the tree lies the axis of virtual time, on which one sees how far apart those are whom the tree
//! only puts in order: who is behind the running one stands left of it.

use labs::view::{EntityView, QueueView, ahead, duration};
use web_sys::HtmlCanvasElement;

use super::layout::{AXIS, Layout, NODE};
use crate::canvas::{Surface, mark, palette};
use crate::looks::palette::Colour;
use crate::pen::Pen;
use crate::state::inquiry::lit::Lit;

/// Where the running one stands: left, top, width, height.
const RUNNING: [f64; 4] = [4.0, 2.0, 128.0, 20.0];
const FONT: &str = "11px ui-monospace, Menlo, Consolas, monospace";
const BOLD: &str = "600 11px ui-monospace, Menlo, Consolas, monospace";
const WORDS: &str = "11px system-ui, sans-serif";

/// What is drawn.
pub struct Scene<'a> {
    pub queue: &'a QueueView,
    pub layout: &'a Layout,
    /// What is pointed at: a node, or `Some(None)` for who runs.
    pub cursor: Option<Option<usize>>,
    /// What the reason that is looked at is about.
    pub told: Option<Option<usize>>,
    pub lit: &'a Lit,
}

/// The point is on the running one.
pub fn running_at(x: f64, y: f64) -> bool {
    let [left, top, width, height] = RUNNING;
    (left..left + width).contains(&x) && (top..top + height).contains(&y)
}

struct Brush<'a> {
    pen: &'a dyn Pen,
    ink: String,
    faint: String,
    line: String,
    paper: String,
    red: String,
    /// Black nodes are black in every theme, with a border that is seen.
    black: String,
    on_black: String,
    border: String,
    accent: String,
    on_accent: String,
    lit: String,
    /// How many times as thick as usual what is lit is drawn.
    thick: f64,
}

/// Draws the tree; returns how many nodes are in view.
pub fn draw(canvas: &HtmlCanvasElement, surface: &Surface, scene: &Scene<'_>) -> usize {
    let colour = palette(canvas);
    let brush = Brush {
        pen: &*surface.pen,
        ink: colour(Colour::Ink),
        faint: colour(Colour::Ink2),
        line: colour(Colour::Line),
        paper: colour(Colour::Panel),
        red: colour(Colour::RedNode),
        black: colour(Colour::BlackNode),
        on_black: colour(Colour::OnBlackNode),
        border: colour(Colour::Ink2),
        accent: colour(Colour::Accent),
        on_accent: colour(Colour::AccentInk),
        lit: colour(Colour::Lit),
        thick: mark(canvas),
    };
    let (queue, layout) = (scene.queue, scene.layout);
    brush.edges(queue, layout);
    let mut drawn = 0;
    for (number, node) in queue.nodes.iter().enumerate() {
        let (x, _) = layout.middle(number);
        if (-layout.pitch..surface.width + layout.pitch).contains(&x) {
            brush.node(scene, number, node);
            drawn += 1;
        }
    }
    brush.more(queue, layout, surface.width);
    brush.running(scene);
    brush.axis(scene, surface);
    drawn
}

impl Brush<'_> {
    fn text(&self, colour: &str, font: &str, text: &str, x: f64, y: f64) {
        self.pen.set_font(font);
        self.pen.set_fill(colour);
        self.pen.fill_text(text, x, y);
    }

    fn width(&self, font: &str, text: &str) -> f64 {
        self.pen.set_font(font);
        self.pen.text_width(text)
    }

    fn line(&self, colour: &str, width: f64, points: &[(f64, f64)]) {
        self.pen.set_stroke(colour);
        self.pen.set_line_width(width);
        self.pen.begin_path();
        for (x, y) in points {
            self.pen.line_to(*x, *y);
        }
        self.pen.stroke();
    }

    fn edges(&self, queue: &QueueView, layout: &Layout) {
        for (number, node) in queue.nodes.iter().enumerate() {
            let Some(parent) = node.parent else { continue };
            let (from, to) = (layout.middle(parent as usize), layout.middle(number));
            self.line(&self.line, 1.5, &[from, to]);
        }
    }

    /// The longest of some texts that fits.
    fn fitting<'t>(&self, font: &str, texts: &[&'t str], room: f64) -> &'t str {
        let fits = |text: &&&str| self.width(font, text) <= room;
        texts.iter().find(fits).copied().unwrap_or("")
    }

    fn node(&self, scene: &Scene<'_>, number: usize, node: &EntityView) {
        let layout = scene.layout;
        let (x, y) = layout.middle(number);
        let room = layout.node_width();
        let (long, short) = labels(node);
        let inner = room - 8.0;
        let text = self.fitting(FONT, &[&long, &short], inner);
        let text_width = self.width(FONT, text);
        let width = (text_width + 12.0).clamp(NODE, room);
        let place = [x - width / 2.0, y - NODE / 2.0, width, NODE];
        let pen = self.pen;
        let radius = if node.is_red { NODE / 2.0 } else { 2.0 };
        self.pen.rounded(place, radius);
        let (fill, stroke, ink) = match node.is_red {
            true => (&*self.paper, &*self.red, &*self.ink),
            false => (&*self.black, &*self.border, &*self.on_black),
        };
        pen.set_fill(fill);
        pen.fill();
        pen.set_stroke(stroke);
        pen.set_line_width(2.0);
        pen.stroke();
        if node.pid == 0 {
            // A group: a second line below, as of a stack.
            let (left, right) = (place[0] + 4.0, place[0] + width - 4.0);
            self.line(
                stroke,
                2.0,
                &[(left, y + NODE / 2.0 + 3.0), (right, y + NODE / 2.0 + 3.0)],
            );
        }
        self.text(ink, FONT, text, x - text_width / 2.0, y + 4.0);
        let around = |by: f64| {
            [
                place[0] - by,
                place[1] - by,
                width + 2.0 * by,
                NODE + 2.0 * by,
            ]
        };
        if number == 0 {
            let word = words::sched::next();
            self.frame(&self.accent, 2.0, around(3.5), radius);
            let word_width = self.width(WORDS, word);
            let at = (x - word_width / 2.0).max(1.0);
            self.text(&self.accent, WORDS, word, at, place[1] + NODE + 15.0);
        }
        if scene.lit.mark_of(node.at).is_some() || scene.told == Some(Some(number)) {
            self.frame(&self.lit, 2.5 * self.thick, around(6.0), radius);
        }
        if scene.cursor == Some(Some(number)) {
            self.frame(&self.ink, 2.0, around(6.0), radius);
        }
    }

    fn frame(&self, colour: &str, line: f64, place: [f64; 4], radius: f64) {
        self.pen.rounded(place, radius.max(3.0) + 2.0);
        self.pen.set_stroke(colour);
        self.pen.set_line_width(line);
        self.pen.stroke();
    }

    /// That there is more to the left or right.
    fn more(&self, queue: &QueueView, layout: &Layout, width: f64) {
        let y = layout.height() - AXIS - 2.0;
        if layout.shift > 1.0 {
            self.text(&self.faint, BOLD, "◂", 2.0, y);
        }
        let last = layout.middle(queue.nodes.len().saturating_sub(1)).0;
        if last > width || queue.left_out > 0 {
            self.text(&self.faint, BOLD, "▸", width - 10.0, y);
        }
    }

    /// Who runs, apart from the tree.
    fn running(&self, scene: &Scene<'_>) {
        let [x, y, width, height] = RUNNING;
        let Some(running) = &scene.queue.running else {
            let word = words::sched::nobody_runs();
            self.text(&self.faint, WORDS, word, x + 4.0, y + 14.0);
            return;
        };
        self.pen.rounded(RUNNING, 4.0);
        self.pen.set_fill(&self.accent);
        self.pen.fill();
        let (long, short) = labels(running);
        let word = words::sched::runs();
        let word_width = self.width(WORDS, word);
        self.text(&self.on_accent, WORDS, word, x + 6.0, y + 14.0);
        let text = self.fitting(BOLD, &[&long, &short], width - word_width - 12.0);
        self.text(&self.on_accent, BOLD, text, x + 6.0 + word_width, y + 14.0);
        let around = |by: f64| [x - by, y - by, width + 2.0 * by, height + 2.0 * by];
        if scene.told == Some(None) {
            self.frame(&self.lit, 2.5 * self.thick, around(2.0), 4.0);
        }
        if scene.cursor == Some(None) {
            self.frame(&self.ink, 2.0, around(1.0), 4.0);
        }
    }

    /// Virtual time, with everybody's place on it.
    fn axis(&self, scene: &Scene<'_>, surface: &Surface) {
        let queue = scene.queue;
        // Against who runs, or else against where those who come begin.
        let running = queue.running.as_ref();
        let zero = running.map_or(queue.min_vruntime, |it| it.vruntime);
        let offset = |entity: &EntityView| ahead(entity.vruntime, zero) as f64;
        let places = queue.nodes.iter().map(offset);
        let (least, most) = places.fold((0.0f64, 0.0f64), |(least, most), at| {
            (least.min(at), most.max(at))
        });
        let y = scene.layout.height() - AXIS + 22.0;
        let (left, right) = (14.0, surface.width - 14.0);
        self.line(&self.line, 1.0, &[(left, y), (right, y)]);
        if queue.nodes.is_empty() {
            return;
        }
        let scale = (right - left - 12.0) / (most - least).max(1.0);
        let x_of = |at: f64| left + 6.0 + (at - least) * scale;
        // A line from a node down to its place, for those of interest.
        let of_interest = [Some(0), scene.cursor.flatten(), scene.told.flatten()];
        for number in of_interest.into_iter().flatten() {
            let Some(node) = queue.nodes.get(number) else {
                continue;
            };
            let (x, top) = scene.layout.middle(number);
            let below = if number == 0 { 20.0 } else { 9.0 };
            let from = (x, top + NODE / 2.0 + below);
            let to = (x_of(offset(node)), y - 6.0);
            if from.1 < to.1 {
                self.line(&self.line, 1.0, &[from, (x, to.1 - 8.0), to]);
            }
        }
        for node in &queue.nodes {
            let x = x_of(offset(node));
            let pen = self.pen;
            match node.is_red {
                true => {
                    pen.circle(x, y, 3.5);
                    pen.set_fill(&self.paper);
                    pen.fill();
                    pen.set_stroke(&self.red);
                    pen.set_line_width(1.5);
                    pen.stroke();
                }
                false => {
                    pen.set_fill(&self.border);
                    pen.fill_rect(x - 3.5, y - 3.5, 7.0, 7.0);
                    pen.set_fill(&self.black);
                    pen.fill_rect(x - 2.5, y - 2.5, 5.0, 5.0);
                }
            }
        }
        let at = x_of(0.0);
        if running.is_some() {
            self.pen.begin_path();
            self.pen.set_fill(&self.accent);
            self.pen.move_to(at, y - 4.0);
            self.pen.line_to(at - 6.0, y - 14.0);
            self.pen.line_to(at + 6.0, y - 14.0);
            self.pen.fill();
        }
        let told = |at: f64| {
            let apart = duration(at.abs() as u64);
            match at < 0.0 {
                true => words::sched::behind(apart),
                false => words::sched::ahead(apart),
            }
        };
        let base = y + 18.0;
        if least < 0.0 {
            self.text(&self.faint, WORDS, &told(least), left - 8.0, base);
        }
        if most > 0.0 {
            let text = told(most);
            let width = self.width(WORDS, &text);
            self.text(&self.faint, WORDS, &text, right + 8.0 - width, base);
        }
    }
}

/// What a node is called, at length and in short.
fn labels(entity: &EntityView) -> (String, String) {
    match entity.pid {
        0 => {
            let last = entity.label.rsplit('/').next().unwrap_or_default();
            (entity.label.clone(), last.to_string())
        }
        pid => (
            entity.label.replace(" (", " ").replace(')', ""),
            pid.to_string(),
        ),
    }
}
