//! Who a task is, and what it may do: user and group ids, capabilities.

use bytemuck::{Pod, Zeroable};

use crate::btf::{Kind, describe};

/// A capability: one of root's powers (`linux/capability.h`, numbers of 2.6.24).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Capability {
    /// Change owners of files.
    Chown = 0,
    /// Read, write and search whatever the permission bits say.
    DacOverride = 1,
    /// Read files and search directories whatever the permission bits say.
    DacReadSearch = 2,
    /// Do to any file what only its owner may.
    Fowner = 3,
    /// Keep and set the bits that lend out a group.
    Fsetid = 4,
    /// Send signals to anybody.
    Kill = 5,
    /// Become any user.
    Setuid = 7,
    /// Lock memory and exceed limits of it.
    IpcLock = 14,
    /// Talk to devices directly; the OOM killer spares such tasks.
    SysRawio = 17,
    /// Mount, configure, administer.
    SysAdmin = 21,
    /// Raise priorities, set affinities of others.
    SysNice = 23,
    /// Exceed resource limits; lower `oom_adj`.
    SysResource = 24,
    /// Make device nodes.
    Mknod = 27,
}

/// Names of the capabilities of 2.6.24 in the order of their numbers, without `CAP_`.
pub const CAPABILITIES: [&str; 32] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
];

/// Every capability of 2.6.24, 0 to 31.
pub const CAP_FULL: u64 = 0xffff_ffff;

/// A task's ids and capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Cred {
    /// Real user.
    pub uid: u32,
    /// Effective user: whose rights the task has.
    pub euid: u32,
    /// Saved user, to which it may return.
    pub suid: u32,
    /// User for the file system; follows `euid`.
    pub fsuid: u32,
    /// Real group.
    pub gid: u32,
    /// Effective group.
    pub egid: u32,
    /// Saved group.
    pub sgid: u32,
    /// Group for the file system; follows `egid`.
    pub fsgid: u32,
    /// Capabilities that count now, a bit each.
    pub effective: u64,
    /// Those that it may make count.
    pub permitted: u64,
    /// Those that survive `exec`.
    pub inheritable: u64,
}

describe!(
    Cred,
    "cred",
    [
        uid, euid, suid, fsuid, gid, egid, sgid, fsgid,
        effective: Kind::Hex,
        permitted: Kind::Hex,
        inheritable: Kind::Hex,
    ]
);

impl Cred {
    /// The ids of user and group `id`; root has all capabilities, others none.
    pub fn of_user(id: u32) -> Cred {
        let caps = if id == 0 { CAP_FULL } else { 0 };
        Cred {
            uid: id,
            euid: id,
            suid: id,
            fsuid: id,
            gid: id,
            egid: id,
            sgid: id,
            fsgid: id,
            effective: caps,
            permitted: caps,
            inheritable: 0,
        }
    }

    /// Whether it has a capability (`capable`).
    pub fn has(&self, capability: Capability) -> bool {
        self.effective >> capability as u32 & 1 != 0
    }
}
