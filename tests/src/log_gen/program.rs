//! Random programs: texts that the kernel compiles and runs.
//!
//! Every call of the table comes with arguments of the kinds that it takes, most of them variables
//! that hold what earlier calls returned. Loops end, but for some that sleep; blocks are closed. So
//! nearly all of these programs run, and what they run into is the kernel rather than the compiler.

use kernel_core::task::program::CALLS;
use kernel_core::task::program::calls::{Kind, MODES};

use super::Writer;

/// Bytes of a program: its lines have to fit into a line of the log, each with its `echo`.
const ROOM: usize = 900;
const NAMES: [&str; 5] = ["a", "b", "child", "memory", "file"];
const PATHS: [&str; 14] = [
    "/f",
    "/d/file",
    "/d",
    "/fifo",
    "/proc/self/stat",
    "/proc/fortune",
    "/proc/self/oom_adj",
    "/dev/zero",
    "/dev/full",
    "/m0/tasks",
    "/m0/a",
    "/m1/a/tasks",
    "new",
    "/nowhere/x",
];
const PROGRAMS: [&str; 8] = [
    "true",
    "sleep 2ms",
    "memhog 64K 2ms",
    "/p0",
    "/p1 5",
    "spin 1ms",
    "nothing",
    "/d",
];
const SIGNALS: [&str; 8] = ["TERM", "KILL", "STOP", "CONT", "CHLD", "USR1", "ALRM", "0"];

impl Writer {
    /// A line that writes a program to a file and makes it executable.
    pub(super) fn written(&mut self, path: &str) -> String {
        let mut text = Vec::new();
        for name in NAMES {
            text.push(format!("{name} = $1 else {}", self.random.below(9)));
        }
        for _ in 0..2 + self.random.below(6) {
            self.statement(&mut text, 0);
            if text.iter().map(String::len).sum::<usize>() > ROOM {
                break;
            }
        }
        let mut arrow = ">";
        let mut line = String::new();
        for statement in text {
            line += &format!("echo '{statement}' {arrow} {path}; ");
            arrow = ">>";
        }
        line + &format!("chmod 755 {path}")
    }

    fn statement(&mut self, text: &mut Vec<String>, depth: u32) {
        let block = match self.random.below(if depth < 3 { 14 } else { 1 }) {
            1 => format!("if {}", self.condition()),
            2 => format!("repeat {}", 1 + self.random.below(4)),
            3 if depth == 0 => format!("on {}", self.random.pick(&SIGNALS[..6])),
            // Bounded by somebody's patience, and each round by time.
            4 if self.random.one_in(3) => "forever".to_string(),
            5 => {
                text.push("child = fork".to_string());
                "if $child == 0".to_string()
            }
            6 => {
                text.push("memory = mmap 64K".to_string());
                text.push("touch $memory 9K".to_string());
                return;
            }
            7 => {
                text.push("child = clone".to_string());
                "if $child == 0".to_string()
            }
            _ => {
                let call = self.call();
                text.push(call);
                return;
            }
        };
        let is_endless = block == "forever";
        let is_child = text
            .last()
            .is_some_and(|before| before.starts_with("child"));
        text.push(block);
        for _ in 0..1 + self.random.below(3) {
            self.statement(text, depth + 1);
        }
        if is_endless {
            text.push("sleep 1ms".to_string());
            if self.random.one_in(2) {
                text.push("break".to_string());
            }
        } else if is_child && !self.random.one_in(4) {
            text.push(
                self.random
                    .pick(&["exit", "exit 3", "exit_thread"])
                    .to_string(),
            );
        }
        text.push("end".to_string());
    }

    fn condition(&mut self) -> String {
        let name = *self.random.pick(&NAMES);
        let compare = *self.random.pick(&["<", "==", "!=", ">=", "%", "and", "-"]);
        format!("${name} {compare} {}", self.value())
    }

    fn value(&mut self) -> String {
        match self.random.below(12) {
            0 => self
                .random
                .pick(&["$$", "$?", "$#", "$status", "$1 else 7"])
                .to_string(),
            1 => self
                .random
                .pick(&["-1", "0", "64K", "4096", "0x7fffffff", "-ENOMEM"])
                .to_string(),
            2 | 3 => self.random.below(12).to_string(),
            _ => format!("${}", self.random.pick(&NAMES)),
        }
    }

    fn call(&mut self) -> String {
        let call = self.random.pick(CALLS);
        // Endless patience is for the last line of a program.
        if call.name == "pause" && !self.random.one_in(4) {
            return "yield".to_string();
        }
        // A number at random is most often nobody's, and 1 is the shell.
        if matches!(call.name, "touch" | "look" | "peek" | "poke") && !self.random.one_in(9) {
            return format!(
                "{} $memory{}",
                call.name,
                if call.required > 1 { " 4K" } else { "" }
            );
        }
        let mut line = call.name.to_string();
        if !self.random.one_in(3) {
            line = format!("{} = {line}", self.random.pick(&NAMES));
        }
        for (at, kind) in call.kinds.iter().enumerate() {
            if at >= usize::from(call.required) && self.random.one_in(3) {
                break;
            }
            let argument = match kind {
                // An argument is one operand, `else` is two.
                Kind::Number => self.value().replace(" else 7", ""),
                Kind::Duration => {
                    let times = ["0", "500us", "1ms", "3ms", "20ms", "$a", "-1"];
                    self.random.pick(&times).to_string()
                }
                Kind::Text => self.random.pick(&PATHS).to_string(),
                Kind::Signal if call.name == "kill" => self.random.pick(&SIGNALS).to_string(),
                Kind::Signal => self.random.pick(&SIGNALS[..7]).to_string(),
                Kind::Mode => self.random.pick(MODES).0.to_string(),
                Kind::Variable => self.random.pick(&NAMES).to_string(),
                Kind::Texts if call.name == "exec" => self.random.pick(&PROGRAMS).to_string(),
                Kind::Texts => self
                    .random
                    .pick(&["hello", "$a $$", "\"$error.\"", "$*"])
                    .to_string(),
            };
            line = format!("{line} {argument}");
        }
        line
    }
}
