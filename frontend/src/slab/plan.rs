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
    /// Lays out `count` slabs of so many bytes and objects each on a picture of this width.
    pub fn new(count: usize, bytes: u32, objects: u32, width: f64, is_film: bool) -> Plan {
        let inside = (width - 2.0 * MARGIN).max(40.0);
        let (least, pixels) = if is_film { (90.0, 3.0) } else { (220.0, 9.0) };
        let wanted = (f64::from(objects) * pixels).clamp(least, inside.max(least));
        let columns = ((inside + GAP) / (wanted + GAP)) as usize;
        let columns = columns.clamp(1, count.max(1));
        let (strip_top, strip, row) = if is_film {
            (14.0, 14.0, 36.0)
        } else {
            (32.0, 20.0, 68.0)
        };
        Plan {
            count,
            columns,
            width: (inside + GAP) / columns as f64 - GAP,
            row,
            bytes: f64::from(bytes.max(1)),
            strip_top,
            strip,
        }
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
            let plan = Plan::new(count, 8192, objects, width, count > 9);
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
        let wide = Plan::new(40, 4096, 512, 900.0, false);
        assert_eq!(wide.rows().1, 1);
        let small = Plan::new(40, 4096, 8, 900.0, false);
        assert!(small.rows().1 > 2 && small.width > 200.0);
        assert!(small.height() < wide.height());
    }
}
