//! How many tasks each user has (`user_struct`).
//!
//! `RLIMIT_NPROC` bounds the processes of a *user*, so somebody has to count them without looking at
//! every task. Each task counts on the account of the user who made it, a small object that comes with
//! the user's first task and goes with the last. Accounts hang in a few chains by number.

use bytemuck::{Pod, Zeroable};

use super::{TASK, Task};
use crate::btf::describe;
use crate::errno::Errno;
use crate::mem::{Gfp, Mem, Ref};
use crate::slab::{kmem_cache_alloc, kmem_cache_free};

/// Chains of accounts.
pub const BUCKETS: usize = 64;

/// A user who has tasks.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct User {
    /// The next user of the chain.
    pub next: Ref<User>,
    /// Number of the user.
    pub uid: u32,
    /// Tasks that count on this account, threads included.
    pub processes: u32,
    _pad: u32,
}

describe!(User, "uid_cache", [next, uid, processes, _pad: crate::btf::Kind::Padding]);

fn bucket(uid: u32) -> usize {
    uid as usize % BUCKETS
}

/// The account of a user who has tasks.
pub fn find(mem: &Mem, uid: u32) -> Option<Ref<User>> {
    let mut at = mem[TASK].users[bucket(uid)];
    while !at.is_null() && mem[at].uid != uid {
        at = mem[at].next;
    }
    (!at.is_null()).then_some(at)
}

/// Counts a task more for a user, whose account is opened if need be.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn charge(mem: &mut Mem, uid: u32) -> Result<Ref<User>, Errno> {
    let user = match find(mem, uid) {
        Some(user) => user,
        None => {
            let cache = mem[TASK].user_cache;
            let user: Ref<User> = kmem_cache_alloc(mem, cache, Gfp::KERNEL)?;
            mem[user] = User {
                next: mem[TASK].users[bucket(uid)],
                uid,
                ..User::zeroed()
            };
            mem[TASK].users[bucket(uid)] = user;
            user
        }
    };
    mem[user].processes += 1;
    Ok(user)
}

/// Counts a task less; an account without tasks is closed.
pub(super) fn uncharge(mem: &mut Mem, user: Ref<User>) {
    mem[user].processes -= 1;
    if mem[user].processes > 0 {
        return;
    }
    let User { next, uid, .. } = mem[user];
    let first = mem[TASK].users[bucket(uid)];
    if first == user {
        mem[TASK].users[bucket(uid)] = next;
    } else {
        let mut at = first;
        while mem[at].next != user {
            at = mem[at].next;
        }
        mem[at].next = next;
    }
    let cache = mem[TASK].user_cache;
    kmem_cache_free(mem, cache, user);
}

/// Makes a task count for another user (`switch_uid`): whoever changes a task's `uid` calls it
/// first.
///
/// # Errors
/// `ENOMEM`; nothing has changed then.
pub fn switch(mem: &mut Mem, task: Ref<Task>, uid: u32) -> Result<(), Errno> {
    let user = charge(mem, uid)?;
    let old = core::mem::replace(&mut mem[task].user, user);
    uncharge(mem, old);
    Ok(())
}

/// Checks that the accounts together hold every task once.
pub(super) fn check(mem: &Mem) -> Result<(), &'static str> {
    let mut processes = 0;
    for (number, &first) in mem[TASK].users.iter().enumerate() {
        let mut at = first;
        while !at.is_null() {
            let User { next, uid, .. } = mem[at];
            if bucket(uid) != number || mem[at].processes == 0 {
                return Err("task: a user's account is in the wrong place, or empty");
            }
            processes += mem[at].processes;
            if processes > mem[TASK].nr_threads {
                return Err("task: users have more tasks than there are");
            }
            at = next;
        }
    }
    if processes != mem[TASK].nr_threads {
        return Err("task: a task counts for no user");
    }
    Ok(())
}
