//! Figures recorded on a machine of this class (AMD EPYC, two shared cores, one used; medians).
//!
//! "Linux" is the kernel's own C compiled into a process, with a bump-and-free-list slab under it.

/// Linux as its distributors build it.
pub const LINUX_O2: &str = "Linux 2.6.28 -O2";
/// The same with -O3, link-time optimisation and the recording machine's own instructions.
pub const LINUX_O3: &str = "Linux 2.6.28 -O3 LTO native";

/// Times in the order of `OPS`; below 0 stands for none.
type Times = [f64; 11];

/// Structure, workload, keys, nanoseconds.
const TIMES: [(&str, &str, usize, Times); 20] = [
    (
        LINUX_O2,
        "seq",
        1_000_000,
        [8.8, 4.3, 12.7, 43.0, 2.2, 10.1, 7.5, 2.2, 115.6, 7.8, 21.1],
    ),
    (
        LINUX_O3,
        "seq",
        1_000_000,
        [7.7, 3.8, 8.2, 33.1, 1.7, 8.5, 6.6, 2.1, 102.5, 8.6, 18.7],
    ),
    (
        "BTreeMap",
        "seq",
        1_000_000,
        [
            71.2, 60.4, 319.6, 348.4, 37.0, 126.4, 19.6, 25.9, 213.8, 31.7, 283.2,
        ],
    ),
    (
        "hashbrown, foldhash",
        "seq",
        1_000_000,
        [
            53.0, 20.5, 20.2, 163.5, 7.8, -1.0, -1.0, -1.0, -1.0, 29.6, 29.8,
        ],
    ),
    (
        "hashbrown, fxhash",
        "seq",
        1_000_000,
        [
            24.2, 17.5, 21.3, 152.9, 2.7, -1.0, -1.0, -1.0, -1.0, 23.2, 26.2,
        ],
    ),
    (
        "xarray crate",
        "seq",
        1_000_000,
        [
            33.9, 20.5, 58.1, 109.4, 21.1, 35.0, 34.3, 6.5, 391.4, 37.6, 88.7,
        ],
    ),
    (
        LINUX_O2,
        "shuf",
        100_000,
        [7.7, 3.9, 4.0, 13.1, 1.9, 7.3, 8.1, 2.0, 77.2, 7.9, 7.8],
    ),
    (
        LINUX_O3,
        "shuf",
        100_000,
        [7.3, 3.6, 3.6, 13.0, 1.5, 6.3, 7.3, 2.0, 74.8, 8.7, 8.8],
    ),
    (
        "BTreeMap",
        "shuf",
        100_000,
        [
            94.0, 89.8, 90.1, 94.2, 29.0, 197.2, 92.8, 10.0, 78.6, 107.0, 107.2,
        ],
    ),
    (
        "hashbrown, foldhash",
        "shuf",
        100_000,
        [16.9, 4.3, 4.4, 23.6, 7.0, -1.0, -1.0, -1.0, -1.0, 6.4, 11.8],
    ),
    (
        "hashbrown, fxhash",
        "shuf",
        100_000,
        [14.4, 3.3, 3.7, 23.0, 6.0, -1.0, -1.0, -1.0, -1.0, 5.7, 5.9],
    ),
    (
        "xarray crate",
        "shuf",
        100_000,
        [
            34.0, 22.5, 22.6, 34.4, 20.7, 33.0, 32.3, 6.3, 365.2, 36.7, 35.5,
        ],
    ),
    (
        LINUX_O2,
        "shuf",
        1_000_000,
        [
            18.8, 8.6, 7.8, 37.4, 2.2, 17.5, 15.3, 9.6, 100.1, 17.9, 18.9,
        ],
    ),
    (
        LINUX_O3,
        "shuf",
        1_000_000,
        [13.8, 7.2, 7.1, 34.8, 1.7, 14.2, 12.3, 7.2, 97.6, 14.9, 15.4],
    ),
    (
        "BTreeMap",
        "shuf",
        1_000_000,
        [
            208.4, 272.5, 274.8, 291.9, 29.8, 622.6, 176.3, 28.8, 224.2, 249.2, 260.2,
        ],
    ),
    (
        "hashbrown, foldhash",
        "shuf",
        1_000_000,
        [
            57.2, 20.7, 20.3, 147.9, 7.5, -1.0, -1.0, -1.0, -1.0, 29.3, 28.4,
        ],
    ),
    (
        "hashbrown, fxhash",
        "shuf",
        1_000_000,
        [
            28.6, 17.7, 19.9, 145.9, 2.5, -1.0, -1.0, -1.0, -1.0, 30.0, 26.5,
        ],
    ),
    (
        "xarray crate",
        "shuf",
        1_000_000,
        [
            73.5, 67.4, 51.5, 104.2, 20.9, 85.8, 73.9, 13.4, 412.9, 74.7, 84.5,
        ],
    ),
    (
        LINUX_O2,
        "shuf",
        10_000_000,
        [
            67.0, 38.1, 37.5, 170.6, 4.8, 67.0, 52.1, 15.3, 226.9, 66.3, 66.7,
        ],
    ),
    (
        LINUX_O2,
        "rand32",
        100_000,
        [
            255.6, 110.8, 102.5, 362.9, 34.3, 205.3, 232.1, 467.7, 389.5, 243.8, 241.7,
        ],
    ),
];

/// What was recorded for a structure and a workload.
pub fn times(structure: &str, workload: &str, keys: usize) -> Option<[Option<f64>; 11]> {
    let (.., times) = TIMES
        .iter()
        .find(|row| row.0 == structure && row.1 == workload && row.2 == keys)?;
    Some(times.map(|time| (time >= 0.0).then_some(time)))
}

/// Instructions an insertion, a lookup, an item found by its tag (1 % tagged).
pub const INSTRUCTIONS: [(&str, [f64; 2], Option<f64>); 6] = [
    (LINUX_O2, [104.0, 52.0], Some(550.0)),
    ("Linux 6.1 radix tree", [144.0, 93.0], Some(200.0)),
    ("Linux 6.1 XArray", [325.0, 124.0], None),
    ("BTreeMap", [408.0, 297.0], None),
    ("hashbrown, fxhash", [109.0, 35.0], None),
    ("xarray crate", [382.0, 210.0], None),
];

/// Bytes an entry: 100,000 and 1,000,000 shuffled keys, 100,000 random ones.
pub const BYTES: [(&str, [Option<f64>; 3]); 5] = [
    (LINUX_O2, [Some(8.8), Some(8.8), Some(1170.6)]),
    ("Linux 6.1 radix tree", [Some(9.2), Some(9.1), Some(1221.5)]),
    ("BTreeMap", [Some(26.9), Some(27.1), Some(27.2)]),
    ("hashbrown", [Some(22.3), Some(35.6), Some(22.3)]),
    ("xarray crate", [Some(8.9), Some(8.9), Some(1187.5)]),
];
