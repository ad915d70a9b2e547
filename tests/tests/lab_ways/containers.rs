//! The labs about containers.

use super::{otherwise, wrong};

#[test]
fn one_hierarchy_done_wrongly() {
    wrong(
        "containers-hierarchy",
        &[
            // Only the process's first thread was moved.
            (
                "mail",
                &[("echo {{101 + k}}", "echo"), ("echo {{102 + k}}", "echo")],
            ),
            // Three numbers in one line.
            (
                "mail",
                &[
                    (
                        "echo {{100 + k}}",
                        "echo {{100 + k}} {{101 + k}} {{102 + k}} > /containers/mail/tasks",
                    ),
                    ("echo {{101 + k}}", "echo"),
                    ("echo {{102 + k}}", "echo"),
                ],
            ),
            // The third beside the other two, or its container beside theirs.
            (
                "web",
                &[(
                    "echo {{105 + k}}",
                    "echo {{105 + k}} > /containers/web/tasks",
                )],
            ),
            (
                "web",
                &[
                    (
                        "mkdir /containers/mail",
                        "mkdir /containers/mail /containers/web /containers/cgi /containers/batch \
                         /containers/night",
                    ),
                    (
                        "echo {{105 + k}}",
                        "echo {{105 + k}} > /containers/cgi/tasks",
                    ),
                ],
            ),
            (
                "busy",
                &[("rmdir", "mkdir /containers/new\nrmdir /containers/new")],
            ),
            // The program ran outside; for too short; for too long.
            ("time", &[("echo $$ > /containers/batch/tasks", "echo")]),
            ("time", &[("spin", "spin {{s - 1}}")]),
            ("time", &[("spin", "spin {{s + 1}}")]),
            // The shell, or what computes for ever, is still in it.
            ("left", &[("echo $$ > /containers/tasks", "echo")]),
            ("left", &[("spin", "spawn spin\nsleep {{s}}")]),
            // No agent; one that nobody may run; one that only talks; nobody wants it.
            ("agent", &[("echo /agent", "echo")]),
            ("agent", &[("chmod", "echo")]),
            ("agent", &[("echo 'rmdir", "echo 'print $1' > /agent")]),
            ("agent", &[("echo 1 > /containers/night", "echo")]),
            // The container was removed by hand.
            ("agent", &[("", "rmdir /containers/night")]),
            // Another subsystem, which counts nothing.
            (
                "mounted time",
                &[("mount", "mount -t container -o pids none /containers")],
            ),
        ],
    );
}

#[test]
fn one_hierarchy_done_otherwise() {
    otherwise(
        "containers-hierarchy",
        &[
            &[],
            // The file system's later name, and more subsystems.
            &[(
                "mount",
                "mount -t cgroup -o cpuacct,cpu,memory me /containers",
            )],
            &[(
                "mount",
                "mount -t cgroup -o cpuacct,release_agent=/agent none /containers",
            )],
            // By hand: started outside and moved in at once; computing twice.
            &[("spin", "spawn spin -- {{s}}\nsleep {{s}}\nsleep 1")],
            &[("spin", "spin 1\nspin {{s - 1}}")],
            &[
                (
                    "echo $$ > /containers/batch",
                    "spawn spin > /n\nread n < /n\necho $n > /containers/batch/tasks\nsleep {{s}}\n\
                 echo $n > /containers/tasks\nkill $n",
                ),
                ("spin", "echo"),
            ],
            // First wrong, then right.
            &[(
                "",
                "echo 1 > /containers/mail/tasks\necho 0 > /containers/tasks",
            )],
            &[(
                "spin",
                "spin 20\necho 0 > /containers/batch/cpuacct.usage\nspin {{s}}",
            )],
            // Started in the background, and caught before time passes.
            &[
                ("echo $$ > /containers/batch", "echo"),
                (
                    "spin",
                    "spin {{s}} &\necho $! > /containers/batch/tasks\nwait",
                ),
            ],
            // Directories where a check might write.
            &[("", "mkdir -p /x /tmp /y /n")],
            // In another place, with another name.
            &[
                (
                    "echo 'rmdir",
                    "mkdir /usr\necho 'print \"$1\"' > /usr/x\necho 'rmdir /containers$1' >> /usr/x",
                ),
                ("chmod", "chmod +x /usr/x"),
                ("echo /agent", "echo /usr/x > /containers/release_agent"),
            ],
            // Made under other names.
            &[(
                "mkdir /containers/mail",
                "mkdir /containers/post /containers/web /containers/web/cgi\n\
                 mkdir /containers/batch /containers/night\nmv /containers/post /containers/mail",
            )],
            &[("mkdir -p", "mkdir /containers\ncd /containers")],
        ],
    );
}

#[test]
fn shares_done_wrongly() {
    wrong(
        "containers-shares",
        &[
            // Shares were never set, or those of one container.
            (
                "web mail backup customers flood",
                &[
                    ("echo {{a * 100}} > web", "echo"),
                    ("echo {{b * 100}} > mail", "echo"),
                    ("echo {{(100 - a - b) * 100}} > backup", "echo"),
                ],
            ),
            ("customers", &[("echo 3072", "echo")]),
            (
                "customers",
                &[("echo 3072", "echo 4096 > web/anna/cpu.shares")],
            ),
            // Nothing computes in one of them, so the others have its part.
            (
                "web mail backup customers flood",
                &[("spawn spin count=2", "echo")],
            ),
            // Something computes outside.
            ("web mail backup customers flood", &[("", "spawn spin")]),
            // The customers beside web.
            (
                "web mail backup customers flood",
                &[
                    (
                        "mkdir web",
                        "mkdir web anna bert mail backup\nmkdir web/anna web/bert",
                    ),
                    ("echo 0 > web/anna/tasks", "echo 0 > anna/tasks"),
                    ("echo 0 > web/bert/tasks", "echo 0 > bert/tasks"),
                ],
            ),
            // A loose task in web competes with both customers, and with nobody else.
            (
                "customers",
                &[("", "echo 0 > web/tasks\nspawn spin\necho 0 > tasks")],
            ),
            // Done with nice instead: by numbers of tasks it would come out otherwise.
            (
                "customers",
                &[
                    ("echo 3072", "echo"),
                    (
                        "echo 0 > web/anna/tasks",
                        "echo 0 > web/anna/tasks\nspawn spin nice=-5",
                    ),
                ],
            ),
        ],
    );
}

#[test]
fn shares_done_otherwise() {
    otherwise(
        "containers-shares",
        &[
            &[],
            // Small weights, or ones to the thousand.
            &[
                ("echo {{a * 100}} > web", "echo {{a}} > web/cpu.shares"),
                ("echo {{b * 100}} > mail", "echo {{b}} > mail/cpu.shares"),
                (
                    "echo {{(100 - a - b) * 100}}",
                    "echo {{100 - a - b}} > backup/cpu.shares",
                ),
                ("echo 3072", "echo 768 > web/anna/cpu.shares"),
                ("echo 1024", "echo 256 > web/bert/cpu.shares"),
            ],
            // The later name; more programs; programs that are moved one by one.
            &[(
                "mount",
                "mount -t cgroup -o cpuacct,cpu,freezer none /containers/cpu",
            )],
            &[("spawn spin count=2", "spawn spin count=20")],
            &[(
                "spawn spin count=2",
                "echo 0 > tasks\nspin &\necho $! > backup/tasks\nspin &\necho $! > backup/tasks",
            )],
            // The containers of the handout are still there, and a task that only sleeps.
            &[(
                "mkdir web",
                "mkdir guests system web web/anna web/bert mail backup\n\
                 echo 9216 > guests/cpu.shares\nspawn sleep -- 1000",
            )],
            // A nice value that changes nothing, within bert's container.
            &[(
                "",
                "echo 0 > web/bert/tasks\nspawn spin nice=-10\necho 0 > tasks",
            )],
            // The customers' programs stopped and gone on with.
            &[("", "kill -STOP -1\nsleep 1\nkill -CONT -1")],
        ],
    );
}

#[test]
fn two_hierarchies_done_wrongly() {
    wrong(
        "containers-two",
        &[
            // The filter went where its parent went, in one tree or in the other.
            (
                "cpu",
                &[(
                    "echo {{101 + k}} > /containers/cpu",
                    "echo {{101 + k}} > /containers/cpu/system/tasks",
                )],
            ),
            (
                "mem",
                &[(
                    "echo {{101 + k}} > /containers/mem",
                    "echo {{101 + k}} > /containers/mem/rest/tasks",
                )],
            ),
            ("cpu", &[("", "echo 0 > /containers/cpu/guests/tasks")]),
            // Shares the wrong way round; none; somebody computes outside.
            (
                "shares",
                &[
                    ("echo 9216", "echo 1024 > /containers/cpu/guests/cpu.shares"),
                    (
                        "echo 1024 > /containers/cpu/system",
                        "echo 9216 > /containers/cpu/system/cpu.shares",
                    ),
                ],
            ),
            ("shares", &[("echo 9216", "echo")]),
            ("shares", &[("", "spawn spin")]),
            (
                "limit",
                &[(
                    "echo {{m}}M",
                    "echo {{m}} > /containers/mem/mail/memory.limit_in_bytes",
                )],
            ),
            (
                "limit",
                &[(
                    "echo {{m}}M",
                    "echo {{m}}000000 > /containers/mem/mail/memory.limit_in_bytes",
                )],
            ),
            // Stopped is not frozen; frozen before it was there; thawed again.
            ("frozen", &[("echo FROZEN", "kill -STOP {{103 + k}}")]),
            (
                "frozen",
                &[
                    (
                        "echo {{103 + k}} > /containers/freezer",
                        "echo FROZEN > /containers/freezer/night/freezer.state",
                    ),
                    (
                        "echo FROZEN",
                        "echo {{103 + k}} > /containers/freezer/night/tasks",
                    ),
                ],
            ),
            (
                "frozen",
                &[(
                    "",
                    "sleep 1\necho THAWED > /containers/freezer/night/freezer.state",
                )],
            ),
            (
                "busy",
                &[(
                    "mount -t container -o cpu,devices",
                    "mount -t container -o devices no /containers/no",
                )],
            ),
            // One tree with all of it: no second path, and no third.
            (
                "mem limit frozen",
                &[(
                    "mount -t container -o cpu,cpuacct",
                    "mount -t container -o cpu,cpuacct,memory,freezer all /containers/cpu",
                )],
            ),
        ],
    );
}

#[test]
fn two_hierarchies_done_otherwise() {
    otherwise(
        "containers-two",
        &[
            &[],
            &[(
                "mount -t container -o memory",
                "mount -t cgroup -o memory mem /containers/mem",
            )],
            &[(
                "mount -t container -o freezer",
                "mount -t container -o freezer,debug night /containers/freezer",
            )],
            // In the other order of mounting, and seen from a second place.
            &[
                ("mount -t container -o cpu,cpuacct", "echo"),
                (
                    "mount -t container -o freezer",
                    "mount -t container -o freezer night /containers/freezer\nmount -t container -o cpuacct,cpu cpu /containers/cpu",
                ),
            ],
            &[(
                "",
                "mkdir /again\nmount -t container -o cpu,cpuacct x /again\necho 5120 > /again/system/cpu.shares\necho 46080 > /again/guests/cpu.shares",
            )],
            &[(
                "echo {{m}}M",
                "echo {{m * 1048576}} > /containers/mem/mail/memory.limit_in_bytes",
            )],
            &[(
                "echo {{m}}M",
                "echo {{m * 1024}}k > /containers/mem/mail/memory.limit_in_bytes",
            )],
            // All asked for at last, and refused.
            &[(
                "mount -t container -o cpu,devices",
                "mount -t container none /containers/no",
            )],
            &[("", "sleep 5\ncat /containers/freezer/night/freezer.state")],
        ],
    );
}

#[test]
fn cpusets_done_wrongly() {
    wrong(
        "containers-cpusets",
        &[
            // Nothing is mounted, so all of it is plain files, and taskset has its way.
            ("web db own log refused", &[("mount", "echo")]),
            // No memory for a set, so nobody could come in.
            ("web", &[("echo 0 > /dev/cpuset/web/mems", "echo")]),
            (
                "web",
                &[("echo 0-{{w}}", "echo 0,{{w + 1}} > /dev/cpuset/web/cpus")],
            ),
            ("web", &[("echo {{101 + k}}", "echo")]),
            (
                "db",
                &[(
                    "echo 1 > /dev/cpuset/db/mems",
                    "echo 0-1 > /dev/cpuset/db/mems",
                )],
            ),
            // The logger or the shell besides.
            (
                "db log",
                &[(
                    "echo {{103 + k}}",
                    "echo {{103 + k}} > /dev/cpuset/db/tasks",
                )],
            ),
            ("db", &[("", "echo 0 > /dev/cpuset/db/tasks")]),
            ("own", &[("echo 1 > /dev/cpuset/db/cpu_exclusive", "echo")]),
            (
                "own",
                &[(
                    "echo 1 > /dev/cpuset/db/cpu_exclusive",
                    "echo 1 > /dev/cpuset/web/cpu_exclusive",
                )],
            ),
            (
                "own",
                &[(
                    "echo 1 > /dev/cpuset/db/cpu_exclusive",
                    "echo 1 > /dev/cpuset/db/mem_exclusive",
                )],
            ),
            // The log beside the database.
            (
                "own log",
                &[
                    ("mkdir /dev/cpuset/db/log", "mkdir /dev/cpuset/log"),
                    ("echo {{d + 1}} >", "echo {{d + 1}} > /dev/cpuset/log/cpus"),
                    (
                        "echo 1 > /dev/cpuset/db/log",
                        "echo 1 > /dev/cpuset/log/mems",
                    ),
                    (
                        "echo {{103 + k}}",
                        "echo {{103 + k}} > /dev/cpuset/log/tasks",
                    ),
                    ("echo 1 > /dev/cpuset/db/cpu_exclusive", "echo"),
                ],
            ),
            // Never pinned; pinned to both; pinned, and then the set was written again.
            ("pinned", &[("taskset -pc {{d}}", "echo")]),
            (
                "pinned",
                &[("taskset -pc {{d}}", "taskset -pc {{d + 1}} {{102 + k}}")],
            ),
            (
                "pinned",
                &[("", "echo {{d}}-{{d + 1}} > /dev/cpuset/db/cpus")],
            ),
            (
                "pinned",
                &[
                    (
                        "echo {{102 + k}}",
                        "taskset -pc {{d}} {{102 + k}}\necho {{102 + k}} > /dev/cpuset/db/tasks",
                    ),
                    ("taskset -pc {{d}}", "taskset -pc 0 {{102 + k}}"),
                ],
            ),
            ("refused", &[("taskset -pc 0", "echo")]),
        ],
    );
}

#[test]
fn cpusets_done_otherwise() {
    otherwise(
        "containers-cpusets",
        &[
            &[],
            // The file system of their own that cpusets had before.
            &[("mount", "mount -t cpuset none /dev/cpuset")],
            &[(
                "mount",
                "mount -t cgroup -o cpuset,noprefix none /dev/cpuset",
            )],
            // Pinned in other words; exclusive memory and other sets besides.
            &[("taskset -pc {{d}}", "taskset -p -c {{d}} {{102 + k}}")],
            &[("taskset -pc {{d}}", "taskset -pc 0-{{d}} {{102 + k}}")],
            &[(
                "",
                "echo 1 > /dev/cpuset/db/mem_exclusive\nmkdir /dev/cpuset/rest\necho 0 > /dev/cpuset/rest/cpus",
            )],
            &[(
                "echo 0-{{w}}",
                "echo 0-3 > /dev/cpuset/web/cpus\necho 0-{{w}} > /dev/cpuset/web/cpus",
            )],
            // Refused where the task had no set yet: a CPU that there is not.
            &[("taskset -pc 0", "taskset -pc 9 {{102 + k}}")],
        ],
    );
}
