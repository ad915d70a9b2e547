//! A pen that notes what is drawn, for somebody who draws it again elsewhere.
//!
//! Whatever draws pictures is here from the start, and so is every pen that it may hold. A pen that
//! writes a file is larger than all drawing code together; notes are small, and that pen reads them when
//! somebody has asked for a file, in a part of the page that comes then.

use std::cell::RefCell;

use web_sys::CanvasRenderingContext2d;

use super::Pen;

/// A call of a [`Pen`], by the same name.
enum Note {
    SetFill(String),
    SetStroke(String),
    SetLineWidth(f64),
    SetRoundJoins,
    SetFont(String),
    SetTextPlace(String, String),
    SetAlpha(f64),
    FillRect([f64; 4]),
    StrokeRect([f64; 4]),
    BeginPath,
    MoveTo(f64, f64),
    LineTo(f64, f64),
    CurveTo([(f64, f64); 2], f64, f64),
    ClosePath,
    Fill,
    Stroke,
    FillText(String, f64, f64),
    StrokeText(String, f64, f64),
    Clip([f64; 4]),
    Restore,
    Squares(Vec<[u8; 3]>, usize, f64),
}

/// The pen. Texts are as wide as on the canvas that it stands for.
pub struct Notes {
    context: CanvasRenderingContext2d,
    notes: RefCell<Vec<Note>>,
}

impl Notes {
    /// Nothing yet, in the place of a canvas with this context.
    pub fn new(context: CanvasRenderingContext2d) -> Notes {
        Notes {
            context,
            notes: RefCell::default(),
        }
    }

    /// The canvas's context.
    pub fn context(&self) -> &CanvasRenderingContext2d {
        &self.context
    }

    /// Draws the same with another pen.
    pub fn draw(&self, pen: &impl Pen) {
        for note in self.notes.borrow().iter() {
            match note {
                Note::SetFill(colour) => pen.set_fill(colour),
                Note::SetStroke(colour) => pen.set_stroke(colour),
                Note::SetLineWidth(width) => pen.set_line_width(*width),
                Note::SetRoundJoins => pen.set_round_joins(),
                Note::SetFont(font) => pen.set_font(font),
                Note::SetTextPlace(align, baseline) => pen.set_text_place(align, baseline),
                Note::SetAlpha(alpha) => pen.set_alpha(*alpha),
                Note::FillRect([x, y, width, height]) => pen.fill_rect(*x, *y, *width, *height),
                Note::StrokeRect([x, y, width, height]) => pen.stroke_rect(*x, *y, *width, *height),
                Note::BeginPath => pen.begin_path(),
                Note::MoveTo(x, y) => pen.move_to(*x, *y),
                Note::LineTo(x, y) => pen.line_to(*x, *y),
                Note::CurveTo(by, x, y) => pen.curve_to(*by, *x, *y),
                Note::ClosePath => pen.close_path(),
                Note::Fill => pen.fill(),
                Note::Stroke => pen.stroke(),
                Note::FillText(text, x, y) => pen.fill_text(text, *x, *y),
                Note::StrokeText(text, x, y) => pen.stroke_text(text, *x, *y),
                Note::Clip([x, y, width, height]) => pen.clip(*x, *y, *width, *height),
                Note::Restore => pen.restore(),
                Note::Squares(colours, columns, side) => pen.squares(colours, *columns, *side),
            }
        }
    }

    fn note(&self, note: Note) {
        self.notes.borrow_mut().push(note);
    }
}

impl Pen for Notes {
    fn set_fill(&self, colour: &str) {
        self.note(Note::SetFill(colour.into()));
    }

    fn set_stroke(&self, colour: &str) {
        self.note(Note::SetStroke(colour.into()));
    }

    fn set_line_width(&self, width: f64) {
        self.note(Note::SetLineWidth(width));
    }

    fn set_round_joins(&self) {
        self.note(Note::SetRoundJoins);
    }

    fn set_font(&self, font: &str) {
        Pen::set_font(&self.context, font);
        self.note(Note::SetFont(font.into()));
    }

    fn set_text_place(&self, align: &str, baseline: &str) {
        self.note(Note::SetTextPlace(align.into(), baseline.into()));
    }

    fn set_alpha(&self, alpha: f64) {
        self.note(Note::SetAlpha(alpha));
    }

    fn fill_rect(&self, x: f64, y: f64, width: f64, height: f64) {
        self.note(Note::FillRect([x, y, width, height]));
    }

    fn stroke_rect(&self, x: f64, y: f64, width: f64, height: f64) {
        self.note(Note::StrokeRect([x, y, width, height]));
    }

    fn begin_path(&self) {
        self.note(Note::BeginPath);
    }

    fn move_to(&self, x: f64, y: f64) {
        self.note(Note::MoveTo(x, y));
    }

    fn line_to(&self, x: f64, y: f64) {
        self.note(Note::LineTo(x, y));
    }

    fn curve_to(&self, by: [(f64, f64); 2], x: f64, y: f64) {
        self.note(Note::CurveTo(by, x, y));
    }

    fn close_path(&self) {
        self.note(Note::ClosePath);
    }

    fn fill(&self) {
        self.note(Note::Fill);
    }

    fn stroke(&self) {
        self.note(Note::Stroke);
    }

    fn fill_text(&self, text: &str, x: f64, y: f64) {
        self.note(Note::FillText(text.into(), x, y));
    }

    fn stroke_text(&self, text: &str, x: f64, y: f64) {
        self.note(Note::StrokeText(text.into(), x, y));
    }

    fn text_width(&self, text: &str) -> f64 {
        Pen::text_width(&self.context, text)
    }

    fn clip(&self, x: f64, y: f64, width: f64, height: f64) {
        self.note(Note::Clip([x, y, width, height]));
    }

    fn restore(&self) {
        self.note(Note::Restore);
    }

    fn squares(&self, colours: &[[u8; 3]], columns: usize, side: f64) {
        self.note(Note::Squares(colours.into(), columns, side));
    }
}
