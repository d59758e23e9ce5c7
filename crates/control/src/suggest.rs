//! Suggests names for containers: short, pronounceable and distinct.

use model::names::Label;
use rand::seq::IndexedRandom as _;

const FIRST: [&str; 32] = [
    "amber", "brave", "brisk", "calm", "clear", "coral", "crisp", "dawn", "deep", "early", "fair",
    "fern", "fresh", "gentle", "green", "keen", "kind", "light", "lucky", "mild", "misty", "neat",
    "plain", "quick", "quiet", "rapid", "silver", "steady", "still", "sunny", "swift", "warm",
];
const SECOND: [&str; 32] = [
    "anchor", "badger", "beacon", "birch", "brook", "cedar", "cliff", "cove", "crane", "delta",
    "falcon", "finch", "grove", "harbor", "heron", "island", "lark", "maple", "meadow", "otter",
    "pebble", "pier", "pine", "reef", "ridge", "river", "robin", "shore", "spruce", "tern",
    "valley", "willow",
];

/// A name such as `calm-otter` that is not `taken`. Later attempts append a number so that a free
/// name is always found.
pub(crate) fn name(taken: impl Fn(&Label) -> bool) -> Option<Label> {
    let mut rng = rand::rng();
    (0..64).find_map(|attempt| {
        let (first, second) = (FIRST.choose(&mut rng)?, SECOND.choose(&mut rng)?);
        let number = if attempt < 8 {
            String::new()
        } else {
            format!("-{}", rand::random::<u16>())
        };
        let label: Label = format!("{first}-{second}{number}").parse().ok()?;
        (!taken(&label)).then_some(label)
    })
}
