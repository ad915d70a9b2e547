//! The labs about the OOM killer.

use super::{otherwise, wrong};

#[test]
fn scores_done_wrongly() {
    wrong(
        "oom-score",
        &[
            // The wrong way round; protected by a low score only.
            (
                "first second third never seen",
                &[("echo -17", "echo 1 > /proc/{{100 + k}}/oom_adj")],
            ),
            (
                "never",
                &[("echo -17", "echo -6 > /proc/{{100 + k}}/oom_adj")],
            ),
            // The game is hidden below the editor, or below all.
            ("first", &[("echo 4", "echo")]),
            (
                "first",
                &[("echo 4", "echo -17 > /proc/{{101 + k}}/oom_adj")],
            ),
            // The editor still before the backup; after the daemons.
            ("second", &[("echo -3", "echo")]),
            (
                "third",
                &[("echo -3", "echo -6 > /proc/{{103 + k}}/oom_adj")],
            ),
            // Somebody else is in the way.
            ("first second third", &[("", "spawn hog uid=500 vm=900M")]),
        ],
    );
}

#[test]
fn scores_done_otherwise() {
    otherwise(
        "oom-score",
        &[
            &[],
            &[("echo 4", "echo 15 > /proc/{{101 + k}}/oom_adj")],
            // The backup is moved, not the editor.
            &[
                ("echo 4", "echo 5 > /proc/{{101 + k}}/oom_adj"),
                ("echo -3", "echo 3 > /proc/{{102 + k}}/oom_adj"),
            ],
            &[(
                "echo -3",
                "echo -17 > /proc/{{103 + k}}/oom_adj\necho -3 > /proc/{{103 + k}}/oom_adj",
            )],
        ],
    );
}

#[test]
fn a_server_done_wrongly() {
    wrong(
        "oom-server",
        &[
            ("leak cache", &[("echo -2", "echo")]),
            // Too much: what is born of it can never be killed.
            (
                "later",
                &[("echo -2", "echo -17 > /proc/{{100 + k}}/oom_adj")],
            ),
            // The workers are dealt with instead of the server.
            (
                "leak cache",
                &[("echo -2", "echo -2 > /proc/{{102 + k}}/oom_adj")],
            ),
        ],
    );
}

#[test]
fn a_server_done_otherwise() {
    otherwise(
        "oom-server",
        &[
            &[],
            &[("echo -2", "echo -3 > /proc/{{100 + k}}/oom_adj")],
            // The others are raised, not the server lowered.
            &[(
                "echo -2",
                "echo 4 > /proc/{{102 + k + w}}/oom_adj\necho 3 > /proc/{{101 + k}}/oom_adj\n\
                 echo -2 > /proc/{{100 + k}}/oom_adj\necho 0 > /proc/{{101 + k}}/oom_adj",
            )],
        ],
    );
}

#[test]
fn lambs_done_wrongly() {
    wrong(
        "oom-lambs",
        &[
            (
                "mounted first next never level",
                &[("mount", "mount -t cgroup -o pids none /mnt/oom-killer")],
            ),
            // Another number for lambs; none.
            (
                "level",
                &[("echo {{p}}", "echo {{p + 1}} > lambs/oom.priority")],
            ),
            ("first level", &[("echo {{p}}", "echo")]),
            // Both in one group: the larger goes first.
            (
                "first",
                &[("echo {{102 + k}}", "echo {{102 + k}} > lambs/tasks")],
            ),
            ("next", &[("echo {{102 + k}}", "echo")]),
            // Before the crawler.
            (
                "first",
                &[("echo 256", "echo {{p + 1}} > sheep/oom.priority")],
            ),
            ("never", &[("echo 0 >", "echo")]),
            // All are out of it.
            ("mounted never", &[("", "echo 0 > oom.priority")]),
        ],
    );
}

#[test]
fn lambs_done_otherwise() {
    otherwise(
        "oom-lambs",
        &[
            &[],
            // Groups within groups; the shell's directory elsewhere.
            &[
                ("mkdir sheep", "mkdir lambs/sheep"),
                ("echo 256", "echo 2 > lambs/sheep/oom.priority"),
                ("echo {{102 + k}}", "echo {{102 + k}} > lambs/sheep/tasks"),
            ],
            &[("echo 256", "echo {{p - 1}} > sheep/oom.priority")],
            // The ledger by its own number; its children inherit that too.
            &[("echo {{100 + k}}", "echo -17 > /proc/{{100 + k}}/oom_adj")],
        ],
    );
}

#[test]
fn cpusets_and_priorities_done_wrongly() {
    wrong(
        "oom-cpusets",
        &[
            ("right both", &[("mount", "echo")]),
            ("policy right", &[("echo priority_cpuset", "echo")]),
            (
                "policy right both",
                &[(
                    "echo priority_cpuset",
                    "echo badness > /proc/sys/vm/oom_policy",
                )],
            ),
            ("right both", &[("echo {{103 + k}}", "echo")]),
            ("lamb both", &[("echo {{100 + k}}", "echo")]),
            // mail before thumbs, where both have memory.
            (
                "both",
                &[("echo 100", "echo 300 > /mnt/oom-killer/sheep/oom.priority")],
            ),
        ],
    );
}

#[test]
fn cpusets_and_priorities_done_otherwise() {
    otherwise(
        "oom-cpusets",
        &[
            &[],
            &[("echo 100", "echo 2 > /mnt/oom-killer/sheep/oom.priority")],
        ],
    );
}
