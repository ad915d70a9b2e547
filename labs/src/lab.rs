//! A lab: what a student reads, runs, predicts and is graded on.
//!
//! A teacher writes a lab as a folder (`lab.toml`, `handout.md`, `scenario.sh`, `solution.sh`; see
//! `labs/catalogue/README.md`). The module `author` makes one [`Lab`] of it, which the page, the
//! server and the grader read. A handout is blocks, not HTML: there is nothing to sanitise when it
//! is shown.
//!
//! A lab's numbers vary: `{{key}}` anywhere in its texts stands for a number that is drawn from the
//! variant's seed, so that every student has a lab of their own and a grader knows which.
//! [`Lab::instance`] puts the numbers in; `vary.rs` says how they are drawn, `file.rs` how labs are
//! stored.

mod file;
mod vary;

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::check::word_after;
use crate::log::LabTag;
pub use file::{CATALOGUE, FILE_VERSION, file_name, from_bytes, to_bytes};
pub use vary::{Fault, Numbers, fill, variant_of};

/// A lab as its folder says it, numbers still open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lab {
    /// Its name in addresses and logs; see [`crate::log::is_lab_id`].
    pub id: String,
    /// Raised whenever a change would grade an old submission otherwise.
    pub version: u32,
    /// Its title.
    pub title: String,
    /// What it is about, in one sentence.
    pub summary: String,
    /// The heading under which the catalogue lists it, e.g. `Radix trees`.
    pub topic: String,
    /// Its place in the catalogue, lowest first.
    pub order: u32,
    /// How long it takes a student, in minutes.
    pub minutes: u32,
    /// How much it asks of a student who has done what it requires.
    pub difficulty: Difficulty,
    /// Names of the labs that should be done before.
    pub requires: Vec<String>,
    /// The machine, as a canonical header.
    pub machine: String,
    /// Kernel steps that a submission may take in all; a grader refuses more.
    pub steps_max: u64,
    /// Console lines that every session of the lab begins with.
    pub scenario: Vec<String>,
    /// The numbers that differ from student to student.
    pub varies: Vec<Variable>,
    /// What the student reads.
    pub handout: Vec<Block>,
    /// What is graded.
    pub checks: Vec<Check>,
}

/// How much a lab asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Difficulty {
    /// Reading, running, looking.
    Easy,
    /// Something has to be worked out.
    #[default]
    Medium,
    /// Something has to be built, or found without being led there.
    Hard,
}

impl Difficulty {
    /// All of them, the easiest first.
    pub const ALL: [Difficulty; 3] = [Difficulty::Easy, Difficulty::Medium, Difficulty::Hard];

    /// Its word, in `lab.toml` and for people.
    pub fn name(self) -> &'static str {
        match self {
            Difficulty::Easy => "easy",
            Difficulty::Medium => "medium",
            Difficulty::Hard => "hard",
        }
    }
}

/// A number that differs from student to student.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// The name between the braces.
    pub name: String,
    /// The lowest value.
    pub from: u64,
    /// The highest value.
    pub to: u64,
    /// Values lie this far apart, counted from `from`; at least 1.
    pub step: u64,
}

/// A piece of a handout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Block {
    /// A heading below the lab's title, level 2 to 4.
    Heading(u8, Vec<Inline>),
    /// A paragraph.
    Paragraph(Vec<Inline>),
    /// A list; numbered from the given number, or with bullets.
    List(Option<u64>, Vec<Vec<Block>>),
    /// A remark set apart.
    Quote(Vec<Block>),
    /// Text to look at: output, source.
    Code(String),
    /// Console lines to run, each and all, at a click.
    Commands(Vec<String>),
    /// A question to answer before looking.
    Predict(Question),
    /// Rows under a head.
    Table(Vec<Vec<Inline>>, Vec<Vec<Vec<Inline>>>),
    /// A line across.
    Rule,
}

/// A piece of a paragraph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Inline {
    /// Plain text.
    Text(String),
    /// Code.
    Code(String),
    /// Stressed text.
    Emphasis(Vec<Inline>),
    /// Strongly stressed text.
    Strong(Vec<Inline>),
    /// A link; its address begins with `https://`, `http://` or `#`.
    Link(String, Vec<Inline>),
    /// A line break.
    Break,
}

/// A question whose answer the kernel knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Its name within the lab, under which progress is kept.
    pub id: String,
    /// The question.
    pub ask: Vec<Inline>,
    /// The console line whose output is the answer. It runs on the kernel as it is then, and
    /// leaves no trace, so it may do what the student is about to do.
    pub run: String,
    /// The answer is the word after this one in the output; empty: the output, trimmed.
    pub after: String,
    /// What is said once the answer is known.
    pub explain: Vec<Inline>,
}

/// One thing that is graded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its name within the lab.
    pub id: String,
    /// What should be so, as a sentence.
    pub title: String,
    /// What it is worth.
    pub points: u32,
    /// How it is found out.
    pub test: Test,
    /// Hints, to be shown one at a time.
    pub hints: Vec<Vec<Inline>>,
}

/// How a check is found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Test {
    /// A console line, run on the kernel after the last step of the log without leaving a trace; or,
    /// with `on KEY=VALUE: ` before it, on another machine that has run the same log.
    Final {
        /// The line.
        run: String,
        /// What must come of it.
        expect: Expect,
    },
    /// Some line of the student's own printed something.
    Printed {
        /// The line must begin with these words; empty: any line. Only a single command without
        /// redirection counts, so that nothing else of the line can have printed it.
        line: String,
        /// What it must have printed.
        expect: Expect,
    },
    /// The student's callbacks, which come in a file beside the log, stand a trial on a machine of
    /// their own. The session does not run them; see the module `ops`.
    Ops {
        /// The lines that run with the callbacks loaded.
        lines: Vec<String>,
        /// Names of what the callbacks must not do meanwhile (`insmod::Fault`).
        faults: Vec<String>,
        /// The line that is run in the end, unless the callbacks have broken the kernel.
        run: String,
        /// What must come of it.
        expect: Expect,
    },
}

/// What must come of a line. Trailing blanks and newlines never count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expect {
    /// Exactly this text.
    Text(String),
    /// A text in which this occurs.
    Contains(String),
    /// This exit status.
    Status(u8),
    /// The word after the first is a number within these bounds.
    Number {
        /// The word before the number; empty: the text's first word is the number.
        after: String,
        /// The lowest number that will do; a text, in which a student's numbers may stand open.
        from: String,
        /// The highest, likewise.
        to: String,
    },
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The check's name.
    pub id: String,
    /// Whether it holds.
    pub passed: bool,
    /// What should have come, in words.
    pub expected: String,
    /// What came, cut to a screenful.
    pub actual: String,
    /// Where to look when it does not hold: the step that broke it if it ever held, else the last
    /// line that should have printed something, else the first line of the student's that failed,
    /// else the last step. `None` when it holds.
    pub step: Option<u32>,
    /// Why that step, in a sentence.
    pub why: String,
}

/// What the catalogue says of a lab, so that a list needs no handouts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// [`Lab::id`].
    pub id: String,
    /// [`Lab::version`].
    pub version: u32,
    /// [`Lab::title`].
    pub title: String,
    /// [`Lab::summary`].
    pub summary: String,
    /// [`Lab::topic`].
    pub topic: String,
    /// [`Lab::minutes`].
    pub minutes: u32,
    /// [`Lab::difficulty`].
    pub difficulty: Difficulty,
    /// [`Lab::requires`].
    pub requires: Vec<String>,
    /// The names of its checks, for progress.
    pub checks: Vec<String>,
    /// What all checks are worth together.
    pub points: u32,
}

impl Lab {
    /// What the catalogue says of this lab.
    pub fn entry(&self) -> Entry {
        Entry {
            id: self.id.clone(),
            version: self.version,
            title: self.title.clone(),
            summary: self.summary.clone(),
            topic: self.topic.clone(),
            minutes: self.minutes,
            difficulty: self.difficulty,
            requires: self.requires.clone(),
            checks: self.checks.iter().map(|check| check.id.clone()).collect(),
            points: self.points(),
        }
    }

    /// What all checks are worth together.
    pub fn points(&self) -> u32 {
        self.checks.iter().map(|check| check.points).sum()
    }

    /// What the checks of a log are worth together: all but those of callbacks, which come beside it.
    pub fn points_of_log(&self) -> u32 {
        let checks = self.checks.iter();
        let logged = checks.filter(|check| !matches!(check.test, Test::Ops { .. }));
        logged.map(|check| check.points).sum()
    }

    /// How a log's heading names this lab and the student's numbers.
    pub fn tag(&self, variant: u32) -> LabTag {
        LabTag {
            id: self.id.clone(),
            version: self.version,
            variant,
        }
    }

    /// The questions of the handout, in the order in which they are asked.
    pub fn questions(&self) -> Vec<&Question> {
        fn collect<'a>(blocks: &'a [Block], questions: &mut Vec<&'a Question>) {
            for block in blocks {
                match block {
                    Block::Predict(question) => questions.push(question),
                    Block::Quote(blocks) => collect(blocks, questions),
                    Block::List(_, items) => {
                        items.iter().for_each(|item| collect(item, questions));
                    }
                    _ => {}
                }
            }
        }
        let mut questions = Vec::new();
        collect(&self.handout, &mut questions);
        questions
    }
}

impl Question {
    /// The answer in what [`Question::run`] printed. Empty when the word that it should follow is
    /// not there.
    pub fn answer<'a>(&self, output: &'a str) -> &'a str {
        if self.after.is_empty() {
            return output.trim();
        }
        word_after(output, &self.after).unwrap_or("")
    }

    /// Whether what a student predicts is the answer. Case does not count, nor does how much blank
    /// or which commas are between words.
    pub fn accepts(predicted: &str, answer: &str) -> bool {
        fn words(text: &str) -> impl Iterator<Item = &str> {
            let pieces = text.split(|letter: char| letter.is_whitespace() || letter == ',');
            pieces.filter(|word| !word.is_empty())
        }
        let (mut predicted, mut answer) = (words(predicted), words(answer));
        loop {
            match (predicted.next(), answer.next()) {
                (None, None) => return true,
                (Some(one), Some(other)) if one.eq_ignore_ascii_case(other) => {}
                _ => return false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_word_or_the_whole_output() {
        let question = |after: &str| Question {
            id: String::new(),
            ask: Vec::new(),
            run: String::new(),
            after: after.into(),
            explain: Vec::new(),
        };
        let output = "height 2 nodes 3\nitems 2\n";
        assert_eq!(question("nodes").answer(output), "3");
        assert_eq!(question("items").answer(output), "2");
        assert_eq!(question("2").answer("height 2"), "");
        assert_eq!(question("slot").answer(output), "");
        assert_eq!(question("").answer(" -EEXIST\n"), "-EEXIST");
        assert!(Question::accepts(" -eexist ", "-EEXIST"));
        assert!(Question::accepts("1  2", "1 2"));
        assert!(Question::accepts("1, 2,18", "1 2 18"));
        assert!(!Question::accepts("1", "1 2"));
        assert!(!Question::accepts("", "1"));
    }
}
