//! How slabs lie in a picture: in rows and columns, each a strip on which its objects have their
//! true places.

/// Between slabs, in pixels.
const GAP: f64 = 14.0;
/// Around all of them.
const MARGIN: f64 = 10.0;

/// The places of all slabs, in pixels from the picture's corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// How many there are.
    count: usize,
    /// Slabs side by side.
    columns: usize,
    /// Of a slab.
    pub width: f64,
    /// From one row of slabs to the next.
    row: f64,
    /// Bytes of a slab.
    bytes: f64,
    /// From a slab's top to its strip.
    pub strip_top: f64,
    /// How high a strip is.
    pub strip: f64,
}

impl Plan {
    /// Lays out `count` slabs of so many bytes and objects each on a picture of this width. A film is
    /// drawn as large as it fits into `height`, so that one sees all of it; any other picture has
    /// room above each slab for its freelist.
    pub fn new(count: usize, bytes: u32, objects: u32, width: f64, height: Option<f64>) -> Plan {
        let plan = |least: f64, pixels: f64, strip_top: f64, strip: f64| {
            let inside = (width - 2.0 * MARGIN).max(40.0);
            let wanted = (f64::from(objects) * pixels).clamp(least, inside.max(least));
            let columns = ((inside + GAP) / (wanted + GAP)) as usize;
            let columns = columns.clamp(1, count.max(1));
            Plan {
                count,
                columns,
                width: (inside + GAP) / columns as f64 - GAP,
                row: strip_top + strip + if height.is_some() { 8.0 } else { 16.0 },
                bytes: f64::from(bytes.max(1)),
                strip_top,
                strip,
            }
        };
        let Some(height) = height else {
            let rows = plan(220.0, 9.0, 34.0, 24.0);
            // A few slabs may be large.
            let is_few = count <= 3 * rows.columns;
            return if is_few {
                plan(220.0, 9.0, 34.0, 34.0)
            } else {
                rows
            };
        };
        let sizes = [(9.0, 30.0), (7.0, 26.0), (5.0, 20.0), (4.0, 16.0)];
        let mut plans = sizes
            .map(|(pixels, strip)| plan(90.0, pixels, 14.0, strip))
            .into_iter();
        let fits = plans.find(|plan| plan.height() <= height);
        fits.unwrap_or_else(|| plan(90.0, 3.0, 14.0, 13.0))
    }

    /// The height of the whole picture.
    pub fn height(&self) -> f64 {
        self.count.div_ceil(self.columns) as f64 * self.row + MARGIN
    }

    /// How far apart rows are, and how many slabs lie in one.
    pub fn rows(&self) -> (f64, usize) {
        (self.row, self.columns)
    }

    /// The left upper corner of a slab.
    pub fn corner(&self, slab: usize) -> (f64, f64) {
        let (row, column) = (slab / self.columns, slab % self.columns);
        (
            MARGIN + column as f64 * (self.width + GAP),
            4.0 + row as f64 * self.row,
        )
    }

    /// Pixels of so many bytes.
    pub fn pixels(&self, bytes: u32) -> f64 {
        f64::from(bytes) * self.width / self.bytes
    }

    /// The slab at a point, and the byte of it.
    pub fn at(&self, x: f64, y: f64) -> Option<(usize, u32)> {
        let row = (y / self.row).max(0.0) as usize;
        let column = ((x - MARGIN) / (self.width + GAP)).floor();
        if column < 0.0 || column >= self.columns as f64 {
            return None;
        }
        let slab = row * self.columns + column as usize;
        let inside = x - self.corner(slab).0;
        let is_on = slab < self.count && inside <= self.width;
        is_on.then(|| (slab, (inside * self.bytes / self.width) as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_finds_the_slab_that_is_drawn_there() {
        for (count, objects, width) in [(1, 64, 390.0), (40, 4, 900.0), (7, 512, 300.0)] {
            let height = (count > 9).then_some(500.0);
            let plan = Plan::new(count, 8192, objects, width, height);
            for slab in 0..count {
                let (x, y) = plan.corner(slab);
                let middle = x + plan.pixels(4100);
                let found = plan.at(middle, y + plan.strip_top + 1.0);
                let (found, byte) = found.expect("a slab is there");
                assert_eq!(found, slab);
                assert!((4096..4104).contains(&byte), "{byte}");
                assert!(
                    x >= 0.0 && x + plan.width <= width,
                    "slab {slab} sticks out"
                );
            }
            assert_eq!(plan.at(-5.0, 10.0), None);
            assert_eq!(plan.at(40.0, plan.height() + 100.0), None);
        }
    }

    #[test]
    fn objects_get_room_and_few_slabs_share_a_row() {
        let wide = Plan::new(40, 4096, 512, 900.0, None);
        assert_eq!(wide.rows().1, 1);
        let small = Plan::new(40, 4096, 8, 900.0, None);
        assert!(small.rows().1 > 2 && small.width > 200.0);
        assert!(small.height() < wide.height());
    }

    #[test]
    fn a_film_fits_while_it_can() {
        for count in [5, 20, 30] {
            let plan = Plan::new(count, 4096, 56, 700.0, Some(400.0));
            assert!(plan.height() <= 400.0, "{count}");
        }
        let few = Plan::new(5, 4096, 56, 700.0, Some(400.0));
        let many = Plan::new(2000, 4096, 56, 700.0, Some(400.0));
        assert!(few.strip > many.strip && many.height() > 400.0);
    }
}
