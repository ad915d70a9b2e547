//! What the server is told at its start: the command line, and its defaults.
//!
//! Parsing is separate from acting, so a bad option is refused before anything is opened. Paths
//! are checked later, by [`App::new`](crate::App::new).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::assets::Embedders;
use crate::grading::{Grader, labs_grader};
use crate::keys::{Hidden, TeacherKey};
use crate::limits::Limits;
use crate::session::native::{Engine, labs_engine};

/// The text of `--help`.
pub const USAGE: &str = "\
Usage: server [OPTIONS]

Serves the Glass Kernel page, native sessions and QEMU sessions, and keeps a
class's submissions and links.

  --addr HOST:PORT       where to listen [127.0.0.1:8080]; port 0 picks a free one
  --dist DIR             the built page [target/dist]
  --boot-image FILE      the kernel's x86_64 image; offers QEMU sessions
  --qemu PROGRAM         QEMU [qemu-system-x86_64]
  --allow-origin ORIGIN  let pages of this origin open sessions as well, for instance
                         https://lab.example.edu behind a proxy; may be repeated
  --embed-from ORIGINS   whose pages may show this one in a frame, for instance
                         https://moodle.example.edu; * is everybody [nobody else's]
  --log human|json       form of the log on stderr [human]; RUST_LOG chooses its detail

A class:
  --data DIR             keys, and the database unless it is elsewhere; made at the
                         first start [glass-data]
  --database URL         a PostgreSQL database, postgres://USER:PASSWORD@HOST/NAME,
                         instead of a SQLite file in the data folder
  --teacher-key KEY      the teacher's key; others on this machine can see it [made at
                         the first start, and kept in the data folder]
  --teacher-key-file FILE
                         the file with the teacher's key
  --require-keys         take submissions only with the student's key
  --demo-class FILE      hand in what this file holds before serving, so that there is something
                         to look at; `cargo xtask serve --demo-class` makes one
  --backup FOLDER        copy what --data holds into this new folder, and end; a server may
                         use it meanwhile. A copy is a data folder: --data FOLDER restores it

Limits:
  --max-sessions N       native sessions at a time [64]
  --max-guests N         QEMU guests at a time [4]
  --quiet-seconds N      close a connection on which no request arrives for so long [60]
  --idle-seconds N       end a session that asked nothing for so long [1800]
  --answer-seconds N     kill a QEMU guest that owes an answer for so long [120]
  --max-memory SIZE      largest mem= of one machine [256M]
  --total-memory SIZE    sum of mem= of all machines [4G]
  --step-budget N        kernel steps one request may take [1000000]
  --replay-steps N       kernel steps the replay of one log may take [100000000]
  --max-live N           live sessions at a time [16]
  --max-followers N      those who follow live sessions, all together [2000]
  --live-away-seconds N  end a live session that nobody publishes for so long [300]
  --news-per-second N    what one live session may tell its followers [50]
  --graders N            submissions that are graded at a time [one a processor]
  --grading-queue N      submissions that may wait to be graded [64]
  --max-uploads N        submissions and links that may be on their way at a time [32]
  --link-bytes SIZE      what all links together may take [1G]
  --submission-bytes SIZE
                         what the logs of all submissions together may take [4G]
  --attempts N           submissions that a student may have for a lab [1000]
";

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// Serve. (Boxed for its size.)
    Serve(Box<Config>),
    /// Copy the data folder to this new one.
    Backup(Box<Config>, PathBuf),
    /// Print [`USAGE`].
    Help,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For a terminal.
    Human,
    /// One JSON object a line.
    Json,
}

/// How to start QEMU guests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestConfig {
    /// The QEMU program, a path or a name to find in `PATH`.
    pub qemu: PathBuf,
    /// The kernel's x86_64 image.
    pub boot_image: PathBuf,
}

/// Everything the server is told at its start.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen, `HOST:PORT`.
    pub addr: String,
    /// The folder with the built page.
    pub dist: PathBuf,
    /// How to start QEMU guests; without it there are none.
    pub guest: Option<GuestConfig>,
    /// Origins, besides the server's own, whose pages may open sessions.
    pub allowed_origins: Vec<String>,
    /// Whose pages may show this one in a frame.
    pub embedders: Embedders,
    /// The folder with keys, and with the database unless it is elsewhere.
    pub data: PathBuf,
    /// The address of a PostgreSQL database; without it a SQLite file is used.
    pub database: Option<Hidden>,
    /// Where the teacher's key comes from.
    pub teacher_key: TeacherKey,
    /// Whether submissions need the student's key.
    pub require_keys: bool,
    /// What a demo class hands in before anybody is served.
    pub demo: Option<PathBuf>,
    /// How log lines look.
    pub log: LogFormat,
    /// What one client, and all together, may use.
    pub limits: Limits,
    /// Makes the kernel behind a native session. Tests put their own here.
    pub engine: fn(&Limits) -> Box<dyn Engine>,
    /// Makes a grader, one for each thread that grades. Tests put their own here.
    pub grader: fn() -> Box<dyn Grader>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            addr: "127.0.0.1:8080".to_owned(),
            dist: PathBuf::from("target/dist"),
            guest: None,
            allowed_origins: Vec::new(),
            embedders: Embedders::default(),
            data: PathBuf::from("glass-data"),
            database: None,
            teacher_key: TeacherKey::Kept,
            require_keys: false,
            demo: None,
            log: LogFormat::Human,
            limits: Limits::default(),
            engine: labs_engine,
            grader: labs_grader,
        }
    }
}

impl Config {
    /// Reads a command line, the program's name first.
    ///
    /// # Errors
    /// An option that is unknown, or a value that is missing or makes no sense.
    pub fn from_args(args: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
        use lexopt::prelude::*;

        let mut config = Config::default();
        let mut qemu = PathBuf::from(labs::guest::PROGRAM);
        let (mut boot_image, mut backup) = (None, None);
        let limits = &mut config.limits;
        let mut parser = lexopt::Parser::from_iter(args);
        while let Some(argument) = parser.next()? {
            match argument {
                Long("addr") => config.addr = parser.value()?.string()?,
                Long("dist") => config.dist = parser.value()?.into(),
                Long("boot-image") => boot_image = Some(PathBuf::from(parser.value()?)),
                Long("qemu") => qemu = parser.value()?.into(),
                Long("allow-origin") => config.allowed_origins.push(parser.value()?.string()?),
                Long("embed-from") => {
                    config.embedders = parser.value()?.parse_with(Embedders::parse)?;
                }
                Long("data") => config.data = parser.value()?.into(),
                Long("database") => {
                    config.database = Some(parser.value()?.parse_with(postgres_url)?);
                }
                Long("teacher-key") => {
                    config.teacher_key = TeacherKey::Given(Hidden(parser.value()?.string()?));
                }
                Long("teacher-key-file") => {
                    config.teacher_key = TeacherKey::In(parser.value()?.into());
                }
                Long("require-keys") => config.require_keys = true,
                Long("demo-class") => config.demo = Some(parser.value()?.into()),
                Long("backup") => backup = Some(PathBuf::from(parser.value()?)),
                Long("log") => config.log = parser.value()?.parse_with(log_format)?,
                Long("max-sessions") => limits.sessions = parser.value()?.parse()?,
                Long("max-guests") => limits.guests = parser.value()?.parse()?,
                Long("quiet-seconds") => limits.quiet = parser.value()?.parse_with(seconds)?,
                Long("idle-seconds") => limits.idle = parser.value()?.parse_with(seconds)?,
                Long("answer-seconds") => limits.answer = parser.value()?.parse_with(seconds)?,
                Long("max-memory") => limits.machine_bytes = parser.value()?.parse_with(size)?,
                Long("total-memory") => limits.total_bytes = parser.value()?.parse_with(size)?,
                Long("step-budget") => limits.steps = parser.value()?.parse_with(positive)?,
                Long("replay-steps") => {
                    limits.replay_steps = parser.value()?.parse_with(positive)?
                }
                Long("max-live") => limits.live_sessions = parser.value()?.parse_with(places)?,
                Long("max-followers") => limits.followers = parser.value()?.parse_with(places)?,
                Long("live-away-seconds") => {
                    limits.live_away = parser.value()?.parse_with(seconds)?;
                }
                Long("news-per-second") => {
                    limits.news_every = parser.value()?.parse_with(per_second)?;
                }
                Long("graders") => limits.graders = parser.value()?.parse_with(count)?,
                Long("grading-queue") => {
                    limits.grading_queue = parser.value()?.parse_with(count)?
                }
                Long("max-uploads") => limits.uploads = parser.value()?.parse_with(positive)?,
                Long("submission-bytes") => {
                    limits.submission_bytes = parser.value()?.parse_with(size)?;
                }
                Long("attempts") => limits.attempts = parser.value()?.parse_with(positive)?,
                Long("link-bytes") => limits.link_bytes = parser.value()?.parse_with(size)?,
                Short('h') | Long("help") => return Ok(Command::Help),
                other => return Err(other.unexpected()),
            }
        }
        config.guest = boot_image.map(|boot_image| GuestConfig { qemu, boot_image });
        let config = Box::new(config);
        Ok(match backup {
            Some(folder) => Command::Backup(config, folder),
            None => Command::Serve(config),
        })
    }
}

fn log_format(text: &str) -> Result<LogFormat, &'static str> {
    match text {
        "human" => Ok(LogFormat::Human),
        "json" => Ok(LogFormat::Json),
        _ => Err("expected human or json"),
    }
}

fn postgres_url(text: &str) -> Result<Hidden, &'static str> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        Ok(Hidden(text.to_owned()))
    } else {
        Err("expected postgres://USER:PASSWORD@HOST/NAME")
    }
}

/// A number of threads or places, small enough for the memory that each takes.
fn count(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(number @ 1..=65536) => Ok(number),
        _ => Err("expected a number from 1 to 65536"),
    }
}

/// A number of connections, few enough for a process.
fn places(text: &str) -> Result<u64, &'static str> {
    count(text).map(|number| number as u64)
}

/// How long one of so many a second takes.
fn per_second(text: &str) -> Result<Duration, &'static str> {
    match text.parse() {
        Ok(number @ 1..=1_000_000) => Ok(Duration::from_secs(1) / number),
        _ => Err("expected a number from 1 to 1000000"),
    }
}

fn positive(text: &str) -> Result<u64, &'static str> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("expected a number from 1"),
    }
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    positive(text).map(Duration::from_secs)
}

fn size(text: &str) -> Result<u64, &'static str> {
    parse_size(text).ok_or("expected a size like 64M or 4G")
}

/// Bytes from a size as the machine header spells it: a number, then nothing, `K`, `M` or `G`.
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    let (digits, shift) = match text.as_bytes().last()? {
        b'K' | b'k' => (&text[..text.len() - 1], 10),
        b'M' | b'm' => (&text[..text.len() - 1], 20),
        b'G' | b'g' => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// Finds `program` as a shell would: a path as it is, a bare name in `PATH`.
pub(crate) fn find_program(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return program.is_file().then(|| program.to_owned());
    }
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        let args = std::iter::once("server")
            .chain(line.split_whitespace())
            .map(OsString::from);
        Config::from_args(args).map_err(|error| error.to_string())
    }

    fn parse_config(line: &str) -> Config {
        match parse(line) {
            Ok(Command::Serve(config)) => *config,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn no_options_mean_loopback_and_no_guests() {
        let config = parse_config("");
        assert_eq!(config.addr, "127.0.0.1:8080");
        assert_eq!(config.guest, None);
        assert_eq!(config.limits, Limits::default());
    }

    #[test]
    fn every_option_lands_in_its_field() {
        let config = parse_config(
            "--addr [::1]:0 --dist d --qemu q --boot-image b --allow-origin https://x --log json \
             --max-sessions 2 --max-guests 3 --idle-seconds 4 --answer-seconds 5 \
             --max-memory 6M --total-memory 7G --step-budget 8 --replay-steps 9 --quiet-seconds 10 \
             --graders 11 --grading-queue 12 --max-uploads 13 --link-bytes 14M --data e --submission-bytes 15M --attempts 16 \
             --max-live 17 --max-followers 18 --live-away-seconds 19 --news-per-second 20 \
             --database postgres://u:p@h/n --teacher-key-file k --require-keys --embed-from * --demo-class f",
        );
        assert_eq!(config.addr, "[::1]:0");
        assert_eq!(config.dist, PathBuf::from("d"));
        assert_eq!(
            config.guest,
            Some(GuestConfig {
                qemu: "q".into(),
                boot_image: "b".into()
            })
        );
        assert_eq!(config.allowed_origins, ["https://x"]);
        assert_eq!(config.log, LogFormat::Json);
        assert_eq!(config.data, PathBuf::from("e"));
        assert_eq!(config.database, Some(Hidden("postgres://u:p@h/n".into())));
        assert_eq!(config.teacher_key, TeacherKey::In("k".into()));
        assert_eq!(config.embedders, Embedders::All);
        assert!(config.require_keys);
        assert_eq!(config.demo, Some(PathBuf::from("f")));
        let given = parse_config("--teacher-key open-sesame-open").teacher_key;
        assert_eq!(given, TeacherKey::Given(Hidden("open-sesame-open".into())));
        let expected = Limits {
            sessions: 2,
            guests: 3,
            quiet: Duration::from_secs(10),
            idle: Duration::from_secs(4),
            answer: Duration::from_secs(5),
            machine_bytes: 6 << 20,
            total_bytes: 7 << 30,
            steps: 8,
            replay_steps: 9,
            graders: 11,
            grading_queue: 12,
            uploads: 13,
            link_bytes: 14 << 20,
            submission_bytes: 15 << 20,
            attempts: 16,
            live_sessions: 17,
            followers: 18,
            live_away: Duration::from_secs(19),
            news_every: Duration::from_millis(50),
        };
        assert_eq!(config.limits, expected);
    }

    #[test]
    fn a_backup_is_made_instead_of_serving() {
        match parse("--addr x:1 --backup copies/monday --data d") {
            Ok(Command::Backup(config, folder)) => {
                assert_eq!(config.data, PathBuf::from("d"));
                assert_eq!(folder, PathBuf::from("copies/monday"));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn bad_options_are_named() {
        for (line, part) in [
            ("--max-memory 12Q", "12Q"),
            ("--max-memory 99999999999999G", "size"),
            ("--idle-seconds 0", "from 1"),
            ("--max-sessions many", "many"),
            ("--adr x", "--adr"),
            ("--addr", "--addr"),
            ("stray", "stray"),
            ("--log xml", "human or json"),
            ("--database mysql://x", "postgres://"),
            ("--embed-from moodle", "origins"),
            ("--graders 0", "from 1"),
            ("--max-live 0", "from 1"),
            ("--max-followers 65537", "from 1 to 65536"),
            ("--news-per-second 0", "from 1"),
            ("--grading-queue 99999999999", "from 1 to 65536"),
        ] {
            let error = parse(line).expect_err(line);
            assert!(error.contains(part), "{line}: {error}");
        }
    }

    #[test]
    fn sizes_are_whole_numbers_with_a_unit() {
        assert_eq!(parse_size("4096"), Some(4096));
        assert_eq!(parse_size("2K"), Some(2048));
        assert_eq!(parse_size("64M"), Some(64 << 20));
        assert_eq!(parse_size("17179869184G"), None);
        for bad in ["", "M", "-1", "+1", "1.5G", "64 M", "é"] {
            assert_eq!(parse_size(bad), None, "{bad}");
        }
    }
}
