//! Tells numbers that came before from new ones, mostly without comparing.
//!
//! The checks ask of thousands of addresses whether one of them stands twice, after every line of a
//! random log, and have no memory to sort in. A [`Sieve`] keeps a bit for every number it was shown. A
//! number whose bit is not set is new; only of the others, few if the sieve is large enough, does
//! somebody have to find out whether they are the same number or merely have the same bit.

/// Bits in a sieve, as a power of two: 4 kB.
const BITS: u32 = 15;
/// Spreads neighbours over the bits: 2^32 divided by the golden ratio.
const SPREAD: u32 = 0x9e37_79b9;

/// A set of numbers that may take one for a member that is none, and never the other way round.
pub(super) struct Sieve {
    words: [u64; 1 << (BITS - 6)],
}

impl Sieve {
    /// The empty one.
    pub(super) fn new() -> Sieve {
        Sieve {
            words: [0; 1 << (BITS - 6)],
        }
    }

    /// Adds a number. Returns whether it may have been there before.
    pub(super) fn add(&mut self, number: u32) -> bool {
        let (word, bit) = place(number);
        let may_be_there = self.words[word] & bit != 0;
        self.words[word] |= bit;
        may_be_there
    }
}

/// The word and the bit in it of a number.
fn place(number: u32) -> (usize, u64) {
    let place = number.wrapping_mul(SPREAD) >> (u32::BITS - BITS);
    (place as usize / 64, 1 << (place % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_before_is_never_missed_and_little_is_mistaken_for_it() {
        // Objects of 64 bytes side by side, as units.
        let mut sieve = Sieve::new();
        let objects = || (0..2000).map(|index| 0x1_2340 + 8 * index);
        let mistaken = objects().filter(|&object| sieve.add(object)).count();
        assert!(mistaken < 100, "{mistaken}");
        assert!(objects().all(|object| sieve.add(object)));
    }
}
