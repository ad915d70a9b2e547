//! The programs of `/bin`, as they stand in `bin/`.

/// Names and texts, by name.
pub const PROGRAMS: &[(&str, &str)] = &[
    ("cat", include_str!("bin/cat")),
    ("cow", include_str!("bin/cow")),
    ("echo", include_str!("bin/echo")),
    ("false", include_str!("bin/false")),
    ("forkbomb", include_str!("bin/forkbomb")),
    ("hoard", include_str!("bin/hoard")),
    ("memhog", include_str!("bin/memhog")),
    ("reader", include_str!("bin/reader")),
    ("rescue", include_str!("bin/rescue")),
    ("segv", include_str!("bin/segv")),
    ("server", include_str!("bin/server")),
    ("sh", include_str!("bin/sh")),
    ("sleep", include_str!("bin/sleep")),
    ("spin", include_str!("bin/spin")),
    ("stubborn", include_str!("bin/stubborn")),
    ("threads", include_str!("bin/threads")),
    ("true", include_str!("bin/true")),
    ("writer", include_str!("bin/writer")),
    ("yes", include_str!("bin/yes")),
];
