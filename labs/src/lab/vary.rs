//! Numbers that differ from student to student.
//!
//! Students talk, and should: about ideas. A lab whose keys differ lets them, because a copied
//! number is of no use. Everything follows from one number, the *variant*: [`variant_of`] makes it
//! of lab and student, [`Numbers::draw`] draws a lab's variables from it, and [`fill`] puts them in
//! place of `{{...}}` in a text. A submission is graded years later, so all three do the same for
//! ever: a change here would make other numbers of an old variant.
//!
//! Between the braces stands a little arithmetic, so that a lab can speak of what follows from its
//! numbers: `{{key / 64}}`, `{{(key >> 6) & 63}}`. After a colon comes the form, `x` hexadecimal or
//! `b` binary, with a number of digits if need be: `{{key & 63:b6}}`.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Block, Check, Expect, Inline, Lab, Test, Variable};

/// The variant of `lab` that `student` gets: 32 bits of a hash of both.
///
/// FNV-1a (64 bits) runs over the lab's name, a zero byte and the student's name without blanks
/// around it; the upper half of what SplitMix64 makes of that is the variant.
pub fn variant_of(lab: &str, student: &str) -> u32 {
    let bytes = lab.bytes().chain([0]).chain(student.trim().bytes());
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (split_mix(&mut hash) >> 32) as u32
}

/// The next number of SplitMix64 (Steele, Lea and Flood, 2014).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The numbers of one student.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers(Vec<(String, u64)>);

impl Numbers {
    /// Draws a value for each variable. No two variables of a lab get the same one, as long as
    /// their ranges have enough.
    pub fn draw(variables: &[Variable], variant: u32) -> Numbers {
        let mut state = u64::from(variant);
        let mut drawn: Vec<(String, u64)> = Vec::with_capacity(variables.len());
        for variable in variables {
            let count = variable.count();
            let mut index = split_mix(&mut state) % count;
            // As many tries as there are other variables find a free value if there is one.
            for _ in 0..drawn.len() {
                let value = variable.value(index);
                if drawn.iter().all(|&(_, taken)| taken != value) {
                    break;
                }
                index = (index + 1) % count;
            }
            drawn.push((variable.name.clone(), variable.value(index)));
        }
        Numbers(drawn)
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<u64> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|&(_, value)| value)
    }

    /// All variables with their values, in the lab's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

impl Variable {
    /// How many values there are.
    pub fn count(&self) -> u64 {
        (self.to.saturating_sub(self.from) / self.step.max(1)).saturating_add(1)
    }

    fn value(&self, index: u64) -> u64 {
        self.from + index * self.step.max(1)
    }
}

impl Lab {
    /// The lab with a student's numbers in place.
    pub fn instance(&self, variant: u32) -> Lab {
        let numbers = Numbers::draw(&self.varies, variant);
        let mut lab = self.clone();
        lab.each_text(&mut |text| {
            // The author's tool has seen to it that nothing is left to go wrong.
            if let Ok(filled) = fill(text, &numbers) {
                *text = filled;
            }
        });
        lab
    }

    /// Every text in which numbers may stand open.
    pub(crate) fn each_text(&mut self, f: &mut dyn FnMut(&mut String)) {
        self.scenario.iter_mut().for_each(&mut *f);
        self.handout.iter_mut().for_each(|block| block.each_text(f));
        for check in &mut self.checks {
            check.each_text(f);
        }
    }
}

impl Check {
    fn each_text(&mut self, f: &mut dyn FnMut(&mut String)) {
        f(&mut self.title);
        let (Test::Final { run: line, expect }
        | Test::Printed { line, expect }
        | Test::Ops {
            run: line, expect, ..
        }) = &mut self.test;
        f(line);
        match expect {
            Expect::Text(text) | Expect::Contains(text) => f(text),
            Expect::Number { after, from, to } => [after, from, to].into_iter().for_each(&mut *f),
            Expect::Status(_) => {}
        }
        if let Test::Ops { lines, .. } = &mut self.test {
            lines.iter_mut().for_each(&mut *f);
        }
        for hint in &mut self.hints {
            each_inline(hint, f);
        }
    }
}

impl Block {
    fn each_text(&mut self, f: &mut dyn FnMut(&mut String)) {
        match self {
            Block::Heading(_, inlines) | Block::Paragraph(inlines) => each_inline(inlines, f),
            Block::List(_, items) => {
                let blocks = items.iter_mut().flatten();
                blocks.for_each(|block| block.each_text(f));
            }
            Block::Quote(blocks) => blocks.iter_mut().for_each(|block| block.each_text(f)),
            Block::Code(text) => f(text),
            Block::Commands(lines) => lines.iter_mut().for_each(f),
            Block::Predict(question) => {
                each_inline(&mut question.ask, f);
                f(&mut question.run);
                f(&mut question.after);
                each_inline(&mut question.explain, f);
            }
            Block::Table(head, rows) => {
                let cells = head.iter_mut().chain(rows.iter_mut().flatten());
                cells.for_each(|cell| each_inline(cell, f));
            }
            Block::Rule => {}
        }
    }
}

fn each_inline(inlines: &mut [Inline], f: &mut dyn FnMut(&mut String)) {
    for inline in inlines {
        match inline {
            Inline::Text(text) | Inline::Code(text) => f(text),
            Inline::Emphasis(inlines) | Inline::Strong(inlines) => each_inline(inlines, f),
            Inline::Link(address, inlines) => {
                f(address);
                each_inline(inlines, f);
            }
            Inline::Break => {}
        }
    }
}

/// Why a text cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Braces that are not closed, or something between them that is no expression; the piece.
    Syntax(String),
    /// A name that no variable has.
    Unknown(String),
    /// A result below 0 or beyond 64 bits, or a division by 0; the expression.
    Range(String),
}

/// Puts numbers in place of each `{{expression}}`.
///
/// Operators are those of C, with C's precedence: `* / %`, `+ -`, `<< >>`, `&`, `^`, `|`, and
/// parentheses. Numbers are 64 bits, without sign.
///
/// # Errors
/// See [`Fault`].
pub fn fill(text: &str, numbers: &Numbers) -> Result<String, Fault> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("{{") {
        let Some((inside, behind)) = behind.split_once("}}") else {
            return Err(Fault::Syntax(format!("{{{{{behind}")));
        };
        filled.push_str(before);
        let (expression, form) = inside.split_once(':').unwrap_or((inside, ""));
        let mut parser = Parser {
            rest: expression,
            numbers,
        };
        let value = parser
            .binary(0)
            .and_then(|value| match parser.rest.trim() {
                "" => Ok(value),
                _ => Err(Trouble::Syntax),
            })
            .map_err(|trouble| match trouble {
                Trouble::Syntax => Fault::Syntax(inside.to_string()),
                Trouble::Unknown(name) => Fault::Unknown(name),
                Trouble::Range => Fault::Range(inside.to_string()),
            })?;
        let written =
            written(value, form.trim()).ok_or_else(|| Fault::Syntax(inside.to_string()))?;
        filled.push_str(&written);
        rest = behind;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// A value in the form that was asked for.
fn written(value: u64, form: &str) -> Option<String> {
    let Some((radix, digits)) = form.split_at_checked(1) else {
        return Some(value.to_string());
    };
    let width: usize = match digits {
        "" => 1,
        digits => digits.parse().ok().filter(|&width| width <= 64)?,
    };
    match radix {
        "x" => Some(format!("{value:0width$x}")),
        "b" => Some(format!("{value:0width$b}")),
        _ => None,
    }
}

/// Operators, from those that bind least.
const OPERATORS: [&[&str]; 6] = [
    &["|"],
    &["^"],
    &["&"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

/// How deep parentheses may be nested.
const DEPTH_MAX: usize = 32;

enum Trouble {
    Syntax,
    Unknown(String),
    Range,
}

struct Parser<'a> {
    rest: &'a str,
    numbers: &'a Numbers,
}

impl<'a> Parser<'a> {
    /// A sequence of operators of that level or a tighter one.
    fn binary(&mut self, level: usize) -> Result<u64, Trouble> {
        let Some(operators) = OPERATORS.get(level % OPERATORS.len()) else {
            return Err(Trouble::Syntax);
        };
        let is_tightest = level % OPERATORS.len() == OPERATORS.len() - 1;
        let operand = |parser: &mut Self| match is_tightest {
            true => parser.primary(level),
            false => parser.binary(level + 1),
        };
        let mut left = operand(self)?;
        loop {
            self.rest = self.rest.trim_start();
            let found = operators
                .iter()
                .find_map(|&operator| Some((operator, self.rest.strip_prefix(operator)?)));
            let Some((operator, rest)) = found else {
                return Ok(left);
            };
            self.rest = rest;
            let right = operand(self)?;
            left = apply(operator, left, right).ok_or(Trouble::Range)?;
        }
    }

    /// A number, a name, or something in parentheses.
    fn primary(&mut self, level: usize) -> Result<u64, Trouble> {
        self.rest = self.rest.trim_start();
        if let Some(inside) = self.rest.strip_prefix('(') {
            // Levels go on counting inside, which bounds the nesting.
            if level / OPERATORS.len() == DEPTH_MAX {
                return Err(Trouble::Syntax);
            }
            self.rest = inside;
            let value = self.binary(level + 1)?;
            self.rest = self
                .rest
                .trim_start()
                .strip_prefix(')')
                .ok_or(Trouble::Syntax)?;
            return Ok(value);
        }
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let end = self.rest.bytes().position(|byte| !is_word(byte));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        match word.as_bytes() {
            [] => Err(Trouble::Syntax),
            [b'0'..=b'9', ..] => word.parse().map_err(|_| Trouble::Syntax),
            _ => self
                .numbers
                .get(word)
                .ok_or_else(|| Trouble::Unknown(word.to_string())),
        }
    }
}

fn apply(operator: &str, left: u64, right: u64) -> Option<u64> {
    match operator {
        "|" => Some(left | right),
        "^" => Some(left ^ right),
        "&" => Some(left & right),
        "<<" => left.checked_mul(1u64.checked_shl(u32::try_from(right).ok()?)?),
        ">>" => Some(left.checked_shr(u32::try_from(right).ok()?).unwrap_or(0)),
        "+" => left.checked_add(right),
        "-" => left.checked_sub(right),
        "*" => left.checked_mul(right),
        "/" => left.checked_div(right),
        _ => left.checked_rem(right),
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn the_generator_is_split_mix() {
        let mut state = 0;
        let numbers = [(); 3].map(|()| split_mix(&mut state));
        // The published vectors for the seed 0.
        assert_eq!(
            numbers,
            [
                0xe220_a839_7b1d_cdaf,
                0x6e78_9e6a_a1b9_65f4,
                0x06c4_5d18_8009_454f
            ]
        );
    }

    /// These never change: students' logs name their variants.
    #[test]
    fn variants_stay_what_they_are() {
        for (lab, student, variant) in [
            ("radix-keys", "", 2785068361),
            ("radix-keys", "ada", 9532662),
            ("radix-tags", "ada", 2937511333),
            ("radix-keys", "Ada", 2266235078),
            ("radix-keys", "åsa", 2248467376),
        ] {
            assert_eq!(variant_of(lab, student), variant, "{lab} {student}");
        }
        assert_eq!(
            variant_of("radix-keys", " ada\n"),
            variant_of("radix-keys", "ada")
        );
    }

    fn variable(name: &str, from: u64, to: u64, step: u64) -> Variable {
        Variable {
            name: name.into(),
            from,
            to,
            step,
        }
    }

    /// These never change either.
    #[test]
    fn draws_stay_what_they_are() {
        let variables = [
            variable("key", 100, 4000, 1),
            variable("item", 1, 99, 2),
            variable("other", 100, 4000, 1),
        ];
        let draw = |variant| {
            Numbers::draw(&variables, variant)
                .0
                .iter()
                .map(|&(_, value)| value)
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(0), [3057, 1, 3272]);
        assert_eq!(draw(1), [3492, 39, 1760]);
        assert_eq!(draw(u32::MAX), [3062, 21, 1364]);
    }

    #[test]
    fn values_are_within_bounds_and_distinct() {
        let variables: Vec<Variable> = (0..5)
            .map(|number| variable(&format!("v{number}"), 10, 30, 5))
            .collect();
        let mut seen = [false; 5];
        for variant in 0..500 {
            let mut values: Vec<u64> = Numbers::draw(&variables, variant)
                .iter()
                .map(|(_, value)| value)
                .collect();
            seen[(values[0] / 5 - 2) as usize] = true;
            values.sort();
            assert_eq!(values, [10, 15, 20, 25, 30], "variant {variant}");
        }
        assert_eq!(seen, [true; 5], "each value comes up");
        let whole = [
            variable("a", 0, u64::MAX, 1),
            variable("b", 7, 7, 0),
            variable("c", 7, 7, 1),
        ];
        let numbers = Numbers::draw(&whole, 3);
        assert_eq!(
            (numbers.get("b"), numbers.get("c")),
            (Some(7), Some(7)),
            "a range may be too small"
        );
        assert_eq!(numbers.get("d"), None);
    }

    fn numbers() -> Numbers {
        Numbers(vec![("key".into(), 4242), ("item_2".into(), 7)])
    }

    #[test]
    fn expressions_are_worked_out() {
        for (text, expected) in [
            ("no braces { or }} alone", "no braces { or }} alone"),
            ("{{key}}", "4242"),
            (
                "radix insert t {{ key }} {{item_2}}.",
                "radix insert t 4242 7.",
            ),
            ("{{key / 64}} {{key % 64}}", "66 18"),
            ("{{key >> 6 & 63}} {{key & 63}} {{key >> 12}}", "2 18 1"),
            ("{{1 + 2 * 3 - 4}} {{(1 + 2) * 3}} {{10 - 2 - 3}}", "3 9 5"),
            ("{{1 << 6 | 1 ^ 3 & 2}}", "67"),
            (
                "{{key:x}} {{5:b6}} {{255:x4}} {{ key & 63 : b6 }}",
                "1092 000101 00ff 010010",
            ),
            (
                "{{((((1))))}} {{1 >> 64}} {{18446744073709551615}}",
                "1 0 18446744073709551615",
            ),
        ] {
            assert_eq!(fill(text, &numbers()).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "{{",
            "{{key",
            "{{}}",
            "{{key +}}",
            "{{(key}}",
            "{{key)}}",
            "{{key key}}",
            "{{1.5}}",
            "{{-1}}",
            "{{0x10}}",
            "{{key:d}}",
            "{{key:b65}}",
            "{{key:xé}}",
            "{{é}}",
            "{{99999999999999999999}}",
        ] {
            assert!(
                matches!(fill(text, &numbers()), Err(Fault::Syntax(_))),
                "{text}"
            );
        }
        assert_eq!(
            fill("{{kei}}", &numbers()),
            Err(Fault::Unknown("kei".into()))
        );
        for text in [
            "{{1 - 2}}",
            "{{1 / 0}}",
            "{{1 % 0}}",
            "{{key << 63}}",
            "{{1 << 64}}",
            "{{18446744073709551615 + 1}}",
            "{{18446744073709551615 * 2}}",
        ] {
            assert!(
                matches!(fill(text, &numbers()), Err(Fault::Range(_))),
                "{text}"
            );
        }
        let deep = format!("{{{{{}1{}}}}}", "(".repeat(100_000), ")".repeat(100_000));
        assert!(matches!(fill(&deep, &numbers()), Err(Fault::Syntax(_))));
    }

    #[test]
    fn an_instance_has_numbers_in_all_its_texts() {
        let inlines = || {
            vec![
                Inline::Text("{{v}}".into()),
                Inline::Code("{{v}}".into()),
                Inline::Emphasis(vec![Inline::Strong(vec![Inline::Link(
                    "#{{v}}".into(),
                    vec![Inline::Text("{{v}}".into())],
                )])]),
            ]
        };
        let check = |test| Check {
            id: "c".into(),
            title: "{{v}}".into(),
            points: 1,
            test,
            hints: vec![inlines()],
        };
        let question = super::super::Question {
            id: "q".into(),
            ask: inlines(),
            run: "{{v}}".into(),
            after: "{{v}}".into(),
            explain: inlines(),
        };
        let lab = Lab {
            scenario: vec!["{{v}}".into()],
            varies: vec![variable("v", 5, 5, 1)],
            handout: vec![
                Block::Heading(2, inlines()),
                Block::Quote(vec![Block::List(
                    None,
                    vec![vec![Block::Paragraph(inlines())]],
                )]),
                Block::Code("{{v}}".into()),
                Block::Commands(vec!["{{v}}".into()]),
                Block::Predict(question),
                Block::Table(vec![inlines()], vec![vec![inlines()]]),
                Block::Rule,
            ],
            checks: vec![
                check(Test::Final {
                    run: "{{v}}".into(),
                    expect: Expect::Text("{{v}}".into()),
                }),
                check(Test::Printed {
                    line: "{{v}}".into(),
                    expect: Expect::Contains("{{v}}".into()),
                }),
                check(Test::Final {
                    run: "{{v}}".into(),
                    expect: Expect::Number {
                        after: "{{v}}".into(),
                        from: "{{v}}".into(),
                        to: "{{v}}".into(),
                    },
                }),
            ],
            ..Lab::default()
        };
        let open = format!("{lab:?}");
        let filled = format!("{:?}", lab.instance(0));
        assert_eq!(filled, open.replace("{{v}}", "5"));
    }
}
