//! Pictures of the page, made small enough to be kept and compared.
//!
//! Only what Chromium's screenshots are made of is read: eight bits a channel, colours with or without
//! alpha, not interlaced.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";

/// Rows of pixels: red, green, blue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    pixels: Vec<[u8; 3]>,
}

/// How far two pictures of one size are from each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Distance {
    /// The mean difference of a channel, of 255.
    pub mean: f64,
    /// The share of pixels with a channel that differs by more than was tolerated.
    pub share: f64,
    /// Where they differ: as the picture, pale, with what is far off in red.
    pub map: Picture,
}

impl Picture {
    /// A picture of one colour.
    pub fn plain(width: usize, height: usize, colour: [u8; 3]) -> Picture {
        Picture {
            width,
            pixels: vec![colour; width * height],
        }
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.pixels.len().checked_div(self.width).unwrap_or(0)
    }

    fn at(&self, x: usize, y: usize) -> [u8; 3] {
        self.pixels[y * self.width + x]
    }

    /// Each square of `side` pixels as one, of their mean colour; what is left at the ends is cut off.
    pub fn coarse(&self, side: usize) -> Picture {
        let (width, height) = (self.width / side, self.height() / side);
        let mean = |x: usize, y: usize| {
            let mut sums = [0usize; 3];
            for (dx, dy) in (0..side).flat_map(|dy| (0..side).map(move |dx| (dx, dy))) {
                let pixel = self.at(x * side + dx, y * side + dy);
                for (sum, channel) in sums.iter_mut().zip(pixel) {
                    *sum += usize::from(channel);
                }
            }
            let count = side * side;
            sums.map(|sum| ((sum + count / 2) / count) as u8)
        };
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Picture {
            width,
            pixels: places.map(|(x, y)| mean(x, y)).collect(),
        }
    }

    /// Puts another picture into this one, its corner at (`left`, `top`); what sticks out is cut off.
    pub fn put(&mut self, other: &Picture, left: usize, top: usize) {
        let height = self.height();
        for y in 0..other.height().min(height.saturating_sub(top)) {
            for x in 0..other.width.min(self.width.saturating_sub(left)) {
                self.pixels[(top + y) * self.width + left + x] = other.at(x, y);
            }
        }
    }

    /// A part of the picture; `None` if it is not all inside.
    pub fn part(&self, left: usize, top: usize, width: usize, height: usize) -> Option<Picture> {
        if left + width > self.width || top + height > self.height() {
            return None;
        }
        let mut part = Picture::plain(width, height, [0; 3]);
        for (y, row) in part.pixels.chunks_mut(width).enumerate() {
            let from = (top + y) * self.width + left;
            row.copy_from_slice(&self.pixels[from..from + width]);
        }
        Some(part)
    }

    /// How far this picture is from `other`, where channels may differ by `tolerated`; `None` if their
    /// sizes differ.
    pub fn distance(&self, other: &Picture, tolerated: u8) -> Option<Distance> {
        if (self.width, self.pixels.len()) != (other.width, other.pixels.len()) {
            return None;
        }
        let (mut sum, mut far) = (0u64, 0usize);
        let mut map = Vec::with_capacity(self.pixels.len());
        for (mine, its) in self.pixels.iter().zip(&other.pixels) {
            let channels = mine.iter().zip(its).map(|(a, b)| a.abs_diff(*b));
            let most = channels.clone().max().unwrap_or(0);
            sum += channels.map(u64::from).sum::<u64>();
            let is_far = most > tolerated;
            far += usize::from(is_far);
            map.push(match is_far {
                true => [220, 0, 0],
                false => mine.map(|channel| 160 + channel / 4),
            });
        }
        let count = self.pixels.len().max(1) as f64;
        Some(Distance {
            mean: sum as f64 / (3.0 * count),
            share: far as f64 / count,
            map: Picture {
                width: self.width,
                pixels: map,
            },
        })
    }

    /// Reads a PNG as Chromium writes it.
    ///
    /// # Errors
    /// When it is none, or one of another kind.
    pub fn from_png(bytes: &[u8]) -> Result<Picture, String> {
        let mut rest = bytes.strip_prefix(SIGNATURE).ok_or("this is no PNG")?;
        let (mut head, mut packed) = (None, Vec::new());
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            let (kind, after) = after.split_first_chunk::<4>().ok_or("a piece is cut off")?;
            let (data, after) = after.split_at_checked(length).ok_or("a piece is cut off")?;
            match kind {
                b"IHDR" => head = Some(data),
                b"IDAT" => packed.extend(data),
                _ => {}
            }
            // The checksum: what comes here has come through a pipe or from a repository.
            rest = after.get(4..).ok_or("a piece is cut off")?;
        }
        let head: &[u8; 13] = head
            .and_then(|head| head.try_into().ok())
            .ok_or("it has no head")?;
        let number = |at: usize| {
            u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize
        };
        let (width, height) = (number(0), number(4));
        let depth = match &head[8..] {
            [8, 2, 0, 0, 0] => 3,
            [8, 6, 0, 0, 0] => 4,
            other => return Err(format!("its kind is {other:?}")),
        };
        let mut rows = Vec::new();
        let read = ZlibDecoder::new(packed.as_slice()).read_to_end(&mut rows);
        read.map_err(|error| format!("it cannot be unpacked: {error}"))?;
        let stride = width * depth;
        if rows.len() != height * (stride + 1) {
            return Err(format!("{} bytes are not {width}x{height}", rows.len()));
        }
        let (mut above, mut pixels) = (vec![0; stride], Vec::with_capacity(width * height));
        for row in rows.chunks_mut(stride + 1) {
            let (filter, row) = row.split_first_mut().ok_or("an empty row")?;
            unfilter(*filter, row, &above, depth)?;
            pixels.extend(
                row.chunks(depth)
                    .map(|pixel| [pixel[0], pixel[1], pixel[2]]),
            );
            above.copy_from_slice(row);
        }
        Ok(Picture { width, pixels })
    }

    /// The picture as a PNG.
    pub fn to_png(&self) -> Vec<u8> {
        let mut head = Vec::new();
        head.extend((self.width as u32).to_be_bytes());
        head.extend((self.height() as u32).to_be_bytes());
        head.extend([8, 2, 0, 0, 0]);
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
        let mut above = vec![0; self.width * 3];
        for row in self.pixels.chunks(self.width) {
            let row = row.as_flattened();
            // Less what is above: much of the page is plain.
            let less: Vec<u8> = row
                .iter()
                .zip(&above)
                .map(|(a, b)| a.wrapping_sub(*b))
                .collect();
            // Writing to memory does not fail.
            let _ = packed
                .write_all(&[2])
                .and_then(|()| packed.write_all(&less));
            above.copy_from_slice(row);
        }
        let mut png = SIGNATURE.to_vec();
        let packed = packed.finish().unwrap_or_default();
        for (kind, data) in [(b"IHDR", head), (b"IDAT", packed), (b"IEND", Vec::new())] {
            let mut checked = flate2::Crc::new();
            checked.update(kind);
            checked.update(&data);
            png.extend((data.len() as u32).to_be_bytes());
            png.extend(kind);
            png.extend(&data);
            png.extend(checked.sum().to_be_bytes());
        }
        png
    }
}

/// Takes back what was done to a row of bytes before it was packed.
fn unfilter(filter: u8, row: &mut [u8], above: &[u8], depth: usize) -> Result<(), String> {
    for at in 0..row.len() {
        let left = at.checked_sub(depth).map_or(0, |at| row[at]);
        let corner = at.checked_sub(depth).map_or(0, |at| above[at]);
        let up = above[at];
        let guess = match filter {
            0 => 0,
            1 => left,
            2 => up,
            3 => ((u16::from(left) + u16::from(up)) / 2) as u8,
            4 => nearest(left, up, corner),
            _ => return Err(format!("there is no filter {filter}")),
        };
        row[at] = row[at].wrapping_add(guess);
    }
    Ok(())
}

/// Of three neighbours the one that is nearest to left + up - corner.
fn nearest(left: u8, up: u8, corner: u8) -> u8 {
    let [a, b, c] = [left, up, corner].map(i16::from);
    let guess = a + b - c;
    let (to_left, to_up, to_corner) = (guess.abs_diff(a), guess.abs_diff(b), guess.abs_diff(c));
    if to_left <= to_up && to_left <= to_corner {
        left
    } else if to_up <= to_corner {
        up
    } else {
        corner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shaded(width: usize, height: usize) -> Picture {
        let mut picture = Picture::plain(width, height, [0; 3]);
        for (at, pixel) in picture.pixels.iter_mut().enumerate() {
            *pixel = [(at * 7) as u8, (at / 3) as u8, (at * at) as u8];
        }
        picture
    }

    #[test]
    fn a_picture_comes_back_from_its_file() {
        let picture = shaded(37, 11);
        assert_eq!(Picture::from_png(&picture.to_png()), Ok(picture));
        assert!(Picture::from_png(b"GIF89a").is_err());
        let png = shaded(5, 5).to_png();
        assert!(Picture::from_png(&png[..png.len() / 2]).is_err());
    }

    #[test]
    fn filters_are_taken_back() {
        let above = [10, 20, 30, 40];
        for (filter, expected) in [
            (0, [1, 2, 3, 4]),
            (1, [1, 2, 4, 6]),
            (2, [11, 22, 33, 44]),
            (3, [6, 12, 21, 30]),
            (4, [11, 22, 33, 44]),
        ] {
            let mut row = [1, 2, 3, 4];
            unfilter(filter, &mut row, &above, 2).expect("it is known");
            assert_eq!(row, expected, "filter {filter}");
        }
        assert!(unfilter(5, &mut [0], &[0], 1).is_err());
        assert_eq!(
            (nearest(9, 1, 1), nearest(1, 9, 1), nearest(1, 9, 5)),
            (9, 9, 5)
        );
    }

    #[test]
    fn squares_become_their_mean_and_parts_come_out_again() {
        let mut picture = Picture::plain(5, 4, [0; 3]);
        picture.put(&Picture::plain(2, 2, [200, 100, 50]), 2, 0);
        picture.put(&Picture::plain(1, 9, [255; 3]), 4, 0);
        let coarse = picture.coarse(2);
        assert_eq!((coarse.width(), coarse.height()), (2, 2));
        assert_eq!(coarse.pixels, [[0; 3], [200, 100, 50], [0; 3], [0; 3]]);
        assert_eq!(
            picture.part(2, 0, 2, 2),
            Some(Picture::plain(2, 2, [200, 100, 50]))
        );
        assert_eq!(picture.part(4, 0, 2, 1), None);
    }

    #[test]
    fn what_differs_is_measured_and_shown() {
        let one = Picture::plain(4, 4, [100; 3]);
        let mut other = one.clone();
        other.put(&Picture::plain(1, 1, [104, 100, 100]), 0, 0);
        other.put(&Picture::plain(1, 1, [100, 160, 100]), 3, 3);
        let distance = one.distance(&other, 5).expect("one size");
        assert_eq!(distance.share, 1.0 / 16.0);
        assert_eq!(distance.mean, 64.0 / 48.0);
        assert_eq!(distance.map.at(3, 3), [220, 0, 0]);
        assert_eq!(one.distance(&Picture::plain(4, 3, [100; 3]), 5), None);
    }
}
