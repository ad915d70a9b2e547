//! What was written is read again, by a reader that knows nothing of the writer.

use super::*;

/// A frame: how long it is shown, and its pixels.
type Frame = (u16, Vec<[u8; 3]>);

/// Reads a file as the format describes it.
fn read(bytes: &[u8]) -> (u16, u16, Vec<Frame>) {
    let word = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    assert_eq!(&bytes[..6], b"GIF89a");
    let (width, height) = (word(6), word(8));
    assert_eq!(bytes[10] & 0x80, 0, "no table for all frames");
    let mut at = 13;
    let (mut frames, mut delay) = (Vec::new(), 0);
    loop {
        match bytes[at] {
            0x3b => break,
            0x21 => {
                if bytes[at + 1] == 0xf9 {
                    delay = word(at + 4);
                }
                at = blocks(bytes, at + 2).1;
            }
            0x2c => {
                assert_eq!((word(at + 1), word(at + 3)), (0, 0));
                assert_eq!((word(at + 5), word(at + 7)), (width, height));
                let flags = bytes[at + 9];
                assert_eq!(flags & 0x40, 0, "not interlaced");
                let colours = 2usize << (flags & 7);
                let table = &bytes[at + 10..at + 10 + 3 * colours];
                let least = bytes[at + 10 + 3 * colours];
                let (data, end) = blocks(bytes, at + 11 + 3 * colours);
                let indices = unpacked(&data, least);
                let pixels = indices.iter().map(|index| {
                    let from = usize::from(*index) * 3;
                    [table[from], table[from + 1], table[from + 2]]
                });
                frames.push((delay, pixels.collect()));
                at = end;
            }
            other => panic!("a block of kind {other:#x} at {at}"),
        }
    }
    assert_eq!(at, bytes.len() - 1);
    (width, height, frames)
}

/// The bytes of blocks that follow each other, and where they end.
fn blocks(bytes: &[u8], mut at: usize) -> (Vec<u8>, usize) {
    let mut data = Vec::new();
    while bytes[at] != 0 {
        let length = usize::from(bytes[at]);
        data.extend(&bytes[at + 1..=at + length]);
        at += length + 1;
    }
    (data, at + 1)
}

/// LZW, read: strings are kept whole.
fn unpacked(data: &[u8], least: u8) -> Vec<u8> {
    let clear = 1usize << least;
    let start = || -> Vec<Vec<u8>> {
        let singles = (0..clear).map(|value| vec![value as u8]);
        singles.chain([Vec::new(), Vec::new()]).collect()
    };
    let (mut strings, mut width) = (start(), usize::from(least) + 1);
    let mut before: Option<Vec<u8>> = None;
    let mut out = Vec::new();
    let mut at = 0;
    loop {
        let mut code = 0;
        for bit in 0..width {
            let byte = data[(at + bit) / 8];
            code |= usize::from(byte >> ((at + bit) % 8) & 1) << bit;
        }
        at += width;
        if code == clear {
            (strings, width, before) = (start(), usize::from(least) + 1, None);
            continue;
        }
        if code == clear + 1 {
            break;
        }
        let string = match (strings.get(code), &before) {
            (Some(known), _) => known.clone(),
            (None, Some(before)) => {
                assert_eq!(code, strings.len(), "a code that nobody has defined");
                [before.as_slice(), &before[..1]].concat()
            }
            (None, None) => panic!("the first code is unknown"),
        };
        if let Some(mut new) = before.take()
            && strings.len() < 4096
        {
            new.push(string[0]);
            strings.push(new);
        }
        if strings.len() == 1 << width && width < 12 {
            width += 1;
        }
        out.extend(&string);
        before = Some(string);
    }
    assert!(data.len() * 8 - at < 8, "nothing follows the end");
    out
}

fn rgba(pixels: &[[u8; 3]]) -> Vec<u8> {
    pixels
        .iter()
        .flat_map(|[red, green, blue]| [*red, *green, *blue, 255])
        .collect()
}

/// Numbers from a seed, the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

#[test]
fn few_colours_come_back_as_they_were() {
    let seed = 0x1234_5678_9abc_def1;
    println!("seed {seed:#x}");
    let mut random = Random(seed);
    for (width, height, colours) in [
        (1, 1, 1),
        (3, 2, 2),
        (64, 64, 256),
        (301, 97, 17),
        (200, 150, 3),
    ] {
        let table: Vec<[u8; 3]> = (0..colours)
            .map(|number| {
                [
                    number as u8,
                    random.below(256) as u8,
                    random.below(256) as u8,
                ]
            })
            .collect();
        let mut gif = Gif::new(width, height);
        let mut frames = Vec::new();
        for delay in [10, 0, 65535] {
            // Noise, long runs, and something between.
            let run = [1, 1000, 7][usize::from(delay > 0) + usize::from(delay > 10)];
            let mut pixels: Vec<[u8; 3]> = Vec::new();
            while pixels.len() < usize::from(width) * usize::from(height) {
                let pixel = table[random.below(colours) as usize];
                let length = 1 + random.below(run) as usize;
                pixels.extend(std::iter::repeat_n(pixel, length));
            }
            pixels.truncate(usize::from(width) * usize::from(height));
            gif.frame(&rgba(&pixels), delay);
            frames.push((delay, pixels));
        }
        let bytes = gif.finish();
        assert_eq!(read(&bytes), (width, height, frames), "{width}×{height}");
    }
}

#[test]
fn many_colours_come_back_nearly() {
    let (width, height) = (128u16, 128u16);
    let pixels: Vec<[u8; 3]> = (0..16384u32)
        .map(|number| [(number % 128 * 2) as u8, (number / 128 * 2) as u8, 40])
        .collect();
    let mut gif = Gif::new(width, height);
    gif.frame(&rgba(&pixels), 5);
    let (.., frames) = read(&gif.finish());
    let shown = &frames[0].1;
    let mut distinct = shown.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert!((200..=256).contains(&distinct.len()), "{}", distinct.len());
    let off = |one: &[u8; 3], other: &[u8; 3]| {
        let parts = one
            .iter()
            .zip(other)
            .map(|(a, b)| u32::from(a.abs_diff(*b)));
        parts.max().unwrap_or(0)
    };
    let worst = pixels.iter().zip(shown).map(|(was, is)| off(was, is)).max();
    assert!(worst <= Some(24), "{worst:?}");
}

#[test]
fn pixels_that_are_missing_are_black() {
    let mut gif = Gif::new(2, 2);
    gif.frame(&rgba(&[[9, 9, 9]]), 1);
    let (.., frames) = read(&gif.finish());
    assert_eq!(frames, [(1, vec![[9, 9, 9], [0; 3], [0; 3], [0; 3]])]);
}
