//! What is remembered of a student's work on a lab, and the text that it is remembered as.
//!
//! The browser keeps the text; a page of another version may read it. So each fact is a line of
//! its own, a word and what belongs to it between tabs, and a line that means nothing is skipped.

use std::fmt;

/// How far a student is with a lab.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// The questions whose answers were revealed, in that order.
    pub answers: Vec<Answer>,
    /// The most points that a check of the work has found.
    pub best: u32,
    /// The checks that held then.
    pub passed: Vec<String>,
    /// For each check of which hints were shown, how many.
    pub hints: Vec<(String, usize)>,
    /// The block of the handout that was read last.
    pub block: usize,
    /// The receipt and the score of what was handed in last.
    pub handed_in: Option<(String, u32)>,
}

/// A question whose answer was revealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The question's name.
    pub question: String,
    /// What the student's answer was worth when it was given.
    pub outcome: Outcome,
    /// What the student said.
    pub given: String,
    /// What the kernel said.
    pub expected: String,
}

/// What an answer is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is the kernel's.
    Right,
    /// It is not.
    Wrong,
    /// The student looked without answering.
    Unanswered,
}

impl Outcome {
    const ALL: [Outcome; 3] = [Outcome::Right, Outcome::Wrong, Outcome::Unanswered];

    fn name(self) -> &'static str {
        match self {
            Outcome::Right => "right",
            Outcome::Wrong => "wrong",
            Outcome::Unanswered => "unanswered",
        }
    }
}

impl Progress {
    /// What was remembered as this text.
    pub fn parse(text: &str) -> Progress {
        let mut progress = Progress::default();
        for line in text.lines() {
            let words: Vec<String> = line.split('\t').map(unescaped).collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            match words[..] {
                ["best", score] => progress.best = score.parse().unwrap_or_default(),
                ["passed", check] => progress.passed.push(check.to_string()),
                ["hints", check, count] => {
                    let count = count.parse().unwrap_or_default();
                    progress.hints.push((check.to_string(), count));
                }
                ["block", block] => progress.block = block.parse().unwrap_or_default(),
                ["handed-in", receipt, score] => {
                    let score = score.parse().unwrap_or_default();
                    progress.handed_in = Some((receipt.to_string(), score));
                }
                ["answer", question, outcome, given, expected] => {
                    let known = Outcome::ALL.into_iter().find(|it| it.name() == outcome);
                    progress.answers.extend(known.map(|outcome| Answer {
                        question: question.to_string(),
                        outcome,
                        given: given.to_string(),
                        expected: expected.to_string(),
                    }));
                }
                _ => {}
            }
        }
        progress
    }

    /// The revealed answer to a question.
    pub fn answer(&self, question: &str) -> Option<&Answer> {
        self.answers
            .iter()
            .find(|answer| answer.question == question)
    }

    /// Remembers a revealed answer. The first one counts: afterwards the student knew.
    pub(super) fn settle(&mut self, answer: Answer) {
        if self.answer(&answer.question).is_none() {
            self.answers.push(answer);
        }
    }

    /// How many hints of a check were shown.
    pub fn hints_of(&self, check: &str) -> usize {
        let found = self.hints.iter().find(|(known, _)| known == check);
        found.map_or(0, |(_, count)| *count)
    }

    /// Shows one more hint of a check that has `count` of them.
    pub(super) fn show_hint(&mut self, check: &str, count: usize) {
        let shown = (self.hints_of(check) + 1).min(count);
        self.hints.retain(|(known, _)| known != check);
        self.hints.push((check.to_string(), shown));
    }

    /// Remembers what the checks found, unless it was better before.
    pub(super) fn checked<'a>(&mut self, score: u32, passed: impl Iterator<Item = &'a str>) {
        if score >= self.best {
            self.best = score;
            self.passed = passed.map(str::to_string).collect();
        }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| escaped(word)).collect();
            writeln!(f, "{}", words.join("\t"))
        };
        line(&["best", &self.best.to_string()])?;
        line(&["block", &self.block.to_string()])?;
        for check in &self.passed {
            line(&["passed", check])?;
        }
        for (check, count) in &self.hints {
            line(&["hints", check, &count.to_string()])?;
        }
        for answer in &self.answers {
            let outcome = answer.outcome.name();
            line(&[
                "answer",
                &answer.question,
                outcome,
                &answer.given,
                &answer.expected,
            ])?;
        }
        match &self.handed_in {
            Some((receipt, score)) => line(&["handed-in", receipt, &score.to_string()]),
            None => Ok(()),
        }
    }
}

/// A word that fits between tabs.
fn escaped(word: &str) -> String {
    let mut escaped = String::with_capacity(word.len());
    for c in word.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '\t' => escaped.push_str("\\t"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            c => escaped.push(c),
        }
    }
    escaped
}

fn unescaped(word: &str) -> String {
    let mut plain = String::with_capacity(word.len());
    let mut chars = word.chars();
    while let Some(c) = chars.next() {
        let c = match c {
            '\\' => match chars.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some(other) => other,
                None => '\\',
            },
            c => c,
        };
        plain.push(c);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_comes_back() {
        let mut progress = Progress {
            best: 40,
            passed: vec!["a".into(), "b".into()],
            block: 12,
            handed_in: Some(("r-7".into(), 40)),
            ..Progress::default()
        };
        progress.show_hint("a", 2);
        progress.settle(Answer {
            question: "slot".into(),
            outcome: Outcome::Wrong,
            given: "tab\there \\ there".into(),
            expected: "two\nlines\r\n\\n".into(),
        });
        assert_eq!(Progress::parse(&progress.to_string()), progress);
        assert_eq!(Progress::parse(""), Progress::default());
    }

    #[test]
    fn what_a_later_page_wrote_is_skipped() {
        let text = "mood\tgood\nbest\t7\nbest\nanswer\tx\tsplendid\ta\tb\nblock\tx\n\\";
        let expected = Progress {
            best: 7,
            ..Progress::default()
        };
        assert_eq!(Progress::parse(text), expected);
    }

    #[test]
    fn the_first_answer_and_the_best_check_count() {
        let mut progress = Progress::default();
        let answer = |outcome| Answer {
            question: "q".into(),
            outcome,
            given: String::new(),
            expected: "1".into(),
        };
        progress.settle(answer(Outcome::Unanswered));
        progress.settle(answer(Outcome::Right));
        assert_eq!(progress.answer("q"), Some(&answer(Outcome::Unanswered)));
        progress.checked(5, ["a"].into_iter());
        progress.checked(3, ["b", "c"].into_iter());
        assert_eq!((progress.best, progress.passed.len()), (5, 1));
        for expected in [1, 2, 2] {
            progress.show_hint("a", 2);
            assert_eq!(progress.hints_of("a"), expected);
        }
        assert_eq!(progress.hints_of("b"), 0);
    }
}
