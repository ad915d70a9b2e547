use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, process};

use alloc::string::ToString;
use alloc::{format, vec};

use super::*;
use crate::lab::{Block, Expect, Inline, Question, Test};

/// A folder for labs, gone when the test ends.
struct Catalogue(PathBuf);

impl Catalogue {
    fn new() -> Catalogue {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = env::temp_dir().join(format!("labs-{}-{count}", process::id()));
        fs::create_dir_all(&dir).expect("the system's temporary folder can be written");
        Catalogue(dir)
    }

    /// Adds a lab that is good but for the files given.
    fn lab(&self, id: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = self.0.join(id);
        fs::create_dir_all(&folder).expect("the folder is ours");
        let good = [
            ("lab.toml", SETTINGS),
            ("handout.md", HANDOUT),
            ("scenario.sh", "# A tree to begin with.\nradix create t\n"),
            ("solution.sh", "radix insert t {{key}} 1\n"),
        ];
        for (file, text) in good.iter().chain(files) {
            fs::write(folder.join(file), text).expect("the folder is ours");
        }
        folder
    }
}

impl Drop for Catalogue {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const SETTINGS: &str = r#"
version = 1
title = "A lab"
summary = "What it is about."
topic = "Trees"
order = 1
minutes = 20
machine = "mem=16M"
steps_max = 100000

[[varies]]
name = "key"
from = 64
to = 4095

[[checks]]
id = "height"
title = "The tree is {{1 + 1}} nodes high"
points = 2
run = "radix stat t"
number = { after = "height", from = 2, to = 2 }
hints = ["Look at **the key**: `{{key}}`.", "64"]

[[checks]]
id = "shown"
title = "You looked"
points = 1
printed = "radix show"
contains = "t: height"
hints = ["Show it."]
"#;

const HANDOUT: &str = r#"
## Keys

Your key is {{key}}, which is `{{key >> 6 & 63}}` & *then*
**{{key & 63}}**.

- one
- two, see [the article](https://lwn.net/Articles/175432/)

```console
# Comments are for the author.
radix insert t {{key}} 7

radix show t
```

> 3. A remark

```predict
id = "slot"
ask = "Which *slot*?"
run = "radix stat t"
after = "height"
explain = "So it is."
```

| key | slot |
|---|---|
| {{key}} | `1` |

    as it is
---
"#;

/// What is wrong with a lab that is good but for one file: line and message of each problem.
fn problems(file: &str, text: &str) -> Vec<(usize, String)> {
    let catalogue = Catalogue::new();
    let folder = catalogue.lab("a-lab", &[(file, text)]);
    let problems = read_lab(&folder).expect_err("the lab is bad").0;
    // What uses an unreadable declaration elsewhere is unreadable too.
    let here = problems
        .into_iter()
        .filter(|problem| problem.file == folder.join(file));
    here.map(|problem| (problem.line, problem.message))
        .collect()
}

/// [`problems`] after a change in a file.
fn problems_of(file: &str, good: &str, replaced: &str, by: &str) -> Vec<(usize, String)> {
    assert_eq!(good.matches(replaced).count(), 1, "{replaced}");
    problems(file, &good.replace(replaced, by))
}

#[track_caller]
fn check_one(problems: Vec<(usize, String)>, line: usize, part: &str) {
    match problems.as_slice() {
        [(found, message)] => {
            assert!(message.contains(part), "{message}");
            assert_eq!(*found, line, "{message}");
        }
        _ => panic!("one problem is expected: {problems:?}"),
    }
}

fn text(text: &str) -> Inline {
    Inline::Text(text.into())
}

#[test]
fn a_folder_becomes_a_lab() {
    let catalogue = Catalogue::new();
    let authored = read_lab(&catalogue.lab("a-lab", &[])).unwrap();
    let lab = &authored.lab;
    assert_eq!((lab.id.as_str(), lab.points()), ("a-lab", 3));
    assert_eq!(
        lab.machine,
        "mem=16M nodes=1 cpus=1 hz=1000 slab=slub seed=1"
    );
    assert_eq!(lab.scenario, ["radix create t"]);
    assert_eq!(
        lab.checks[0].hints,
        [
            vec![
                text("Look at "),
                Inline::Strong(vec![text("the key")]),
                text(": "),
                Inline::Code("{{key}}".into()),
                text("."),
            ],
            vec![text("64")]
        ]
    );
    assert_eq!(
        lab.checks[1].test,
        Test::Printed {
            line: "radix show".into(),
            expect: Expect::Contains("t: height".into())
        }
    );
    let cell = |piece: Inline| vec![piece];
    let expected = [
        Block::Heading(2, vec![text("Keys")]),
        Block::Paragraph(vec![
            text("Your key is {{key}}, which is "),
            Inline::Code("{{key >> 6 & 63}}".into()),
            text(" & "),
            Inline::Emphasis(vec![text("then")]),
            text(" "),
            Inline::Strong(vec![text("{{key & 63}}")]),
            text("."),
        ]),
        Block::List(
            None,
            vec![
                vec![Block::Paragraph(vec![text("one")])],
                vec![Block::Paragraph(vec![
                    text("two, see "),
                    Inline::Link(
                        "https://lwn.net/Articles/175432/".into(),
                        vec![text("the article")],
                    ),
                ])],
            ],
        ),
        Block::Commands(vec![
            "radix insert t {{key}} 7".into(),
            "radix show t".into(),
        ]),
        Block::Quote(vec![Block::List(
            Some(3),
            vec![vec![Block::Paragraph(vec![text("A remark")])]],
        )]),
        Block::Predict(Question {
            id: "slot".into(),
            ask: vec![
                text("Which "),
                Inline::Emphasis(vec![text("slot")]),
                text("?"),
            ],
            run: "radix stat t".into(),
            after: "height".into(),
            explain: vec![text("So it is.")],
        }),
        Block::Table(
            vec![cell(text("key")), cell(text("slot"))],
            vec![vec![cell(text("{{key}}")), cell(Inline::Code("1".into()))]],
        ),
        Block::Code("as it is\n".into()),
        Block::Rule,
    ];
    for (found, expected) in lab.handout.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(lab.handout.len(), expected.len());
    let key = Numbers::draw(&lab.varies, 5).get("key").unwrap();
    assert_eq!(authored.solution(5), [format!("radix insert t {key} 1")]);
}

#[test]
fn mistakes_in_the_handout_are_told_with_their_lines() {
    for (handout, line, part) in [
        ("a\n\n<b>bold</b>\n", 3, "HTML"),
        ("a\n\n<div>\nb\n</div>\n\nc", 3, "HTML"),
        ("text <br> text", 1, "HTML"),
        ("\n![a picture](x.png)", 2, "images"),
        ("[here](../x)", 1, "'../x'"),
        ("[here](javascript:alert)", 1, "'javascript:alert'"),
        ("<mailto:a@b.c>", 1, "'mailto:a@b.c'"),
        ("# Title", 1, "##"),
        ("a\n##### deep", 2, "##"),
        ("", 0, "empty"),
        ("a\n```console\n# nothing\n```", 2, "console"),
        (
            "a\n\n```predict\nid = \"q\"\nask = \"?\"\n```",
            4,
            "missing field",
        ),
        ("```predict\nid = \"q\"\nfoo = 1\n```", 3, "unknown field"),
        (
            "```predict\nid = \"Q\"\nask = \"a\"\nrun = \"a\"\nexplain = \"b\"\n```",
            1,
            "'Q'",
        ),
        (
            "```predict\nid = \"q\"\nask = \"a\"\nrun = \" \"\nexplain = \"b\"\n```",
            1,
            "without `run`",
        ),
        (
            "```predict\nid = \"q\"\nask = \"- a\"\nrun = \"a\"\nexplain = \"b\"\n```",
            2,
            "one paragraph",
        ),
        ("a\n{{kei}}", 2, "[[varies]]"),
        ("a\n{{key", 2, "no expression"),
        ("a\n{{1 - key}}", 2, "below 0"),
        ("a\n{{4095 - key}} {{key - 65}}", 2, "below 0"),
    ] {
        check_one(problems("handout.md", handout), line, part);
    }
    let twice = "```predict\nid = \"q\"\nask = \"a\"\nrun = \"a\"\nexplain = \"b\"\n```\n";
    check_one(
        problems("handout.md", &[twice, twice].concat()),
        8,
        "two questions",
    );
    assert_eq!(
        problems("handout.md", "# A\n\n<i>\n\n![](x)").len(),
        3,
        "all are told"
    );
}

#[test]
fn mistakes_in_the_settings_are_told_with_their_lines() {
    for (replaced, by, line, part) in [
        ("version = 1", "version = 0", 2, "at least 1"),
        ("version = 1", "version = x", 2, ""),
        ("version = 1", "", 1, "missing field `version`"),
        (
            "order = 1",
            "order = 1\ncolour = 2",
            7,
            "unknown field `colour`",
        ),
        ("\"A lab\"", "\"\"", 3, "empty"),
        ("\"Trees\"", "\"{{key}}\"", 5, "braces"),
        ("minutes = 20", "minutes = 0", 7, "at least 1"),
        ("mem=16M", "mem=9T", 8, "mem=9T"),
        ("name = \"key\"", "name = \"Key\"", 12, "small letters"),
        ("from = 64", "from = 4096", 12, "no values"),
        ("points = 2", "points = 0", 17, "worth nothing"),
        ("id = \"height\"", "id = \"\"", 17, "small letters"),
        ("id = \"height\"", "id = \"shown\"", 25, "two checks"),
        ("hints = [\"Show it.\"]", "", 25, "no hints"),
        ("[\"Show it.\"]", "[\"a\", \"- b\"]", 30, "one paragraph"),
        ("printed = \"radix show\"", "", 25, "either `run`"),
        ("\"radix show\"", "\"\"", 25, "anyone can"),
        ("contains = \"t: height\"", "", 25, "needs one of"),
        ("points = 2", "points = 2\nstatus = 0", 17, "needs one of"),
        (
            "from = 2, to = 2",
            "from = 3, to = 2",
            17,
            "admits no number",
        ),
        ("{{1 + 1}}", "{{1 +}}", 18, "no expression"),
    ] {
        let found = problems_of("lab.toml", SETTINGS, replaced, by);
        let first = found.into_iter().take(1).collect();
        check_one(first, line, part);
    }
    let same = "[[varies]]\nname = \"key\"\nfrom = 1\nto = 9\n[[checks]]\nid = \"height\"";
    let found = problems_of("lab.toml", SETTINGS, "[[checks]]\nid = \"height\"", same);
    check_one(found, 17, "two numbers");
    let few = "[[varies]]\nname = \"few\"\nfrom = 1\nto = 1\n[[checks]]\nid = \"height\"";
    let found = problems_of("lab.toml", SETTINGS, "[[checks]]\nid = \"height\"", few);
    check_one(found, 17, "widen");
    let found = problems("lab.toml", SETTINGS.split("[[checks]]").next().unwrap());
    assert!(found[0].1.contains("[[checks]]"), "{found:?}");
}

#[test]
fn missing_files_and_bad_names_are_told() {
    let catalogue = Catalogue::new();
    let folder = catalogue.lab("a-lab", &[]);
    fs::remove_file(folder.join("scenario.sh")).unwrap();
    fs::remove_file(folder.join("solution.sh")).unwrap();
    let told = read_lab(&folder).unwrap_err().to_string();
    assert_eq!(told.lines().count(), 2, "{told}");
    assert!(told.contains("a-lab/scenario.sh: can't read"), "{told}");
    let told = read_lab(&catalogue.lab("A_Lab", &[]))
        .unwrap_err()
        .to_string();
    assert!(told.contains("small letters"), "{told}");
    assert!(read_catalogue(&catalogue.0.join("nowhere")).is_err());
    let empty = Catalogue::new();
    let told = read_catalogue(&empty.0).unwrap_err().to_string();
    assert!(told.contains("there is no lab here"), "{told}");
}

#[test]
fn a_catalogue_is_in_order_and_its_requirements_come_first() {
    let catalogue = Catalogue::new();
    let requiring = |order: u32, required: &str| {
        let order = format!("order = {order}\nrequires = [\"{required}\"]");
        SETTINGS.replace("order = 1", &order)
    };
    catalogue.lab("z-first", &[]);
    catalogue.lab("a-second", &[("lab.toml", &requiring(2, "z-first"))]);
    fs::write(catalogue.0.join("README.md"), "no lab").unwrap();
    let labs = read_catalogue(&catalogue.0).unwrap();
    let ids: Vec<&str> = labs
        .iter()
        .map(|authored| authored.lab.id.as_str())
        .collect();
    assert_eq!(ids, ["z-first", "a-second"]);
    for (required, part) in [
        ("c-third", "before"),
        ("z", "does not exist"),
        ("b", "before"),
    ] {
        catalogue.lab("c-third", &[("lab.toml", &requiring(3, ""))]);
        catalogue.lab(
            "c-third",
            &[("lab.toml", &SETTINGS.replace("order = 1", "order = 3"))],
        );
        catalogue.lab("b", &[("lab.toml", &requiring(2, required))]);
        let told = read_catalogue(&catalogue.0).unwrap_err().to_string();
        assert!(told.contains(part), "{told}");
    }
}

/// What is wrong with a lab once it is tried, that is good but for one file.
fn trial(file: &str, text: &str) -> Vec<String> {
    let catalogue = Catalogue::new();
    let authored = read_lab(&catalogue.lab("a-lab", &[(file, text)])).unwrap();
    try_lab(&authored, 5)
}

/// It asks for a tree that is shown, and does so.
const SOLUTION: &str = "radix insert t {{key}} 1\nradix show t\n";

#[test]
fn a_lab_is_tried_in_both_directions() {
    assert_eq!(trial("solution.sh", SOLUTION), [""; 0]);
    let check = |problems: Vec<String>, part: &str| {
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(part), "{problems:?}");
    };
    let missed = trial("solution.sh", "radix insert t {{key}} 1\n");
    check(missed, "the solution fails the check 'shown'");
    let catalogue = Catalogue::new();
    let tried = |settings: &str| {
        let files = [("lab.toml", settings), ("solution.sh", SOLUTION)];
        try_lab(&read_lab(&catalogue.lab("a-lab", &files)).unwrap(), 5)
    };
    assert_eq!(tried(SETTINGS), [""; 0]);
    let height = "after = \"height\", from = 2";
    let easy = SETTINGS.replace(height, "after = \"height\", from = 0");
    check(tried(&easy), "'height' holds before");
    let marked =
        |settings: &str| settings.replace("points = 2", "points = 2\nholds_at_start = true");
    assert_eq!(tried(&marked(&easy)), [""; 0]);
    check(tried(&marked(SETTINGS)), "and does not");
    let short = SETTINGS.replace("steps_max = 100000", "steps_max = 1");
    assert!(
        tried(&short)
            .iter()
            .any(|problem| problem.contains("cannot be graded"))
    );
}

#[test]
fn a_handout_is_tried_from_top_to_bottom() {
    let question = |run: &str, after: &str| {
        format!(
            "```predict\nid = \"q\"\nask = \"a\"\nrun = \"{run}\"\nafter = \"{after}\"\nexplain = \"e\"\n```\n"
        )
    };
    let console = |line: &str| format!("> ```console\n> {line}\n> ```\n\n");
    let told = |handout: &str| {
        let catalogue = Catalogue::new();
        let files = [("handout.md", handout), ("solution.sh", SOLUTION)];
        let authored = read_lab(&catalogue.lab("a-lab", &files)).unwrap();
        (try_lab(&authored, 5), answers(&authored.lab, 5))
    };
    let answered = |answer: &str| Vec::from([("q".to_string(), answer.to_string())]);
    let good =
        console("radix create u; radix insert u 4096 7") + &question("radix stat u", "height");
    assert_eq!(told(&good), (Vec::new(), answered("3")));
    // The question before the block sees the kernel before it; what it runs is taken back.
    let before =
        question("radix insert t 1 1; radix stat t", "items") + &console("radix lookup t 1");
    assert_eq!(told(&before), (Vec::new(), answered("1")));
    let spoilt = told(&console("radix insert t 4096 7")).0;
    assert_eq!(spoilt.len(), 1, "the handout is in the solution's way");
    assert!(spoilt[0].contains("after the handout's lines, fails the check 'height'"));
    assert_eq!(told(&console("radix insert t")).0.len(), 1, "a usage error");
    assert_eq!(told(&console("insert t 1 1")).0.len(), 1, "no such command");
    assert_eq!(
        told(&console("radix delete t 1; radix delete t 1")).0,
        [""; 0],
        "a refusal is fine"
    );
    assert_eq!(
        told(&question("radix stat t", "depth")).0.len(),
        1,
        "no such word"
    );
    assert_eq!(
        told(&question("radix", "")).0.len(),
        1,
        "a question that is a usage error"
    );
}

#[test]
fn a_new_lab_passes_as_it_is_made() {
    let catalogue = Catalogue::new();
    catalogue.lab("first", &[]);
    let folder = new_lab(&catalogue.0, "my-lab", "My lab: a start").expect("the folder is ours");
    let labs = read_catalogue(&catalogue.0).expect("both labs are good");
    let [_, new] = labs.as_slice() else {
        panic!("{} labs", labs.len());
    };
    assert_eq!(
        (new.lab.id.as_str(), &*new.lab.title),
        ("my-lab", "My lab: a start")
    );
    assert_eq!(new.lab.order, 11, "behind the lab that was there");
    for variant in 0..16 {
        assert_eq!(
            try_lab(new, variant),
            Vec::<String>::new(),
            "variant {variant}"
        );
    }
    // It is not made again over what its author has written.
    let before = fs::read(folder.join("lab.toml")).expect("it was written");
    let refused = new_lab(&catalogue.0, "my-lab", "Another").expect_err("it is there");
    assert!(refused.contains("is there already"), "{refused}");
    assert_eq!(fs::read(folder.join("lab.toml")).ok(), Some(before));
    for name in ["", "My Lab", "../up", "-"] {
        let refused = new_lab(&catalogue.0, name, "A lab");
        assert_eq!(refused.is_err(), !is_lab_id(name), "{name}");
    }
    assert!(new_lab(&catalogue.0, "quoted", "a \"lab\"").is_err());
    assert!(!catalogue.0.join("quoted").exists());
}
