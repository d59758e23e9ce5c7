//! The waits between the attempts of something that is retried.

use std::time::Duration;

/// A wait that doubles with each attempt, up to a maximum.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    next: Duration,
    max: Duration,
}

impl Backoff {
    /// Begins with the wait `first`.
    pub const fn new(first: Duration, max: Duration) -> Self {
        let next = first;
        Self { first, next, max }
    }

    /// The next wait.
    pub fn wait(&self) -> Duration {
        self.next
    }

    /// Returns the next wait, and doubles the one after it.
    pub fn advance(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(self.max);
        wait
    }

    /// Begins with the first wait again.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_doubles_up_to_the_maximum() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(5));
        let waits = |backoff: &mut Backoff| [(); 4].map(|()| backoff.advance().as_secs());
        assert_eq!(waits(&mut backoff), [1, 2, 4, 5]);
        assert_eq!(backoff.wait(), Duration::from_secs(5));
        backoff.reset();
        assert_eq!(waits(&mut backoff), [1, 2, 4, 5]);
    }
}
