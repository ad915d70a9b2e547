//! What pictures are drawn with: a canvas, or a file.
//!
//! Drawing code knows a [`Pen`] and nothing of what is behind it. On the screen that is the canvas's
//! own context; when a picture is saved as SVG, the same code draws once more with a pen that writes
//! shapes (`looks::svg`, which is not loaded before somebody saves a picture).

pub mod notes;

use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

/// Draws. The names are those of a canvas's context, and mean the same; what can fail there for a
/// page that is not shown, or for a negative radius, is not told here, since nothing hangs on it.
pub trait Pen {
    fn set_fill(&self, colour: &str);
    fn set_stroke(&self, colour: &str);
    fn set_line_width(&self, width: f64);
    /// Lines meet in a round corner.
    fn set_round_joins(&self);
    fn set_font(&self, font: &str);
    /// How texts lie about their point: `left`, `center`, `right`; `alphabetic`, `middle`, `bottom`.
    fn set_text_place(&self, align: &str, baseline: &str);
    fn set_alpha(&self, alpha: f64);
    fn fill_rect(&self, x: f64, y: f64, width: f64, height: f64);
    fn stroke_rect(&self, x: f64, y: f64, width: f64, height: f64);
    fn begin_path(&self);
    fn move_to(&self, x: f64, y: f64);
    fn line_to(&self, x: f64, y: f64);
    fn curve_to(&self, by: [(f64, f64); 2], x: f64, y: f64);
    fn close_path(&self);
    fn fill(&self);
    fn stroke(&self);
    fn fill_text(&self, text: &str, x: f64, y: f64);
    fn stroke_text(&self, text: &str, x: f64, y: f64);
    /// How wide a text is in the present font.
    fn text_width(&self, text: &str) -> f64;
    /// Until [`Pen::restore`], nothing is drawn outside of a rectangle.
    fn clip(&self, x: f64, y: f64, width: f64, height: f64);
    fn restore(&self);
    /// A grid of squares in rows of `columns`, each with a side of `side`, from (0, 0).
    fn squares(&self, colours: &[[u8; 3]], columns: usize, side: f64);

    /// The path goes on to (`x`, `y`) in a curve with one bend.
    fn bend_to(&self, from: (f64, f64), bend: (f64, f64), (x, y): (f64, f64)) {
        let third = |end: (f64, f64)| {
            let at = |end: f64, bend: f64| end + (bend - end) * 2.0 / 3.0;
            (at(end.0, bend.0), at(end.1, bend.1))
        };
        self.curve_to([third(from), third((x, y))], x, y);
    }

    /// A path: a rectangle with round corners.
    fn rounded(&self, [x, y, width, height]: [f64; 4], radius: f64) {
        // So far from a quarter's ends lie the points that bend it, or a circle would look otherwise.
        let near = radius * (1.0 - 0.552_284_75);
        let (right, bottom) = (x + width, y + height);
        self.begin_path();
        self.move_to(x + radius, y);
        self.line_to(right - radius, y);
        self.curve_to([(right - near, y), (right, y + near)], right, y + radius);
        self.line_to(right, bottom - radius);
        self.curve_to(
            [(right, bottom - near), (right - near, bottom)],
            right - radius,
            bottom,
        );
        self.line_to(x + radius, bottom);
        self.curve_to([(x + near, bottom), (x, bottom - near)], x, bottom - radius);
        self.line_to(x, y + radius);
        self.curve_to([(x, y + near), (x + near, y)], x + radius, y);
        self.close_path();
    }

    /// A path: a circle.
    fn circle(&self, x: f64, y: f64, radius: f64) {
        let side = 2.0 * radius;
        self.rounded([x - radius, y - radius, side, side], radius);
    }
}

impl Pen for CanvasRenderingContext2d {
    fn set_fill(&self, colour: &str) {
        self.set_fill_style_str(colour);
    }

    fn set_stroke(&self, colour: &str) {
        self.set_stroke_style_str(colour);
    }

    fn set_line_width(&self, width: f64) {
        CanvasRenderingContext2d::set_line_width(self, width);
    }

    fn set_round_joins(&self) {
        self.set_line_join("round");
    }

    fn set_font(&self, font: &str) {
        CanvasRenderingContext2d::set_font(self, font);
    }

    fn set_text_place(&self, align: &str, baseline: &str) {
        self.set_text_align(align);
        self.set_text_baseline(baseline);
    }

    fn set_alpha(&self, alpha: f64) {
        self.set_global_alpha(alpha);
    }

    fn fill_rect(&self, x: f64, y: f64, width: f64, height: f64) {
        CanvasRenderingContext2d::fill_rect(self, x, y, width, height);
    }

    fn stroke_rect(&self, x: f64, y: f64, width: f64, height: f64) {
        CanvasRenderingContext2d::stroke_rect(self, x, y, width, height);
    }

    fn begin_path(&self) {
        CanvasRenderingContext2d::begin_path(self);
    }

    fn move_to(&self, x: f64, y: f64) {
        CanvasRenderingContext2d::move_to(self, x, y);
    }

    fn line_to(&self, x: f64, y: f64) {
        CanvasRenderingContext2d::line_to(self, x, y);
    }

    fn curve_to(&self, [(x0, y0), (x1, y1)]: [(f64, f64); 2], x: f64, y: f64) {
        self.bezier_curve_to(x0, y0, x1, y1, x, y);
    }

    fn close_path(&self) {
        CanvasRenderingContext2d::close_path(self);
    }

    fn fill(&self) {
        CanvasRenderingContext2d::fill(self);
    }

    fn stroke(&self) {
        CanvasRenderingContext2d::stroke(self);
    }

    fn fill_text(&self, text: &str, x: f64, y: f64) {
        // Text of a page that can be shown can be drawn.
        let _ = CanvasRenderingContext2d::fill_text(self, text, x, y);
    }

    fn stroke_text(&self, text: &str, x: f64, y: f64) {
        let _ = CanvasRenderingContext2d::stroke_text(self, text, x, y);
    }

    fn text_width(&self, text: &str) -> f64 {
        let measured = self.measure_text(text);
        measured.map_or(0.0, |text| text.width())
    }

    fn clip(&self, x: f64, y: f64, width: f64, height: f64) {
        self.save();
        CanvasRenderingContext2d::begin_path(self);
        self.rect(x, y, width, height);
        CanvasRenderingContext2d::clip(self);
    }

    fn restore(&self) {
        CanvasRenderingContext2d::restore(self);
    }

    /// One pixel a square on a canvas of its own, then that one enlarged: a map has 16,000.
    fn squares(&self, colours: &[[u8; 3]], columns: usize, side: f64) {
        if let Some(small) = small(colours, columns) {
            let (width, height) = (small.width(), small.height());
            self.set_image_smoothing_enabled(false);
            // What was just made can be drawn.
            let _ = self.draw_image_with_html_canvas_element_and_dw_and_dh(
                &small,
                0.0,
                0.0,
                f64::from(width) * side,
                f64::from(height) * side,
            );
        }
    }
}

/// A canvas with a pixel for each colour.
fn small(colours: &[[u8; 3]], columns: usize) -> Option<HtmlCanvasElement> {
    let rows = colours.len().div_ceil(columns.max(1));
    let mut pixels = vec![0u8; columns * rows * 4];
    for (pixel, colour) in pixels.chunks_exact_mut(4).zip(colours) {
        pixel[..3].copy_from_slice(colour);
        pixel[3] = 255;
    }
    let (columns, rows) = (columns as u32, rows as u32);
    let image =
        ImageData::new_with_u8_clamped_array_and_sh(Clamped(&pixels), columns, rows).ok()?;
    let document = web_sys::window()?.document()?;
    let canvas: HtmlCanvasElement = document.create_element("canvas").ok()?.dyn_into().ok()?;
    canvas.set_width(columns);
    canvas.set_height(rows);
    let context: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
    context.put_image_data(&image, 0.0, 0.0).ok()?;
    Some(canvas)
}
