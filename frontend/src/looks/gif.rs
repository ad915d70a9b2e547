//! Animated images: GIF, as every program shows it.
//!
//! Each frame has a table of colours of its own, cut to 256 where it has more (median cut, on five bits
//! a channel), and is compressed by LZW as the format demands: codes from nine bits to twelve, with a
//! clear code whenever the table is full.

use std::collections::HashMap;

/// The most colours of a frame.
const COLOURS: usize = 256;
/// Bits of a pixel.
const BITS: u8 = 8;

/// Writes images one by one.
pub struct Gif {
    width: u16,
    height: u16,
    bytes: Vec<u8>,
}

impl Gif {
    /// An image of this size that runs for ever.
    pub fn new(width: u16, height: u16) -> Gif {
        let mut bytes = b"GIF89a".to_vec();
        bytes.extend(width.to_le_bytes());
        bytes.extend(height.to_le_bytes());
        // No table for all frames, no ground, square pixels.
        bytes.extend([0, 0, 0]);
        bytes.extend(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00");
        Gif {
            width,
            height,
            bytes,
        }
    }

    /// Adds a frame of red, green, blue and alpha (which is not asked), shown for hundredths of a second.
    /// Pixels that are missing are black.
    pub fn frame(&mut self, rgba: &[u8], hundredths: u16) {
        let count = usize::from(self.width) * usize::from(self.height);
        let mut pixels: Vec<[u8; 3]> = rgba
            .chunks_exact(4)
            .map(|pixel| [pixel[0], pixel[1], pixel[2]])
            .collect();
        pixels.resize(count, [0; 3]);
        let (table, indices) = reduced(&pixels);
        self.bytes.extend([0x21, 0xf9, 4, 0]);
        self.bytes.extend(hundredths.to_le_bytes());
        self.bytes.extend([0, 0]);
        self.bytes.extend([0x2c, 0, 0, 0, 0]);
        self.bytes.extend(self.width.to_le_bytes());
        self.bytes.extend(self.height.to_le_bytes());
        // A table of its own, of 256 colours.
        self.bytes.push(0x80 | (BITS - 1));
        let filled = table.iter().copied().chain(std::iter::repeat([0; 3]));
        self.bytes.extend(filled.take(COLOURS).flatten());
        self.bytes.push(BITS);
        for block in compressed(&indices).chunks(255) {
            self.bytes.push(block.len() as u8);
            self.bytes.extend(block);
        }
        self.bytes.push(0);
    }

    /// The file.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.push(0x3b);
        self.bytes
    }
}

/// A table of at most 256 colours, and each pixel's place in it.
fn reduced(pixels: &[[u8; 3]]) -> (Vec<[u8; 3]>, Vec<u8>) {
    let mut places: HashMap<[u8; 3], u8> = HashMap::new();
    let mut table = Vec::new();
    let mut indices = Vec::with_capacity(pixels.len());
    for pixel in pixels {
        let next = table.len();
        let place = match places.get(pixel) {
            Some(place) => *place,
            None if next == COLOURS => return cut(pixels),
            None => {
                places.insert(*pixel, next as u8);
                table.push(*pixel);
                next as u8
            }
        };
        indices.push(place);
    }
    (table, indices)
}

/// Five bits a channel.
fn coarse(pixel: [u8; 3]) -> [u8; 3] {
    pixel.map(|part| part >> 3)
}

/// The same for a picture with too many colours: boxes of similar ones are halved, the fullest first,
/// until there are enough; each stands for the mean of its pixels.
fn cut(pixels: &[[u8; 3]]) -> (Vec<[u8; 3]>, Vec<u8>) {
    // For each coarse colour how many pixels have it, and their sums.
    let mut sums: HashMap<[u8; 3], (u64, [u64; 3])> = HashMap::new();
    for pixel in pixels {
        let (count, sum) = sums.entry(coarse(*pixel)).or_default();
        *count += 1;
        for (sum, part) in sum.iter_mut().zip(pixel) {
            *sum += u64::from(*part);
        }
    }
    let mut all: Vec<([u8; 3], u64, [u64; 3])> = sums
        .into_iter()
        .map(|(colour, (count, sum))| (colour, count, sum))
        .collect();
    all.sort_unstable();
    let mut boxes = vec![all];
    while boxes.len() < COLOURS {
        let weight = |each: &Vec<([u8; 3], u64, [u64; 3])>| match widest(each) {
            (_, 0) => 0,
            (_, width) => each.iter().map(|it| it.1).sum::<u64>() * u64::from(width),
        };
        let heaviest = (0..boxes.len()).max_by_key(|place| weight(&boxes[*place]));
        let Some(place) = heaviest.filter(|place| weight(&boxes[*place]) > 0) else {
            break;
        };
        let (channel, _) = widest(&boxes[place]);
        boxes[place].sort_unstable_by_key(|it| (it.0[channel], it.0));
        let half = boxes[place].iter().map(|it| it.1).sum::<u64>() / 2;
        let mut before = 0;
        let at = boxes[place].iter().position(|it| {
            before += it.1;
            before > half
        });
        let at = at.unwrap_or(0).clamp(1, boxes[place].len() - 1);
        let rest = boxes[place].split_off(at);
        boxes.push(rest);
    }
    let mut places: HashMap<[u8; 3], u8> = HashMap::new();
    let table = boxes.iter().enumerate().map(|(place, members)| {
        let count = members.iter().map(|it| it.1).sum::<u64>().max(1);
        for (colour, ..) in members {
            places.insert(*colour, place as u8);
        }
        std::array::from_fn(|part| (members.iter().map(|it| it.2[part]).sum::<u64>() / count) as u8)
    });
    let table: Vec<[u8; 3]> = table.collect();
    let indices = pixels.iter().map(|pixel| places[&coarse(*pixel)]).collect();
    (table, indices)
}

/// The channel in which a box is widest, and how wide it is there.
fn widest(members: &[([u8; 3], u64, [u64; 3])]) -> (usize, u8) {
    let widths = (0..3).map(|channel| {
        let parts = || members.iter().map(|it| it.0[channel]);
        let width = parts().max().unwrap_or(0) - parts().min().unwrap_or(0);
        (channel, width)
    });
    widths
        .max_by_key(|(channel, width)| (*width, 2 - channel))
        .unwrap_or((0, 0))
}

/// Bits on their way into bytes, the lowest first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    held: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, code: u16, width: u32) {
        self.held |= u32::from(code) << self.count;
        self.count += width;
        while self.count >= 8 {
            self.bytes.push(self.held as u8);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.bytes.push(self.held as u8);
        }
        self.bytes
    }
}

/// LZW with codes of nine to twelve bits.
fn compressed(indices: &[u8]) -> Vec<u8> {
    const CLEAR: u16 = 1 << BITS;
    const END: u16 = CLEAR + 1;
    const FULL: u16 = 4096;
    let mut bits = Bits::default();
    let mut known: HashMap<(u16, u8), u16> = HashMap::new();
    let (mut next, mut width) = (END + 1, u32::from(BITS) + 1);
    bits.push(CLEAR, width);
    let mut indices = indices.iter().copied();
    let Some(first) = indices.next() else {
        bits.push(END, width);
        return bits.finish();
    };
    let mut prefix = u16::from(first);
    for index in indices {
        if let Some(code) = known.get(&(prefix, index)) {
            prefix = *code;
            continue;
        }
        bits.push(prefix, width);
        if next < FULL {
            known.insert((prefix, index), next);
            // The reader is one entry behind: it needs the wider code when this entry is in use.
            if next == 1 << width {
                width += 1;
            }
            next += 1;
        } else {
            bits.push(CLEAR, width);
            known.clear();
            (next, width) = (END + 1, u32::from(BITS) + 1);
        }
        prefix = u16::from(index);
    }
    bits.push(prefix, width);
    // The reader adds an entry for this code, too, and may widen with it.
    if next == 1 << width && width < 12 {
        width += 1;
    }
    bits.push(END, width);
    bits.finish()
}

#[cfg(test)]
mod tests;
