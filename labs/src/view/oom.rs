//! A decision of the OOM killer: why that one?
//!
//! Memory ran out, a policy looked at the tasks, and one of them was chosen. The view carries what the
//! policy saw: each candidate's score with its factors in their order, who was passed over and why, the
//! rule that decided, who was killed in the end, and the memory before, during and after.

mod moments;
mod policies;
mod toll;
mod what_if;
mod words;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use ::words::oom as text;
use serde::{Deserialize, Serialize};

use super::{Table, View, headings};
pub use moments::moments;
pub use policies::{POLICIES, PoliciesView, PolicyRun};
pub use toll::{OomLoss, OomShortage, OomSum, OomTollView};
pub use what_if::{OomEnd, OomMark, OomSide, OomWhatIfView};

/// The decisions of a step, and one of them in full.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomView {
    /// The step; 0 if this is what would happen next.
    pub step: u32,
    /// All decisions of the step in their order, up to a thousand.
    pub decisions: Vec<OomBrief>,
    /// Decisions that are not listed.
    pub omitted: u32,
    /// Which of them is told in full, as a place in the list.
    pub shown: u32,
    /// That decision.
    pub decision: OomDecision,
}

/// A decision in short.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomBrief {
    /// Number of the event that tells it.
    pub event: u64,
    /// When, in nanoseconds since boot.
    pub at_ns: u64,
    /// Who was chosen; nobody, or who is dying already.
    pub chosen: OomTask,
    /// What the policy said.
    pub verdict: OomVerdict,
    /// The score of the chosen one.
    pub points: u64,
    /// Who was killed.
    pub killed: Vec<OomKill>,
}

/// A task's number and name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomTask {
    /// Its number; 0 for nobody.
    pub pid: u32,
    /// Its name.
    pub comm: String,
}

/// What a policy said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OomVerdict {
    /// Nobody may be killed.
    #[default]
    Nobody,
    /// Somebody is dying already: wait for what that frees.
    Wait,
    /// This one.
    Kill,
}

/// Whose memory ran out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OomConstraint {
    /// The whole machine's.
    #[default]
    Machine,
    /// That of the nodes of the task's cpuset.
    Cpuset,
    /// That of the nodes of its memory policy.
    MemoryPolicy,
    /// A memory container's, which has reached its limit.
    Container,
}

/// A decision in full.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomDecision {
    /// Who asked for the memory.
    pub asker: OomTask,
    /// How, as the log prints it.
    pub gfp: String,
    /// For 2^`order` pages.
    pub order: u32,
    /// Whose memory ran out.
    pub constraint: OomConstraint,
    /// The container that has reached its limit, as its directory; empty for none.
    pub container: String,
    /// NUMA nodes that the page may come from, a bit each.
    pub nodes: u32,
    /// Name of the policy.
    pub policy: String,
    /// The rule that decided, as a sentence without its end.
    pub rule: String,
    /// Candidates.
    pub candidates_total: u32,
    /// How many of them are better than the first that is listed.
    pub from: u32,
    /// Candidates by rank: the highest score first, of equal ones the one that comes first.
    pub candidates: Vec<OomCandidate>,
    /// Why how many tasks were passed over, in the order of the questions.
    pub skipped_total: Vec<(OomSkip, u32)>,
    /// Tasks that were passed over, in the order of looking, from the same number on as the candidates.
    pub skipped: Vec<OomSkipped>,
    /// Those that were chosen and could not be killed.
    pub refused: Vec<OomRefused>,
    /// Memory when the line began.
    pub before: OomMemory,
    /// Memory when it was decided.
    pub during: OomMemory,
    /// Memory when the killed ones had left it; at the line's end if they had not by then.
    pub after: OomMemory,
    /// They have left it.
    pub is_over: bool,
    /// What led to it in this line and what came of it, in order.
    pub moments: Vec<OomMoment>,
    /// The groups of the `oom` controller, if that is mounted: directories and their `oom.priority`.
    pub groups: Vec<(String, u64)>,
}

/// Something on the way to a decision, or behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomMoment {
    /// When, in nanoseconds since boot.
    pub at_ns: u64,
    /// What kind of thing.
    pub kind: OomMomentKind,
    /// What it was, as a sentence without its end.
    pub text: String,
}

/// What happens around a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OomMomentKind {
    /// Programs are told that memory is scarce, or that somebody will be killed.
    Told,
    /// Their time is up.
    TimeUp,
    /// The low-memory killer finds memory below a threshold.
    Low,
    /// A page could not be had: the policy is asked.
    Asked,
    /// A task is killed.
    Killed,
    /// The killed ones have left their memory.
    Left,
}

/// A task that might have been killed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomCandidate {
    /// Which.
    pub task: OomTask,
    /// Where it lies, in units of 8 bytes.
    pub at: u32,
    /// Its user.
    pub uid: u32,
    /// Its process's number.
    pub tgid: u32,
    /// Its parent's.
    pub ppid: u32,
    /// Its `oom_adj`.
    pub oom_adj: i32,
    /// Its container's `oom.priority`; `None` while there is none.
    pub priority: Option<u64>,
    /// Pages that it has in memory.
    pub rss: u32,
    /// Its score.
    pub points: u64,
    /// How the score came about, step by step.
    pub factors: Vec<OomFactor>,
    /// It was chosen.
    pub is_chosen: bool,
}

/// A step of a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomFactor {
    /// By which rule.
    pub rule: OomRule,
    /// The score before.
    pub before: u64,
    /// The score after.
    pub after: u64,
    /// With what.
    pub operand: u64,
}

/// What changes a score, in the order in which it does (specs/memory.md 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum OomRule {
    /// It begins with the pages of the address space.
    Pages,
    /// The task is switching swap off.
    Swapoff,
    /// Half of its children's pages.
    Children,
    /// Divided by the root of its CPU time.
    CpuTime,
    /// Divided by the fourth root of its age.
    RunTime,
    /// Doubled if it is nice.
    Nice,
    /// A quarter for the superuser's.
    Superuser,
    /// A quarter for whoever drives hardware.
    RawIo,
    /// An eighth if its memory is elsewhere.
    Nodes,
    /// Shifted as its owner wants.
    OomAdj,
}

/// Why a task was passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum OomSkip {
    /// It has no memory of its own: one of the kernel's threads, or a zombie.
    NoMemory,
    /// It is the first process.
    Init,
    /// It is not in the container whose limit was reached.
    NotMember,
    /// Its `oom_adj` is -17.
    Disabled,
    /// Its container's `oom.priority` is 0.
    PriorityZero,
    /// Others have a higher `oom.priority`.
    LowerPriority,
    /// None of its memory is where a page is missing.
    OtherNodes,
    /// It has another name than `oom_victim`.
    OtherName,
    /// Its `oom_adj` is below the threshold that was reached.
    BelowThreshold,
    /// It was chosen just before, and could not be killed.
    Refused,
    /// Whatever else a policy says.
    Other,
}

/// A task that was passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomSkipped {
    /// Which.
    pub task: OomTask,
    /// Why.
    pub why: OomSkip,
}

/// A task that was killed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomKill {
    /// Which.
    pub task: OomTask,
    /// Why this one.
    pub why: OomKillWhy,
    /// Pages that it had in memory.
    pub pages: u32,
    /// Pages that it had in swap.
    pub swapped: u32,
}

/// Why a task was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OomKillWhy {
    /// It was chosen.
    Chosen,
    /// Its parent was chosen, and children go first.
    Child,
    /// It lives in the memory of one that is killed.
    Shares,
    /// A low-memory killer took it.
    LowMemory,
}

/// A task that was to be killed and could not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomRefused {
    /// Which.
    pub task: OomTask,
    /// Why not.
    pub why: String,
}

/// How memory is used, in pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomMemory {
    /// When, in nanoseconds since boot.
    pub at_ns: u64,
    /// Pages that the allocator manages.
    pub total: u32,
    /// Free.
    pub free: u32,
    /// Of processes: anonymous.
    pub anon: u32,
    /// Of files.
    pub file: u32,
    /// The kernel's own: slabs, page tables, whatever else.
    pub kernel: u32,
    /// Pages of the swap device.
    pub swap_total: u32,
    /// Of these, in use.
    pub swap_used: u32,
}
