//! Chance that can be repeated: the domain has none of its own, the seed comes in with the question.

/// SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
/// Eight bytes of state, and more than random enough to draw days from a calendar.
pub(super) struct SplitMix64(u64);

impl SplitMix64 {
    /// Returns a generator; the same seed gives the same numbers for ever.
    pub(super) fn new(seed: u64) -> Self {
        SplitMix64(seed)
    }

    /// Returns the next number.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns one of some things, each as likely as any other but for a part in 2^64 for each thing;
    /// None if there are none.
    pub(super) fn choose<'a, T>(&mut self, things: &'a [T]) -> Option<&'a T> {
        let scaled = u128::from(self.next()) * things.len() as u128;
        things.get(usize::try_from(scaled >> 64).unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_reference() {
        let mut random = SplitMix64::new(1_234_567);
        let numbers: Vec<u64> = (0..3).map(|_| random.next()).collect();
        assert_eq!(
            numbers,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn every_thing_is_chosen_about_as_often() {
        let mut random = SplitMix64::new(1);
        let mut counts = [0_u32; 5];
        for _ in 0..50_000 {
            let chosen = random.choose(&[0_usize, 1, 2, 3, 4]).copied();
            counts[chosen.expect("there are five")] += 1;
        }
        assert!(
            counts.iter().all(|count| (9_500..=10_500).contains(count)),
            "{counts:?}"
        );
        assert_eq!(random.choose::<u8>(&[]), None);
    }
}
