//! A kernel run once, step by step, with all that its memory ever held: what a session's answers
//! about the past are compared with.

use std::collections::BTreeMap;

use kernel_core::Kernel;
use kernel_core::machine::{Machine, MachineConfig};
use kernel_core::mem::{FRAME_SIZE, Ram};

/// What a log did to memory.
pub struct Truth {
    /// The log's header.
    pub header: String,
    /// The lines that ran.
    pub lines: Vec<Vec<u8>>,
    /// What each frame held after the steps that wrote to it, by frame and step.
    frames: BTreeMap<(u32, u32), Box<[u8; FRAME_SIZE]>>,
    hash: u64,
}

struct Silence;

impl Machine for Silence {
    fn console_write(&mut self, _: &[u8]) {}
}

impl Truth {
    /// Runs a log; `None` if its header is absurd.
    pub fn of(log: &[u8]) -> Option<Truth> {
        let parsed = labs::log::parse(log);
        let config = MachineConfig::parse(parsed.header).ok()?;
        let ram = Ram::new(config.ram_frames()).expect("there is memory");
        let mut kernel = Kernel::boot(ram, &config).expect("the machine boots");
        let mut truth = Truth {
            header: parsed.header.to_string(),
            lines: Vec::new(),
            frames: BTreeMap::new(),
            hash: 0,
        };
        truth.note(&mut kernel, 0);
        for line in parsed.lines {
            if kernel.is_off() {
                break;
            }
            kernel.run_line(&mut Silence, line);
            truth.lines.push(line.to_vec());
            let step = truth.end();
            truth.note(&mut kernel, step);
        }
        truth.hash = kernel.frames_hash();
        Some(truth)
    }

    fn note(&mut self, kernel: &mut Kernel, step: u32) {
        let ram = kernel.mem.ram_mut();
        for frame in ram.dirty_frames() {
            self.frames
                .insert((frame, step), Box::new(*ram.frame(frame)));
        }
        ram.clean();
    }

    /// The last step.
    pub fn end(&self) -> u32 {
        self.lines.len() as u32
    }

    /// A hash of all memory after the last step.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// A log of these lines on the same machine.
    pub fn log_of(&self, lines: &[Vec<u8>]) -> Vec<u8> {
        // Without a header an empty first line would be taken for one. This one says nothing new.
        let header = match self.header.as_str() {
            "" => "seed=1",
            header => header,
        };
        let header = header.as_bytes().to_vec();
        let lines: Vec<Vec<u8>> = [header].into_iter().chain(lines.iter().cloned()).collect();
        tests::log_gen::join(&lines)
    }

    /// The frames that were ever written.
    pub fn written(&self) -> Vec<u32> {
        let mut frames: Vec<u32> = self.frames.keys().map(|(frame, _)| *frame).collect();
        frames.dedup();
        frames
    }

    /// What a frame held after `step`.
    pub fn frame(&self, frame: u32, step: u32) -> &[u8; FRAME_SIZE] {
        let mut held = self.frames.range((frame, 0)..=(frame, step));
        held.next_back()
            .map_or(&[0; FRAME_SIZE], |(_, content)| content)
    }

    /// The last step up to `before` that changed an object which lies in one frame, in units of 8
    /// bytes; 0 if the boot wrote it and no line.
    pub fn last_change(&self, object: u32, bytes: u32, before: u32) -> Option<u32> {
        let first = (object % 512) as usize * 8;
        let held = |step| &self.frame(object / 512, step)[first..first + bytes as usize];
        let changed = (1..=before)
            .rev()
            .find(|&step| held(step) != held(step - 1));
        changed.or_else(|| held(0).iter().any(|&byte| byte != 0).then_some(0))
    }
}
