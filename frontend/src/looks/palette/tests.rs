//! The promises about colours, held against the style sheet.
//!
//! Contrast is that of WCAG 2.2: relative luminance in sRGB. How far two colours are apart is their
//! Euclidean distance in OKLab (B. Ottosson, 2020), where white and black are 1 apart and about 0.02 is
//! what an eye can just tell from each other side by side. What people with a colour blindness see is
//! simulated by the matrices of Machado, Oliveira and Fernandes, "A Physiologically-based Model for
//! Simulation of Color Vision Deficiency" (2009), at severity 1, on linear light.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{Colour, Role};

const STYLE: &str = include_str!("../../../static/style.css");

/// In one picture, colours are at least so far apart in normal sight,
const APART: f64 = 0.11;
/// and so far for every colour-blind one.
const APART_COLOUR_BLIND: f64 = 0.07;
/// Two meanings never share a colour, not even in two pictures.
const APART_ANYWHERE: f64 = 0.04;

/// The colours that tell something by themselves, by where they stand beside each other.
const PICTURES: &[(&str, &[Colour])] = {
    use Colour::*;
    &[
        (
            "memory",
            &[Slab, Cache, Allocated, PerCpu, Reserved, Free, Lit],
        ),
        ("tree", &[Item, Tag0, Tag1, Accent, Slot, Lit]),
        (
            "slabs",
            &[Slab, PerCpu, Error, Pointer, Reserved, Lit, Panel],
        ),
        ("address space", &[Allocated, Shared, Cache, Lit, Panel]),
        ("out of memory", &[Allocated, Cache, Slab, Free, Swap]),
        ("kills and shortages", &[Error, Waiting, Lit, Panel]),
        ("warnings", &[Error, Waiting, Series1, Reserved, Panel]),
        (
            "lanes",
            &[
                Series0, Series1, Series2, Series3, Series4, Series5, Lit, Slot,
            ],
        ),
        ("run queue", &[RedNode, Accent, Lit, Panel]),
        (
            "states of tasks",
            &[Accent, Waiting, Reserved, Error, Panel],
        ),
    ]
};

/// What is written on what.
const WRITTEN: &[(Colour, &[Colour])] = {
    use Colour::*;
    &[
        (
            Ink,
            &[Paper, Panel, Slot, AccentSoft, ErrorSoft, LitSoft, Group],
        ),
        (Ink2, &[Paper, Panel, AccentSoft, LitSoft, Group]),
        (Future, &[Paper, Panel]),
        (Accent, &[Paper, Panel, AccentSoft]),
        (Error, &[Paper, Panel, ErrorSoft]),
        (Lit, &[Paper, Panel, LitSoft]),
        (AccentInk, &[Accent, Slab]),
        (OnBlackNode, &[BlackNode]),
    ]
};

type Rgb = [f64; 3];
type Values = BTreeMap<String, String>;

/// Severity 1: protanopia, deuteranopia, tritanopia.
const BLINDNESSES: [(&str, [Rgb; 3]); 3] = [
    (
        "protanopia",
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
    ),
    (
        "tritanopia",
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ],
    ),
];

/// Linear light of `#rrggbb`.
fn linear(value: &str) -> Rgb {
    let digits = value.strip_prefix('#').filter(|digits| digits.len() == 6);
    let digits = digits.unwrap_or_else(|| panic!("`{value}` is not #rrggbb"));
    std::array::from_fn(|part| {
        let byte = u8::from_str_radix(&digits[part * 2..part * 2 + 2], 16).expect("two digits");
        let share = f64::from(byte) / 255.0;
        match share <= 0.04045 {
            true => share / 12.92,
            false => ((share + 0.055) / 1.055).powf(2.4),
        }
    })
}

fn times(matrix: &[Rgb; 3], [x, y, z]: Rgb) -> Rgb {
    matrix.map(|[a, b, c]| a * x + b * y + c * z)
}

fn contrast(one: &str, other: &str) -> f64 {
    let luminance = |value: &str| {
        let [red, green, blue] = linear(value);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn oklab(rgb: Rgb) -> Rgb {
    let cones = times(
        &[
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ],
        rgb,
    );
    times(
        &[
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ],
        cones.map(f64::cbrt),
    )
}

fn apart(one: Rgb, other: Rgb) -> f64 {
    let (one, other) = (oklab(one), oklab(other));
    let squares = one.iter().zip(other).map(|(a, b)| (a - b) * (a - b));
    squares.sum::<f64>().sqrt()
}

/// As someone with this colour blindness sees it.
fn seen(matrix: &[Rgb; 3], rgb: Rgb) -> Rgb {
    times(matrix, rgb).map(|part| part.clamp(0.0, 1.0))
}

/// The custom properties that are set behind the first `selector`.
fn block(selector: &str) -> Values {
    let head = format!("{selector} {{");
    let (_, body) = STYLE.split_once(&head).unwrap_or_else(|| panic!("{head}"));
    let (body, _) = body.split_once('}').expect("its end");
    let lines = body.lines().filter_map(|line| {
        let (name, value) = line.trim().split_once(':')?;
        let value = value.split(';').next()?.trim();
        name.starts_with("--").then(|| (name.into(), value.into()))
    });
    lines.collect()
}

/// Light and dark.
fn themes() -> [(&'static str, Values); 2] {
    [
        ("light", block(":root")),
        ("dark", block(":root[data-theme=\"dark\"]")),
    ]
}

fn value(theme: &Values, colour: Colour) -> &str {
    let value = theme.get(colour.property());
    value.unwrap_or_else(|| panic!("{colour:?} has no value"))
}

#[test]
fn light_and_dark_define_every_colour_and_no_other() {
    let known: Vec<&str> = Colour::ALL.iter().map(|it| it.property()).collect();
    let [(_, light), (_, dark)] = themes();
    for (name, theme) in [("light", &light), ("dark", &dark)] {
        for colour in Colour::ALL {
            linear(value(theme, *colour));
        }
        for property in theme.keys() {
            let is_other = ["--mark", "--mono", "--sans"].contains(&property.as_str());
            assert!(
                is_other || known.contains(&property.as_str()),
                "{name} has {property}, which has no meaning"
            );
        }
    }
    // What the system prefers and what is chosen is the same.
    assert_eq!(dark, block(":root:not([data-theme=\"light\"])"));
}

#[test]
fn texts_have_enough_contrast() {
    for (theme, values) in themes() {
        for (text, grounds) in WRITTEN {
            for ground in *grounds {
                let found = contrast(value(&values, *text), value(&values, *ground));
                assert!(
                    found >= 4.5,
                    "{theme}: {text:?} on {ground:?} has {found:.2}"
                );
            }
        }
        let texts = Colour::ALL.iter().filter(|it| it.role() == Role::Text);
        for text in texts {
            let is_held = WRITTEN.iter().any(|(known, _)| known == text);
            assert!(is_held, "{text:?} is written on nothing");
        }
    }
}

#[test]
fn shapes_have_enough_contrast() {
    for (theme, values) in themes() {
        for shape in Colour::ALL.iter().filter(|it| it.role() == Role::Shape) {
            for ground in [Colour::Paper, Colour::Panel, Colour::Slot] {
                let found = contrast(value(&values, *shape), value(&values, ground));
                assert!(
                    found >= 3.0,
                    "{theme}: {shape:?} on {ground:?} has {found:.2}"
                );
            }
        }
    }
}

#[test]
fn colours_of_a_picture_are_told_apart_by_everyone() {
    let mut wrong = Vec::new();
    for (theme, values) in themes() {
        for (picture, colours) in PICTURES {
            for (index, one) in colours.iter().enumerate() {
                for other in &colours[..index] {
                    let (a, b) = (linear(value(&values, *one)), linear(value(&values, *other)));
                    let mut hold = |sight: &str, found: f64, least: f64| {
                        if found < least {
                            wrong.push(format!(
                                "{theme}, {picture}, {sight}: {one:?} and {other:?} are {found:.3} apart"
                            ));
                        }
                    };
                    hold("normal sight", apart(a, b), APART);
                    for (name, matrix) in &BLINDNESSES {
                        let found = apart(seen(matrix, a), seen(matrix, b));
                        hold(name, found, APART_COLOUR_BLIND);
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_colour_has_one_meaning() {
    for (theme, values) in themes() {
        let shapes: Vec<Colour> = Colour::ALL
            .iter()
            .copied()
            .filter(|it| it.role() == Role::Shape)
            .chain([Colour::Accent, Colour::Error, Colour::Lit])
            .collect();
        for (index, one) in shapes.iter().enumerate() {
            for other in &shapes[..index] {
                let found = apart(linear(value(&values, *one)), linear(value(&values, *other)));
                assert!(
                    found >= APART_ANYWHERE,
                    "{theme}: {one:?} and {other:?} are {found:.3} apart"
                );
            }
        }
    }
}

#[test]
fn the_measures_are_those_that_are_known() {
    assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 1e-9);
    // The lightest grey that text on white may have.
    assert!((contrast("#767676", "#ffffff") - 4.54).abs() < 0.01);
    assert!((apart(linear("#000000"), linear("#ffffff")) - 1.0).abs() < 1e-3);
    // Red and a dark yellow that no deuteranope tells apart; white stays white.
    let [_, (_, deuteranopia), _] = &BLINDNESSES;
    let (red, olive) = (linear("#c23b22"), linear("#7f7600"));
    assert!(apart(red, olive) > 0.15);
    assert!(apart(seen(deuteranopia, red), seen(deuteranopia, olive)) < 0.1);
    let white = seen(deuteranopia, linear("#ffffff"));
    assert!(apart(white, linear("#ffffff")) < 1e-2);
}

#[test]
fn what_the_style_sheet_uses_is_known() {
    // Sizes that are set from outside, and fonts.
    let others = ["--mono", "--sans", "--mark", "--dx", "--dy"];
    let known: Vec<&str> = Colour::ALL.iter().map(|it| it.property()).collect();
    for part in STYLE.split("var(").skip(1) {
        let name: String = part
            .chars()
            .take_while(|it| it.is_ascii_alphanumeric() || *it == '-')
            .collect();
        let is_known = known.contains(&&*name) || others.contains(&&*name);
        assert!(is_known, "var({name}) is no colour that has a meaning");
    }
    let (_, rules) = STYLE.split_once("*, *::before").expect("rules");
    assert_eq!(hex_colours(rules), Vec::<String>::new());
}

/// Colours that are written as `#rgb` or `#rrggbb`.
fn hex_colours(text: &str) -> Vec<String> {
    let found = text.split('#').skip(1).filter_map(|rest| {
        let is_digit = |it: &char| it.is_ascii_hexdigit();
        let digits: String = rest.chars().take_while(is_digit).collect();
        let next = rest[digits.len()..].chars().next().unwrap_or(' ');
        let ends = !next.is_ascii_alphanumeric() && next != '-' && next != '_';
        (ends && [3, 6, 8].contains(&digits.len())).then_some(digits)
    });
    found.collect()
}

#[test]
fn drawing_code_has_no_colours_of_its_own() {
    assert_eq!(hex_colours("a { color: #a1b2c3; } #abc-d"), ["a1b2c3"]);
    let mut files = Vec::new();
    collect(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")),
        &mut files,
    );
    assert!(files.len() > 50, "the sources are there");
    for file in files {
        let text = fs::read_to_string(&file).expect("a source");
        // Tests may say what they like.
        let code = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        let found = hex_colours(code);
        assert!(found.is_empty(), "{} has {found:?}", file.display());
    }
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or("");
        if path.is_dir() {
            collect(&path, files);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            files.push(path);
        }
    }
}
