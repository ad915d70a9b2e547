//! The developer's tool: `cargo xtask <command>`.
//!
//! A newcomer has a toolchain and a clone, and wants a page; what lies between (a compile target,
//! a bindings generator, an emulator, a browser) should not be theirs to find out. So each command
//! first makes sure of what it needs, says what it installs, builds what is out of date and then
//! does its work. [`COMMANDS`] lists them, one function each.
//!
//! The tool knows how things are built, not what they do. It depends on nothing of the kernel, so
//! it also works while the kernel does not compile; the parts that do depend on it are programs of
//! their own, `src/bin/drive.rs` and `src/bin/pack.rs`.

mod bench;
mod check;
#[cfg(test)]
mod deploy;
#[cfg(test)]
mod docs;
mod image;
mod kernels;
mod labs;
mod miri;
mod notices;
mod paths;
mod process;
mod progress;
mod serve;
mod setup;
mod stop;
mod test;
mod toolchain;
mod web;

use std::process::ExitCode;

use lexopt::prelude::*;

use stop::Stop;

/// One command of the tool.
struct Command {
    name: &'static str,
    /// The arguments it takes, as a usage line shows them.
    arguments: &'static str,
    /// What it does, in the list of all commands.
    summary: &'static str,
    /// What `--help` adds to that.
    details: &'static str,
    run: fn(lexopt::Parser) -> Result<(), Stop>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "serve",
        arguments: "[--addr HOST:PORT] [--dev | --release] [--no-qemu] [--demo-class] [CLASS OPTIONS]",
        summary: "build the page and serve it, with native and QEMU sessions",
        details: serve::DETAILS,
        run: serve::serve,
    },
    Command {
        name: "test",
        arguments: "",
        summary: "run every check and every test",
        details: test::DETAILS,
        run: test::test,
    },
    Command {
        name: "boot",
        arguments: "[KEY=VALUE...]",
        summary: "boot the kernel in QEMU, with its console on this terminal",
        details: kernels::BOOT_DETAILS,
        run: kernels::boot,
    },
    Command {
        name: "run",
        arguments: "[--host native|wasm|qemu] [--ops FILE] FILE|-",
        summary: "run a log and print exactly what the kernel's console shows",
        details: kernels::RUN_DETAILS,
        run: kernels::run,
    },
    Command {
        name: "trace",
        arguments: "FILE|- [--format perfetto|chrome|ftrace] [-o OUT] [--from STEP] [--to STEP]",
        summary: "write a log's events as a trace that other tools read",
        details: kernels::TRACE_DETAILS,
        run: kernels::trace,
    },
    Command {
        name: "compare",
        arguments: "FILE FILE | FILE --slab A,B,...",
        summary: "find the first step at which two logs part; compare allocators, or OOM policies",
        details: kernels::COMPARE_DETAILS,
        run: kernels::compare,
    },
    Command {
        name: "parity",
        arguments: "N [--seed S] [--slab ALLOCATOR | --tasks | --pressure] [--hosts A,B,...]",
        summary: "compare the hosts on N random logs",
        details: kernels::PARITY_DETAILS,
        run: kernels::parity,
    },
    Command {
        name: "invariants",
        arguments: "N [--seed S] [--slab ALLOCATOR | --tasks | --pressure]",
        summary: "check the kernel after every line of N random logs",
        details: kernels::INVARIANTS_DETAILS,
        run: kernels::invariants,
    },
    Command {
        name: "grade",
        arguments: "LAB LOG [--ops FILE] [--student NAME] [--format FORMAT]",
        summary: "grade a log by replaying it",
        details: labs::GRADE_DETAILS,
        run: labs::grade,
    },
    Command {
        name: "lab",
        arguments: "new NAME | check [LAB] [--variants N] | start LAB [FILE] | try LAB [--ops FILE]",
        summary: "begin a lab, try the labs in both directions, or one's own callbacks for a lab",
        details: labs::LAB_DETAILS,
        run: labs::lab,
    },
    Command {
        name: "bench",
        arguments: "[NAME] [--rounds N] [--full] [--record]",
        summary: "measure, beside the references",
        details: bench::DETAILS,
        run: bench::bench,
    },
    Command {
        name: "dist",
        arguments: "[DIR]",
        summary: "write a copy of the page that any web host can serve",
        details: web::DIST_DETAILS,
        run: web::dist,
    },
    Command {
        name: "build",
        arguments: "",
        summary: "build the page, the boot image and the server",
        details: "",
        run: serve::build,
    },
    Command {
        name: "check",
        arguments: "",
        summary: "check format, lints and documentation; no tests",
        details: check::DETAILS,
        run: check::check,
    },
    Command {
        name: "miri",
        arguments: "[FILTER...]",
        summary: "interpret the tests of memory and allocators, and find undefined behaviour",
        details: miri::DETAILS,
        run: miri::miri,
    },
    Command {
        name: "notices",
        arguments: "",
        summary: "write the list of third-party packages anew",
        details: notices::DETAILS,
        run: notices::notices,
    },
    Command {
        name: "setup",
        arguments: "",
        summary: "install what the other commands need; they do so themselves as well",
        details: setup::DETAILS,
        run: setup::setup,
    },
];

fn main() -> ExitCode {
    match dispatch(lexopt::Parser::from_env()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => stop.report(),
    }
}

/// Runs the command that the arguments name.
fn dispatch(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    let name = match arguments.next()? {
        Some(Value(name)) => name.string()?,
        Some(Short('h') | Long("help")) => return help(arguments),
        Some(other) => return Err(other.unexpected().into()),
        None => return Err(Stop::Usage("which command?".to_string())),
    };
    if name == "help" {
        return help(arguments);
    }
    let command = find(&name)?;
    if asks_for_help(arguments.clone()) {
        print!("{}", help_on(command));
        return Ok(());
    }
    (command.run)(arguments)
}

fn help(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    match arguments.next()? {
        None => print!("{}", help_on_all()),
        Some(Value(name)) => print!("{}", help_on(find(&name.string()?)?)),
        Some(other) => return Err(other.unexpected().into()),
    }
    Ok(())
}

fn find(name: &str) -> Result<&'static Command, Stop> {
    COMMANDS
        .iter()
        .find(|command| command.name == name)
        .ok_or_else(|| Stop::Usage(format!("there is no command `{name}`")))
}

fn help_on_all() -> String {
    let mut text = String::from(
        "The developer's tool of the Glass Kernel.\n\nUsage: cargo xtask COMMAND [ARGUMENT...]\n\n",
    );
    for command in COMMANDS {
        text += &format!("  {:<10} {}\n", command.name, command.summary);
    }
    text + "\n`cargo xtask COMMAND --help` says more about one of them.\n"
}

fn help_on(command: &Command) -> String {
    let Command {
        name,
        arguments,
        summary,
        details,
        ..
    } = command;
    let mut text =
        format!("cargo xtask {name}: {summary}\n\nUsage: cargo xtask {name} {arguments}")
            .trim_end()
            .to_string();
    if !details.is_empty() {
        text += "\n\n";
        text += details.trim();
    }
    text + "\n"
}

/// Whether an argument asks for help, wherever it stands.
fn asks_for_help(mut arguments: lexopt::Parser) -> bool {
    let Ok(rest) = arguments.raw_args() else {
        return false;
    };
    rest.take_while(|argument| argument != "--")
        .any(|argument| argument == "-h" || argument == "--help")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(line: &str) -> Result<(), Stop> {
        dispatch(lexopt::Parser::from_args(line.split_whitespace()))
    }

    #[test]
    fn an_unknown_command_is_named() {
        let error = on("swerve --addr 1").expect_err("there is no such command");
        assert_eq!(
            error,
            Stop::Usage("there is no command `swerve`".to_string())
        );
        assert!(matches!(on(""), Err(Stop::Usage(_))));
        assert!(matches!(on("--swerve"), Err(Stop::Usage(_))));
        assert!(matches!(on("help swerve"), Err(Stop::Usage(_))));
    }

    #[test]
    fn help_is_found_wherever_it_stands() {
        assert_eq!(on("--help"), Ok(()));
        assert_eq!(on("help run"), Ok(()));
        assert_eq!(on("run --host qemu --help"), Ok(()));
        assert_eq!(on("test -h"), Ok(()));
    }

    #[test]
    fn every_command_is_in_the_help_once() {
        let help = help_on_all();
        for command in COMMANDS {
            assert_eq!(
                help.matches(&format!("\n  {} ", command.name)).count(),
                1,
                "{}",
                command.name
            );
            assert!(help_on(command).contains(command.arguments));
        }
    }
}
