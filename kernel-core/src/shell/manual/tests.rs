extern crate std;

use std::collections::BTreeSet;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, println};

use super::*;
use crate::shell::usage::{Kind, Usage};
use crate::testing::Lab;

fn page_of(name: &str) -> String {
    let mut text = String::new();
    write(Manual::Page(name), &mut text).expect("a string takes all");
    text
}

fn list_of(word: &str) -> String {
    let mut text = String::new();
    write(Manual::About(word), &mut text).expect("a string takes all");
    text
}

/// Commands and topics.
fn names() -> impl Iterator<Item = &'static str> {
    let commands = COMMANDS.iter().map(|command| command.name);
    commands.chain(TOPICS.iter().map(|(topic, _)| *topic))
}

#[test]
fn each_command_and_topic_has_one_page_and_nothing_else_has() {
    let written: Vec<&str> = pages().map(|page| page.name).collect();
    for name in names() {
        let count = written.iter().filter(|page| **page == name).count();
        assert_eq!(count, 1, "pages of {name}");
    }
    assert_eq!(written.len(), names().count());
    for page in pages() {
        assert!(page.about.len() > 20, "{}", page.name);
        assert!(!page.examples.is_empty(), "{} has no example", page.name);
        for other in page.see_also {
            assert!(names().any(|name| name == *other), "{}: {other}", page.name);
            assert_ne!(*other, page.name);
        }
    }
}

#[test]
fn a_page_has_its_parts_in_their_order_and_within_its_width() {
    for name in names() {
        let text = page_of(name);
        let heads: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with(' ') && !line.is_empty())
            .collect();
        let order = [
            "NAME",
            "SYNOPSIS",
            "SUBCOMMANDS",
            "DESCRIPTION",
            "CALLS",
            "KEYS",
            "EXAMPLES",
            "ERRORS",
            "SEE ALSO",
        ];
        let places: Vec<usize> = heads
            .iter()
            .map(|head| {
                order
                    .iter()
                    .position(|known| known == head)
                    .expect("a known part")
            })
            .collect();
        assert!(places.is_sorted(), "{name}: {heads:?}");
        assert!(
            heads.starts_with(&["NAME"]) && heads.contains(&"DESCRIPTION"),
            "{name}"
        );
        for line in text.lines() {
            // What is typed stays in one line, however long.
            let is_typed = line.starts_with("    # ") || line.contains('[') || line.contains('|');
            assert!(is_typed || line.chars().count() <= WIDTH, "{name}: {line}");
            assert_eq!(line, line.trim_end(), "{name}");
        }
    }
    assert!(page_of("kmem").contains("\nSUBCOMMANDS\n    create NAME SIZE [align=N]"));
    assert!(page_of("swapoff").contains("\nSYNOPSIS\n    swapoff DEVICE|-a\n"));
    assert!(page_of("kill").contains("\nSYNOPSIS\n    kill [-SIGNAL] PID|%JOB...\n    kill -l\n"));
}

/// What a page tells people to type works, in its order, on a machine of the usual kind.
#[test]
fn examples_run() {
    let mut wrong = String::new();
    for page in pages() {
        let mut lab = Lab::new("mem=16M cpus=2 swap=8M");
        for (line, _) in page.examples {
            let (status, text) = lab.bytes(line.as_bytes());
            println!("{}: # {line}\n{text}", page.name);
            let is_refused = ["step limit", "usage:", "sh: ", "-E"]
                .iter()
                .any(|said| text.contains(said));
            // What is tried in a page and fails says so on purpose in no page.
            if status != 0 || is_refused {
                wrong += &format!("{}: # {line}: {status}\n{text}\n", page.name);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_programs_may_ask_is_in_the_manual() {
    let text = page_of("syscalls");
    let joined: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (call, does) in CALLS.iter().zip(DOES) {
        assert!(!does.is_empty());
        let head = format!("    {} {}", call.name, call.usage);
        assert!(text.lines().any(|line| line == head.trim_end()), "{head}");
        assert!(joined.contains(does), "{does}");
    }
    for (key, takes) in spawn::KEYS {
        assert!(
            page_of("spawn").contains(&format!("    {key:<9} {takes}\n")),
            "{key}"
        );
    }
}

#[test]
fn pages_are_found_by_a_word() {
    let slab = list_of("SLAB");
    for line in ["kmem       make and use slab caches", "slabtop "] {
        assert!(
            slab.lines().any(|found| found.starts_with(line)),
            "{line}: {slab}"
        );
    }
    assert!(list_of("shrink").contains("kmem shrink - give empty slabs back and print how many\n"));
    assert_eq!(
        list_of("zeppelin"),
        "zeppelin: nothing in the manual tells of it\n"
    );
    assert_eq!(list_of(""), ": nothing in the manual tells of it\n");
}

/// The least and most words that a usage takes; without a most, `None`.
fn bounds(usage: &str) -> (usize, Option<usize>) {
    let least = (0..20)
        .find(|&count| takes(usage, count))
        .expect("some number fits");
    let most = (0..20).rev().find(|&count| takes(usage, count));
    (least, most.filter(|&most| most < 19))
}

/// Whether so many words of any kind are a whole call.
fn takes(usage: &str, count: usize) -> bool {
    fn goes_on(usage: &str, words: &mut Vec<String>, count: usize) -> bool {
        let mut line = Usage::new(usage, "");
        words.iter().for_each(|word| line.step(word));
        if count == 0 {
            return line.is_whole();
        }
        let next: BTreeSet<String> = line
            .next()
            .map(|alternative| {
                format!(
                    "{}{}",
                    alternative.plain(),
                    alternative.stands_for().map_or("", |_| "1")
                )
            })
            .collect();
        next.into_iter().any(|word| {
            words.push(word);
            let done = goes_on(usage, words, count - 1);
            words.pop();
            done
        })
    }
    goes_on(usage, &mut Vec::new(), count)
}

/// Words in capitals that stand for what nothing can be offered of.
const FREE: [&str; 36] = [
    "BYTE",
    "COUNT",
    "CPUS",
    "DURATION",
    "FIRST",
    "FZPUT",
    "GID",
    "ID",
    "ITEM",
    "KEY",
    "LAST",
    "LENGTH",
    "LIST",
    "MAJOR",
    "MAX",
    "MINOR",
    "MODE",
    "N",
    "NAME",
    "NODE",
    "ORDER",
    "PATTERN",
    "PERCENT",
    "PFN",
    "PREFIX",
    "PRIORITY",
    "SIZE",
    "SLOT",
    "STEP",
    "STRIDE",
    "TAG",
    "TEXT",
    "UID",
    "USER",
    "WORD",
    "SUBCOMMAND",
];

#[test]
fn each_usage_line_parses_and_every_word_in_it_is_known() {
    let commands = COMMANDS.iter().map(|command| (command.usage, command.name));
    let members = COMMANDS
        .iter()
        .flat_map(|command| subcommands::of(command.name).into_iter().flatten());
    for (usage, name) in commands.chain(members.map(|member| (member.words, ""))) {
        assert!(usage.starts_with(name), "{usage}");
        assert!(Usage::new(usage, name).fits(), "{usage}");
        let line = usage.split(';').next().unwrap_or("");
        let words = line.split(|c: char| " |[]=<%-.,:".contains(c));
        for word in words.filter(|word| word.contains(|c: char| c.is_ascii_uppercase())) {
            let is_known = Kind::of(word) != Kind::Free || FREE.contains(&word);
            // Letters of options.
            let is_option = word.len() == 1 && line.contains(&format!("-{word}"));
            let is_value = ["VALUE", "OPTIONS"].contains(&word);
            assert!(is_known || is_option || is_value, "{usage}: {word}");
        }
    }
}

/// A subcommand's usage promises as many words as it takes.
#[test]
fn usages_of_subcommands_agree_with_what_they_take() {
    for command in COMMANDS {
        for member in subcommands::of(command.name).into_iter().flatten() {
            let (least, most) = member.arguments;
            let (name, (said_least, said_most)) = (member.name, bounds(member.words));
            assert_eq!(said_least, least, "{} {name}", command.name);
            // `...` promises any number, options may come in any order and again.
            let is_open = member.words.contains("...") || member.words.contains('[');
            assert!(
                is_open || said_most == Some(most),
                "{} {name}",
                command.name
            );
            assert!(!is_open || most >= said_least, "{} {name}", command.name);
        }
    }
}

#[test]
fn the_kernel_asks_for_a_page_or_says_that_there_is_none() {
    let mut lab = Lab::new("mem=4M");
    let told = |lab: &mut Lab, line: &str| lab.bytes(line.as_bytes());
    for (line, status, text) in [
        ("man", 2, "man: usage: man PAGE | man -k WORD\n"),
        ("man a b", 2, "man: usage: man PAGE | man -k WORD\n"),
        ("man -k", 2, "man: usage: man PAGE | man -k WORD\n"),
        ("apropos", 2, "apropos: usage: apropos WORD\n"),
        ("man zeppelin", 1, "man: there is no page 'zeppelin'\n"),
        (
            "man rdaix",
            1,
            "man: there is no page 'rdaix'; did you mean radix?\n",
        ),
        (
            "man hoard",
            1,
            "man: there is no page 'hoard'; cat /bin/hoard shows the program\n",
        ),
        (
            "man ls > /a",
            1,
            "man: pages are shown at the console only\n",
        ),
    ] {
        assert_eq!(told(&mut lab, line), (status, text.to_string()), "{line}");
    }
    // A machine that shows nothing says so, and the kernel is as if it did.
    let (status, text) = told(&mut lab, "man ls");
    assert!(status == 0 && text.contains("in plain letters"), "{text}");
}
