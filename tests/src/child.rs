//! A child process that can neither hang the caller nor outlive it.
//!
//! QEMU, Chromium and the server are all driven through their standard streams. Reading from a
//! pipe blocks for as long as the other end is silent, and writing to one blocks when the other end
//! has stopped reading, so each stream gets a thread of its own and the caller waits with a limit.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child as Process, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A running program. Dropping it kills it.
#[derive(Debug)]
pub struct Child {
    name: String,
    process: Process,
    input: Option<Sender<Vec<u8>>>,
    output: Receiver<Vec<u8>>,
    complaints: Arc<Mutex<Vec<u8>>>,
    complaining: JoinHandle<()>,
}

impl Child {
    /// Starts `command` with all three standard streams in our hands.
    pub fn start(command: &mut Command) -> Result<Child, String> {
        let name = Path::new(command.get_program())
            .file_name()
            .unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {name}: {error}"))?;
        let (mut stdin, stdout, stderr) = match (
            process.stdin.take(),
            process.stdout.take(),
            process.stderr.take(),
        ) {
            (Some(stdin), Some(stdout), Some(stderr)) => (stdin, stdout, stderr),
            _ => return Err(format!("{name} started without its standard streams")),
        };

        let (input, to_write) = channel::<Vec<u8>>();
        thread::spawn(move || {
            for bytes in to_write {
                // The reader of the output will notice that the child is gone.
                if stdin
                    .write_all(&bytes)
                    .and_then(|()| stdin.flush())
                    .is_err()
                {
                    return;
                }
            }
        });
        let (read, output) = channel();
        thread::spawn(move || pump(stdout, |bytes| read.send(bytes).is_ok()));
        let complaints = Arc::new(Mutex::new(Vec::new()));
        let collected = Arc::clone(&complaints);
        let complaining = thread::spawn(move || {
            pump(stderr, |bytes| {
                collected.lock().is_ok_and(|mut all| {
                    all.extend(bytes);
                    true
                })
            })
        });
        Ok(Child {
            name,
            process,
            input: Some(input),
            output,
            complaints,
            complaining,
        })
    }

    /// Names the child differently in messages: a shell that becomes a browser is a browser.
    pub fn called(mut self, name: &str) -> Child {
        self.name = name.to_string();
        self
    }

    /// Hands `bytes` to the child. Returns at once; a child that does not read them shows by its
    /// silence.
    pub fn write(&self, bytes: Vec<u8>) {
        if let Some(input) = &self.input {
            let _ = input.send(bytes);
        }
    }

    /// Closes the child's standard input.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// The next bytes that the child wrote, or `None` once it has closed its output.
    ///
    /// # Errors
    /// When nothing came before `deadline`.
    pub fn read(&mut self, deadline: Instant) -> Result<Option<Vec<u8>>, String> {
        let patience = deadline.saturating_duration_since(Instant::now());
        match self.output.recv_timeout(patience) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(format!(
                "{} is silent{}",
                self.name,
                self.complaints_quoted()
            )),
        }
    }

    /// Reads until `done` accepts all that was read so far, and returns that.
    ///
    /// # Errors
    /// When the time is up or the child ends first; the message quotes what was read.
    pub fn read_until(
        &mut self,
        patience: Duration,
        mut done: impl FnMut(&[u8]) -> bool,
    ) -> Result<Vec<u8>, String> {
        let deadline = Instant::now() + patience;
        let mut all = Vec::new();
        while !done(&all) {
            match self.read(deadline) {
                Ok(Some(bytes)) => all.extend(bytes),
                Ok(None) => return Err(format!("{}; it wrote {}", self.epitaph(), quote(&all))),
                Err(silence) => return Err(format!("{silence}; it wrote {}", quote(&all))),
            }
        }
        Ok(all)
    }

    /// All that the child writes until it closes its output, and its exit status.
    pub fn finish(mut self, patience: Duration) -> Result<(Vec<u8>, ExitStatus), String> {
        let deadline = Instant::now() + patience;
        let mut all = Vec::new();
        while let Some(bytes) = self.read(deadline)? {
            all.extend(bytes);
        }
        let status = self.wait(deadline.saturating_duration_since(Instant::now()))?;
        Ok((all, status))
    }

    /// Waits for the child to end.
    pub fn wait(&mut self, patience: Duration) -> Result<ExitStatus, String> {
        let deadline = Instant::now() + patience;
        loop {
            match self.process.try_wait() {
                Ok(Some(status)) => {
                    self.hear_it_out();
                    return Ok(status);
                }
                Err(error) => return Err(format!("cannot wait for {}: {error}", self.name)),
                Ok(None) if Instant::now() >= deadline => {
                    return Err(format!("{} still runs after {patience:?}", self.name));
                }
                Ok(None) => thread::sleep(Duration::from_millis(2)),
            }
        }
    }

    /// Waits until the last words of a child that has ended have arrived, but not for those of
    /// processes that it left behind.
    fn hear_it_out(&self) {
        let deadline = Instant::now() + Duration::from_millis(500);
        while !self.complaining.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends the child at once, as a crash would.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// The child's process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What the child has written to its standard error so far.
    pub fn complaints(&self) -> String {
        let all = self
            .complaints
            .lock()
            .map(|all| all.clone())
            .unwrap_or_default();
        String::from_utf8_lossy(&all).trim_end().to_string()
    }

    /// How the child came to its end, as a sentence.
    pub fn epitaph(&mut self) -> String {
        // Its output is closed, so its end is near if it has not come yet.
        let end = match self.wait(Duration::from_secs(2)) {
            Ok(status) => format!("{} ended ({status})", self.name),
            Err(_) => format!("{} closed its output", self.name),
        };
        end + &self.complaints_quoted()
    }

    fn complaints_quoted(&self) -> String {
        match self.complaints() {
            text if text.is_empty() => String::new(),
            text => format!(" and said: {text}"),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a signal, by its name without `SIG`, to a process. (The shell can; a program for it may not
/// be installed.)
pub fn signal(id: u32, name: &str) -> Result<(), String> {
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -s {name} {id}")])
        .status();
    match sent {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("cannot send {name} to process {id}: {status}")),
        Err(error) => Err(format!("cannot send {name} to process {id}: {error}")),
    }
}

/// The process ids of a process's living children.
pub fn children_of(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let child = |entry: std::fs::DirEntry| {
        let id = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // After the name, which is in parentheses: state and parent.
        let (_, rest) = stat.rsplit_once(") ")?;
        let mut words = rest.split(' ');
        let (state, its_parent) = (words.next()?, words.next()?.parse::<u32>().ok()?);
        (its_parent == parent && state != "Z").then_some(id)
    };
    processes.filter_map(child).collect()
}

/// Passes on what `stream` gives until its end, or until `take` has enough.
fn pump(mut stream: impl Read, mut take: impl FnMut(Vec<u8>) -> bool) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        if !take(buffer[..length].to_vec()) {
            return;
        }
    }
}

/// Bytes for a message: as text, the end only if there is much.
pub(crate) fn quote(bytes: &[u8]) -> String {
    const SHOWN: usize = 2000;
    let start = bytes.len().saturating_sub(SHOWN);
    let dots = if start > 0 { "..." } else { "" };
    format!("{dots}{:?}", String::from_utf8_lossy(&bytes[start..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Child {
        Child::start(Command::new("sh").args(["-c", script])).expect("there is a shell")
    }

    #[test]
    fn what_is_written_comes_back() {
        let mut cat = shell("cat; exit 3");
        cat.write(b"hello".to_vec());
        cat.close_input();
        let (output, status) = cat.finish(Duration::from_secs(10)).expect("cat ends");
        assert_eq!(output, b"hello");
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn a_silent_child_is_an_error_in_time_even_if_it_does_not_read() {
        let mut sleeper = shell("echo going to bed >&2; exec sleep 100");
        sleeper.write(vec![0; 1 << 20]);
        let error = sleeper
            .read_until(Duration::from_millis(300), |_| false)
            .unwrap_err();
        assert!(
            error.contains("sh is silent and said: going to bed"),
            "{error}"
        );
    }

    #[test]
    fn a_dead_child_is_reported_with_its_last_words() {
        let mut dying = shell("echo alas >&2; exit 7");
        let error = dying
            .read_until(Duration::from_secs(10), |_| false)
            .unwrap_err();
        assert!(
            error.contains("exit status: 7") && error.contains("alas"),
            "{error}"
        );
    }

    #[test]
    fn children_are_found_and_can_be_killed() {
        let mut sleeper = shell("echo; read wait");
        sleeper
            .read_until(Duration::from_secs(10), |output| !output.is_empty())
            .expect("it starts");
        assert!(children_of(std::process::id()).contains(&sleeper.id()));
        signal(sleeper.id(), "KILL").expect("it lives");
        assert!(sleeper.epitaph().contains("signal: 9"));
        assert!(!children_of(std::process::id()).contains(&sleeper.id()));
        assert!(signal(sleeper.id(), "KILL").is_err());
    }

    #[test]
    fn a_missing_program_is_an_error() {
        let error = Child::start(&mut Command::new("/nonexistent/qemu")).unwrap_err();
        assert!(error.starts_with("cannot start qemu: "), "{error}");
    }
}
