//! Slabs on a canvas: strips to scale, on which every object says by colour and by shape who has
//! it, with the freelists as arcs above.

use labs::view::{PlaceState, Segment, SegmentKind, SlabPage};
use web_sys::HtmlCanvasElement;

use super::chains::{Chains, Holder};
use super::plan::Plan;
use crate::canvas::{mark, palette};
use crate::looks::palette::Colour;
use crate::pen::Pen;

/// From this width on, in pixels, an object shows what its bytes are for.
const SEGMENTS_FROM: f64 = 16.0;
/// How high that is, at an object's foot.
const SEGMENT: f64 = 5.0;
/// From this width on, in pixels, a free object shows its turn.
const TURN_FROM: f64 = 15.0;
/// From this width on, in pixels, arcs can be told from each other.
const ARCS_FROM: f64 = 2.5;

/// What slabs are drawn with.
pub struct Brush<'a> {
    pen: &'a dyn Pen,
    ink: String,
    faint: String,
    line: String,
    ground: String,
    paper: String,
    used: String,
    kept: String,
    error: String,
    link: String,
    reserved: String,
    lit: String,
    on_used: String,
    /// How many times as thick as usual what is lit is drawn.
    thick: f64,
}

/// What is special about an object in the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Accent {
    /// Its bytes are not as they should be.
    pub is_damaged: bool,
    /// An answer is about it.
    pub is_lit: bool,
    /// `get` has pinned it.
    pub is_pinned: bool,
    /// It is another cache's.
    pub is_foreign: bool,
}

impl<'a> Brush<'a> {
    /// The brush for a canvas.
    pub fn new(canvas: &HtmlCanvasElement, pen: &'a dyn Pen) -> Brush<'a> {
        let colour = palette(canvas);
        Brush {
            pen,
            ink: colour(Colour::Ink),
            faint: colour(Colour::Ink2),
            line: colour(Colour::Line),
            ground: colour(Colour::Slot),
            paper: colour(Colour::Panel),
            used: colour(Colour::Slab),
            kept: colour(Colour::PerCpu),
            error: colour(Colour::Error),
            link: colour(Colour::Pointer),
            reserved: colour(Colour::Reserved),
            lit: colour(Colour::Lit),
            on_used: colour(Colour::AccentInk),
            thick: mark(canvas),
        }
    }

    fn fill(&self, colour: &str, x: f64, y: f64, width: f64, height: f64) {
        self.pen.set_fill(colour);
        self.pen.fill_rect(x, y, width, height);
    }

    /// The outline of a rectangle, inside of it.
    fn frame(&self, colour: &str, line: f64, [x, y, width, height]: [f64; 4]) {
        self.pen.set_stroke(colour);
        self.pen.set_line_width(line);
        let inset = line / 2.0;
        self.pen
            .stroke_rect(x + inset, y + inset, (width - line).max(0.0), height - line);
    }

    /// A line through some points.
    fn path(&self, colour: &str, line: f64, points: &[(f64, f64)]) {
        self.pen.set_stroke(colour);
        self.pen.set_line_width(line);
        self.pen.begin_path();
        for (x, y) in points {
            self.pen.line_to(*x, *y);
        }
        self.pen.stroke();
    }

    /// Text, if there is room for it. Returns its width.
    fn text(&self, colour: &str, font: &str, text: &str, x: f64, y: f64) -> f64 {
        self.pen.set_font(font);
        self.pen.set_fill(colour);
        self.pen.fill_text(text, x, y);
        self.width(text)
    }

    fn width(&self, text: &str) -> f64 {
        self.pen.text_width(text)
    }

    /// The line above a slab: its frame, then words as long as there is room, then how full it is.
    pub fn heading(&self, (x, y): (f64, f64), width: f64, frame: u32, list: &str, full: &str) {
        let base = y + 11.0;
        self.pen.set_font(SMALL);
        let end = x + width - self.width(full);
        let used = self.text(&self.ink, BOLD, &frame.to_string(), x, base);
        let from = x + used + 8.0;
        self.pen.set_font(SMALL);
        if from + self.width(list) + 8.0 <= end {
            self.text(&self.faint, SMALL, list, from, base);
        }
        if from <= end {
            self.text(&self.faint, SMALL, full, end, base);
        }
    }

    /// What lies under the objects: the page, its colour and descriptor.
    pub fn ground(&self, plan: &Plan, (x, top): (f64, f64), slab: &SlabPage, pages: u32) {
        let height = plan.strip;
        self.fill(&self.ground, x, top, plan.width, height);
        let colour = plan.pixels(slab.colour);
        let offset = plan.pixels(slab.offset);
        if slab.offset > slab.colour {
            let width = (offset - colour).max(1.0);
            self.fill(&self.reserved, x + colour, top, width, height);
            // The descriptor's lines.
            for step in 1..4 {
                let y = top + height * f64::from(step) / 4.0;
                self.path(
                    &self.ground,
                    1.0,
                    &[(x + colour + 2.0, y), (x + offset - 2.0, y)],
                );
            }
        }
        if slab.colour > 0 {
            self.hatch(&self.faint, [x, top, colour, height]);
        }
        for page in 1..pages {
            let x = x + plan.pixels(page * 4096);
            self.path(&self.faint, 1.0, &[(x, top - 3.0), (x, top + height + 3.0)]);
        }
        self.frame(&self.line, 1.0, [x, top, plan.width, height]);
    }

    /// A page that the cache does not have (any more).
    pub fn absence(&self, plan: &Plan, (x, top): (f64, f64), word: &str) {
        let place = [x, top, plan.width, plan.strip];
        self.hatch(&self.line, place);
        self.frame(&self.line, 1.0, place);
        self.pen.set_font(SMALL);
        let width = self.width(word);
        let middle = x + (plan.width - width) / 2.0;
        self.fill(
            &self.paper,
            middle - 4.0,
            top + 2.0,
            width + 8.0,
            plan.strip - 4.0,
        );
        self.text(
            &self.faint,
            SMALL,
            word,
            middle,
            top + plan.strip / 2.0 + 4.0,
        );
    }

    /// Lines across a rectangle.
    fn hatch(&self, colour: &str, [x, y, width, height]: [f64; 4]) {
        let pen = self.pen;
        pen.clip(x, y, width, height);
        pen.set_stroke(colour);
        pen.set_line_width(1.0);
        pen.begin_path();
        let mut at = x - height;
        while at < x + width {
            pen.move_to(at, y + height);
            pen.line_to(at + height, y);
            at += 4.0;
        }
        pen.stroke();
        pen.restore();
    }

    /// One object. `turn` is written into free ones that are wide enough.
    pub fn object(
        &self,
        [x, y, width, height]: [f64; 4],
        state: PlaceState,
        accent: Accent,
        layout: &[Segment],
        turn: Option<u32>,
    ) {
        let gap = if width >= 4.0 { 1.0 } else { 0.0 };
        let place = [x + gap / 2.0, y + 1.0, (width - gap).max(0.7), height - 2.0];
        let [x, y, inner, inner_height] = place;
        let (fill, text) = match state {
            PlaceState::InUse if accent.is_foreign => (&self.reserved, &self.ink),
            PlaceState::InUse => (&self.used, &self.on_used),
            PlaceState::Free => (&self.paper, &self.faint),
            PlaceState::Kept => (&self.paper, &self.ink),
        };
        self.fill(fill, x, y, inner, inner_height);
        if state == PlaceState::Kept {
            if inner >= 3.0 {
                self.hatch(&self.kept, place);
                self.frame(&self.kept, 1.5, place);
            } else {
                self.fill(&self.kept, x, y, inner, inner_height);
            }
        }
        let (right, bottom) = (x + inner, y + inner_height);
        let whole = layout.last().map_or(0, |segment| segment.to);
        let is_plain = |it: &Segment| matches!(it.kind, SegmentKind::Object | SegmentKind::Padding);
        if inner >= SEGMENTS_FROM && whole > 0 && !layout.iter().all(is_plain) {
            let scale = inner / f64::from(whole);
            self.fill(&self.ground, x, bottom - SEGMENT - 1.0, inner, 1.0);
            for segment in layout {
                let from = x + f64::from(segment.from) * scale;
                let width = f64::from(segment.to - segment.from) * scale;
                let colour = match segment.kind {
                    SegmentKind::Object | SegmentKind::Padding => continue,
                    SegmentKind::RedZone => &self.error,
                    SegmentKind::FreePointer => &self.link,
                    SegmentKind::Allocated | SegmentKind::Freed => &self.reserved,
                };
                self.fill(colour, from, bottom - SEGMENT, width, SEGMENT);
            }
        }
        if state == PlaceState::Free && inner >= 3.0 {
            self.frame(&self.line, 1.0, place);
        }
        if let Some(turn) = turn
            && inner >= TURN_FROM
        {
            let number = (turn + 1).to_string();
            self.pen.set_font(TINY);
            let width = self.width(&number);
            if width + 2.0 <= inner {
                if state == PlaceState::Kept {
                    let middle = x + (inner - width) / 2.0;
                    self.fill(&self.paper, middle - 1.0, y + 4.0, width + 2.0, 11.0);
                }
                self.text(text, TINY, &number, x + (inner - width) / 2.0, y + 13.0);
            }
        }
        if accent.is_damaged {
            self.frame(&self.error, 2.0, place);
            self.path(&self.error, 1.5, &[(x, y), (right, bottom)]);
            self.path(&self.error, 1.5, &[(x, bottom), (right, y)]);
        }
        if accent.is_pinned {
            // A pin's head above the object.
            self.fill(&self.lit, x + inner / 2.0 - 2.0, y - 5.0, 4.0, 4.0);
            self.path(
                &self.lit,
                1.5,
                &[(x + inner / 2.0, y - 3.0), (x + inner / 2.0, y + 4.0)],
            );
        }
        if accent.is_lit {
            self.frame(&self.lit, 2.0 * self.thick, place);
            self.path(&self.lit, self.thick, &[(x, bottom), (right, y)]);
        }
    }

    /// The freelists: an arc from each free object to the one that follows it, and where each
    /// begins.
    pub fn freelists(
        &self,
        plan: &Plan,
        (x, top): (f64, f64),
        slab: &SlabPage,
        chains: &Chains,
        stride: u32,
        is_pointed_at: bool,
    ) {
        let wide = plan.pixels(stride);
        if wide < ARCS_FROM && !is_pointed_at {
            return;
        }
        let middle = |number: usize| {
            let place = &slab.places[number];
            let offset = (place.at - slab.frame * 512) * 8;
            x + plan.pixels(offset) + plan.pixels(place.bytes) / 2.0
        };
        let pen = self.pen;
        let links = chains.links(slab);
        // A tangle is a tangle, but it need not hide everything else.
        pen.set_alpha(if is_pointed_at { 1.0 } else { 0.7 });
        for (holder, from, to) in &links {
            let colour = self.of(*holder);
            let (from, to) = (middle(*from), middle(*to));
            let lift = (6.0 + (to - from).abs() / 8.0).min(plan.strip_top - 14.0);
            pen.set_stroke(colour);
            pen.set_line_width(if is_pointed_at { 1.4 } else { 1.0 });
            pen.begin_path();
            pen.move_to(from, top);
            pen.curve_to([(from, top - lift), (to, top - lift)], to, top - 2.0);
            pen.stroke();
            if wide >= 6.0 {
                self.arrow(colour, to, top);
            }
        }
        pen.set_alpha(1.0);
        for (number, place) in slab.places.iter().enumerate() {
            if place.state == PlaceState::InUse {
                continue;
            }
            if let Some((holder, 0)) = chains.turn(place.at) {
                let colour = self.of(holder);
                let at = middle(number);
                self.path(colour, 2.0, &[(at, top - 14.0), (at, top - 4.0)]);
                self.fill(colour, at - 3.0, top - 16.0, 6.0, 4.0);
                self.arrow(colour, at, top);
            }
        }
    }

    /// The colour of what this holder hands out.
    fn of(&self, holder: Holder) -> &str {
        match holder {
            Holder::Slab => &self.link,
            _ => &self.kept,
        }
    }

    /// An arrow's head that points down to `y`.
    fn arrow(&self, colour: &str, x: f64, y: f64) {
        self.pen.set_fill(colour);
        self.pen.begin_path();
        self.pen.move_to(x, y);
        self.pen.line_to(x - 3.0, y - 5.0);
        self.pen.line_to(x + 3.0, y - 5.0);
        self.pen.fill();
    }

    /// Around what is pointed at.
    pub fn cursor(&self, [x, y, width, height]: [f64; 4]) {
        let width = width.max(3.0);
        self.frame(
            &self.ink,
            2.0,
            [x - 2.0, y - 2.0, width + 4.0, height + 4.0],
        );
    }

    /// Around a slab that a scene is about.
    pub fn spotlight(&self, plan: &Plan, (x, y): (f64, f64), rows: f64) {
        let place = [x - 5.0, y - 3.0, plan.width + 10.0, rows];
        self.frame(&self.lit, 2.0 * self.thick, place);
    }

    /// An object on its way: `share` of it is behind it. A line shows from where to where.
    pub fn flight(&self, from: [f64; 4], to: [f64; 4], share: Option<f64>) {
        let middle = |[x, y, width, height]: [f64; 4]| (x + width / 2.0, y + height / 2.0);
        let ((x0, y0), (x1, y1)) = (middle(from), middle(to));
        let lift = 24.0 + (x1 - x0).abs() / 10.0;
        let pen = self.pen;
        pen.set_stroke(&self.lit);
        pen.set_line_width(1.5);
        pen.begin_path();
        pen.move_to(x0, y0);
        let bend = ((x0 + x1) / 2.0, y0.min(y1) - lift);
        pen.bend_to((x0, y0), bend, (x1, y1));
        pen.stroke();
        self.frame(
            &self.lit,
            2.0,
            [to[0] - 1.0, to[1], to[2].max(3.0) + 2.0, to[3]],
        );
        let Some(share) = share else { return };
        // The point of the curve: slow, fast, slow.
        let t = share * share * (3.0 - 2.0 * share);
        let mix = |a: f64, b: f64, c: f64| {
            (1.0 - t) * (1.0 - t) * a + 2.0 * t * (1.0 - t) * b + t * t * c
        };
        let x = mix(x0, (x0 + x1) / 2.0, x1);
        let y = mix(y0, y0.min(y1) - lift, y1);
        let (width, height) = (from[2].max(7.0), from[3]);
        let place = [x - width / 2.0, y - height / 2.0, width, height];
        self.fill(&self.used, place[0], place[1], width, height);
        self.frame(&self.lit, 2.0, place);
    }
}

const SMALL: &str = "11px system-ui, sans-serif";
const BOLD: &str = "600 11px ui-monospace, Menlo, Consolas, monospace";
const TINY: &str = "10px ui-monospace, Menlo, Consolas, monospace";
