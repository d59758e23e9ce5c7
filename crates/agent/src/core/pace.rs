//! The pace of effects. A restart of a program interrupts all its clients, so that frequent changes
//! of one user must not cause as many restarts. While an effect waits, the manager collects later
//! changes into one configuration.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// Spaces effects of one kind by a minimum interval.
#[derive(Debug)]
pub struct Pace<E> {
    min_interval: fn(E) -> Duration,
    last: BTreeMap<E, Instant>,
}

impl<E: Copy + Ord> Pace<E> {
    /// Spaces effects by these intervals.
    pub fn new(min_interval: fn(E) -> Duration) -> Self {
        Self {
            min_interval,
            last: BTreeMap::new(),
        }
    }

    /// Waits until all these effects may be performed: immediately for the first ones after a quiet
    /// period.
    pub async fn wait(&self, effects: &BTreeSet<E>) {
        let times = effects.iter().filter_map(|effect| {
            let last = self.last.get(effect)?;
            Some(*last + (self.min_interval)(*effect))
        });
        if let Some(at) = times.max() {
            sleep_until(at).await;
        }
    }

    /// Records that an effect was performed.
    pub fn record(&mut self, effect: E) {
        self.last.insert(effect, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: u8 = 1;
    const SECOND: u8 = 2;

    async fn waited(pace: &mut Pace<u8>, effects: &[u8]) -> u64 {
        let began = Instant::now();
        pace.wait(&effects.iter().copied().collect()).await;
        for effect in effects {
            pace.record(*effect);
        }
        began.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn effects_of_one_kind_are_spaced_and_the_first_is_immediate() {
        let mut pace = Pace::new(|effect: u8| Duration::from_secs(u64::from(effect) * 2));
        assert_eq!(waited(&mut pace, &[FIRST]).await, 0);
        assert_eq!(waited(&mut pace, &[SECOND]).await, 0);
        assert_eq!(waited(&mut pace, &[FIRST]).await, 2);
        assert_eq!(waited(&mut pace, &[FIRST, SECOND]).await, 2);
        assert_eq!(waited(&mut pace, &[FIRST, SECOND]).await, 4);
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(waited(&mut pace, &[FIRST, SECOND]).await, 0);
    }
}
