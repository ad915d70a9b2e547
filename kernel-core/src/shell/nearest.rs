//! What somebody meant who mistyped a name.

/// The longest name that is looked at; commands are shorter.
const NAME_MAX: usize = 24;

/// The name that is most like `typed`, the first of several; none if all are too different to be meant:
/// a letter apart up to five letters, two from six on, and never in a word of one or two.
pub(super) fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = match typed.len() {
        0..=2 => return None,
        3..=5 => 1,
        _ => 2,
    };
    let apart = names.filter_map(|name| Some((distance(typed, name)?, name)));
    let near = apart.min_by_key(|&(distance, _)| distance);
    near.filter(|&(distance, _)| distance <= allowed)
        .map(|(_, name)| name)
}

/// How many letters were left out, added, taken for others, or changed places with their neighbours.
fn distance(typed: &str, name: &str) -> Option<u8> {
    let (typed, name) = (typed.as_bytes(), name.as_bytes());
    if typed.len() > NAME_MAX || name.len() > NAME_MAX {
        return None;
    }
    // Rows of the table of all beginnings: the one before the last, the last, and this one.
    let mut rows = [[0_u8; NAME_MAX + 1]; 3];
    for (column, cell) in rows[1].iter_mut().enumerate() {
        *cell = column as u8;
    }
    for (at, &letter) in typed.iter().enumerate() {
        rows[2][0] = at as u8 + 1;
        for (column, &other) in name.iter().enumerate() {
            let other_letter = u8::from(letter != other);
            let mut best = rows[1][column] + other_letter;
            best = best.min(rows[1][column + 1] + 1).min(rows[2][column] + 1);
            let changed_places =
                at > 0 && column > 0 && letter == name[column - 1] && typed[at - 1] == other;
            if changed_places {
                best = best.min(rows[0][column - 1] + 1);
            }
            rows[2][column + 1] = best;
        }
        rows.rotate_left(1);
    }
    Some(rows[1][name.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_is_recognised_and_a_strange_one_is_not() {
        let names = ["cat", "kmem", "mount", "radix", "umount", "slabtop"];
        for (typed, meant) in [
            ("rdaix", Some("radix")),
            ("radixx", Some("radix")),
            ("adix", Some("radix")),
            ("raxid", None),
            ("moutn", Some("mount")),
            ("mounts", Some("mount")),
            ("unmount", Some("umount")),
            ("slaptop", Some("slabtop")),
            ("ct", None),
            ("cta", Some("cat")),
            ("foo", None),
            ("nonsense", None),
            ("", None),
            ("a-word-that-is-longer-than-any-name-there-is", None),
        ] {
            assert_eq!(nearest(typed, names.into_iter()), meant, "{typed}");
        }
        // The nearest, not the first that is near enough.
        assert_eq!(nearest("umoutn", names.into_iter()), Some("umount"));
    }
}
