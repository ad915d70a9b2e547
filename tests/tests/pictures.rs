//! What every view looks like: light and dark, on a desk and on a phone, held against what it looked like when
//! somebody last looked at it and found it right.
//!
//! A reference is small, a pixel for a square of the page, so that neither the last bit of a letter's edge nor
//! a blinking caret counts; what counts is where things are and which colours they have. Each file in
//! `tests/pictures` has a view four times: wide, light and dark; narrow, light and dark. Letters are another
//! matter on a machine with other fonts: there the pictures are compared more coarsely, and the test says so.
//!
//! `GLASS_PICTURES=record cargo test -p tests --test pictures` makes them anew; look at what
//! `git diff --stat` then lists, and at the pictures in full in `target/pictures`, before they are kept.
//! Where a comparison fails, `target/pictures` has what there is, what was expected, and where they differ.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tests::Settings;
use tests::page::Page;
use tests::picture::Picture;
use tests::places::{PLACES, Place};
use tests::server::Server;
use tests::shared::in_threads;

/// A screen, and how many of its pixels in a square are one of the reference.
struct Screen {
    name: &'static str,
    width: u32,
    height: u32,
    side: usize,
}

const SCREENS: [Screen; 2] = [
    Screen {
        name: "wide",
        width: 1280,
        height: 800,
        side: 16,
    },
    Screen {
        name: "narrow",
        width: 390,
        height: 844,
        side: 10,
    },
];

const SCHEMES: [&str; 2] = ["light", "dark"];

/// What may differ.
struct Tolerance {
    /// How many squares of the reference, to and fro, are compared as one.
    side: usize,
    /// By how much a channel may differ, of 255.
    channel: u8,
    /// How many may differ by more, as a share.
    share: f64,
    /// The mean difference.
    mean: f64,
}

/// With the fonts with which the references were made.
const SAME_FONTS: Tolerance = Tolerance {
    side: 1,
    channel: 20,
    share: 0.006,
    mean: 0.8,
};

/// With others: text is longer or shorter and breaks elsewhere.
const OTHER_FONTS: Tolerance = Tolerance {
    side: 6,
    channel: 40,
    share: 0.15,
    mean: 12.0,
};

/// How wide some text is in both of the page's fonts: tells whether they are the same.
const FONTS: &str = "(() => {
    const style = getComputedStyle(document.documentElement);
    const context = document.createElement('canvas').getContext('2d');
    return ['--sans', '--mono'].map(name => {
        context.font = '100px ' + style.getPropertyValue(name);
        return context.measureText('Glass Kernel: struct page *alloc_pages(gfp_t, unsigned int)').width.toFixed(1);
    }).join(' ');
})()";

/// Nothing moves or blinks in a picture.
const STILL: &str = "(sheet => {
    sheet.replaceSync('* { animation: none !important; transition: none !important; caret-color: transparent !important }');
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
})(new CSSStyleSheet())";

/// How often a picture is taken at most until two in a row are the same.
const TRIES: usize = 20;

fn references() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures")
}

fn file_of(place: &Place) -> String {
    format!("{}.png", place.name.replace(' ', "-"))
}

/// A folder for those who have to look.
fn looked_at() -> PathBuf {
    let folder = std::env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty());
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = folder.map_or(workspace.join("target"), |dir| workspace.join(dir));
    folder.join("pictures")
}

/// The tab as it is once nothing changes any more.
fn take(page: &mut Page, what: &str) -> Picture {
    let mut last = Vec::new();
    for _ in 0..TRIES {
        page.eval("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))");
        let shot = page.browser.screenshot().expect("chromium can");
        if shot == last {
            return Picture::from_png(&shot).expect("a screenshot is a PNG");
        }
        last = shot;
    }
    panic!("{what} does not come to rest");
}

/// What was found in the threads.
#[derive(Default)]
struct Found {
    wrong: Vec<String>,
    bytes: usize,
    fonts: BTreeSet<String>,
}

#[test]
fn every_view_looks_as_it_did() {
    let records = std::env::var("GLASS_PICTURES").is_ok_and(|value| value == "record");
    let settings = Settings::find();
    let (references, looked_at) = (references(), looked_at());
    fs::create_dir_all(&references).expect("the repository can be written");
    fs::create_dir_all(&looked_at).expect("the target folder can be written");
    let known_fonts = fs::read_to_string(references.join("fonts.txt")).unwrap_or_default();

    let found = in_threads(2, Found::default(), |thread, found| {
        if thread > 1 {
            return false;
        }
        let server = Server::start(&settings, &[]).expect("the server starts");
        let mut page = Page::launch(&settings);
        for place in PLACES.iter().skip(thread as usize).step_by(2) {
            let taken = visit(&mut page, &server.url(), place);
            let fonts = page.text(FONTS);
            let file = references.join(file_of(place));
            let mut wrong = Vec::new();
            if records {
                let sheet = sheet_of(&taken);
                fs::write(&file, sheet.to_png()).expect("the repository can be written");
                for (name, picture) in &taken {
                    let file = looked_at.join(format!("{name}.png"));
                    fs::write(file, picture.to_png()).expect("the target folder can be written");
                }
            } else {
                let tolerance = match known_fonts.trim() == fonts {
                    true => &SAME_FONTS,
                    false => &OTHER_FONTS,
                };
                wrong = compare(&taken, &file, tolerance, &looked_at);
                // On a busy machine a console that became narrower may not be scrolled to its end.
                for _ in 0..2 {
                    if !wrong.is_empty() {
                        println!("once more: {}", wrong.join("; "));
                        let taken = visit(&mut page, &server.url(), place);
                        wrong = compare(&taken, &file, tolerance, &looked_at);
                    }
                }
            }
            let mut found = found.lock();
            found.bytes += fs::metadata(&file).map_or(0, |data| data.len() as usize);
            found.fonts.insert(fonts);
            found.wrong.extend(wrong);
        }
        true
    });

    let fonts = found.fonts.into_iter().collect::<Vec<_>>().join("\n");
    if records {
        fs::write(references.join("fonts.txt"), fonts.clone() + "\n").expect("it can be written");
    } else if known_fonts.trim() != fonts {
        println!(
            "other fonts than those of the references, so compared coarsely: {fonts}, not {known_fonts}"
        );
    }
    let kilobytes = found.bytes / 1000;
    println!("{} views, {kilobytes} kB of references", PLACES.len());
    assert!(kilobytes < 1500, "{kilobytes} kB");
    let wrong = found.wrong.join("\n");
    assert!(
        wrong.is_empty(),
        "{wrong}\nsee {}; GLASS_PICTURES=record keeps what there is now",
        looked_at.display()
    );
}

/// The view on all screens in both schemes, each with a name.
fn visit(page: &mut Page, url: &str, place: &Place) -> Vec<(String, Picture)> {
    let mut taken = Vec::new();
    for screen in &SCREENS {
        let (width, height) = (screen.width, screen.height);
        let resized = page.browser.resize(width, height, width < 600);
        resized.expect("chromium can");
        place.visit(page, url);
        page.eval(STILL);
        for scheme in SCHEMES {
            let preferred = [
                ("prefers-color-scheme", scheme),
                ("prefers-reduced-motion", "reduce"),
            ];
            page.browser.prefer(&preferred).expect("chromium can");
            let name = format!("{}-{}-{scheme}", place.name.replace(' ', "-"), screen.name);
            let picture = take(page, &name);
            let size = (picture.width(), picture.height());
            assert_eq!(size, (width as usize, height as usize), "{name}");
            taken.push((name, picture));
        }
    }
    taken
}

/// The reference's places: left end and size of each.
fn tiles() -> Vec<(usize, usize, usize, usize)> {
    let mut left = 0;
    let mut tiles = Vec::new();
    for screen in &SCREENS {
        let (width, height) = (
            screen.width as usize / screen.side,
            screen.height as usize / screen.side,
        );
        for _ in SCHEMES {
            tiles.push((left, width, height, screen.side));
            left += width;
        }
    }
    tiles
}

/// The reference of these pictures.
fn sheet_of(taken: &[(String, Picture)]) -> Picture {
    let tiles = tiles();
    let width = tiles.iter().map(|tile| tile.1).sum();
    let height = tiles.iter().map(|tile| tile.2).max().unwrap_or(0);
    let mut sheet = Picture::plain(width, height, [128; 3]);
    for ((_, picture), (left, _, _, side)) in taken.iter().zip(tiles) {
        sheet.put(&picture.coarse(side), left, 0);
    }
    sheet
}

/// Holds pictures against their reference; what differs too much is told, and kept to be looked at.
fn compare(
    taken: &[(String, Picture)],
    file: &Path,
    tolerance: &Tolerance,
    looked_at: &Path,
) -> Vec<String> {
    let sheet = fs::read(file).map_err(|error| error.to_string());
    let sheet = match sheet.and_then(|png| Picture::from_png(&png)) {
        Ok(sheet) => sheet,
        Err(error) => return vec![format!("{}: {error}", file.display())],
    };
    let mut wrong = Vec::new();
    for ((name, picture), (left, width, height, side)) in taken.iter().zip(tiles()) {
        let Some(expected) = sheet.part(left, 0, width, height) else {
            wrong.push(format!("{}: it is too small for {name}", file.display()));
            continue;
        };
        let small = picture.coarse(side);
        let coarse = [&small, &expected].map(|picture| picture.coarse(tolerance.side));
        let Some(distance) = coarse[0].distance(&coarse[1], tolerance.channel) else {
            wrong.push(format!("{name} has another size"));
            continue;
        };
        if distance.mean <= tolerance.mean && distance.share <= tolerance.share {
            continue;
        }
        wrong.push(format!(
            "{name}: {:.1} % of it differ by more than {} of 255, {:.2} on average",
            distance.share * 100.0,
            tolerance.channel,
            distance.mean
        ));
        for (kind, picture) in [
            ("actual", picture),
            ("actual-small", &small),
            ("expected", &expected),
            ("difference", &distance.map),
        ] {
            let file = looked_at.join(format!("{name}-{kind}.png"));
            fs::write(file, picture.to_png()).expect("the target folder can be written");
        }
    }
    wrong
}

/// Every reference is of a view, and every view has one of its own.
#[test]
fn views_and_references_belong_together() {
    let files: BTreeSet<String> = PLACES.iter().map(file_of).collect();
    assert_eq!(files.len(), PLACES.len(), "two views have one name");
    let kept = fs::read_dir(references()).expect("there are references");
    let kept = kept
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    let kept: BTreeSet<String> = kept.filter(|name| name.ends_with(".png")).collect();
    assert_eq!(kept, files);
}
