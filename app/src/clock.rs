//! The current time, and a signal that advances while a page is open, so that displayed ages stay
//! current.

use std::time::Duration;

use leptos::prelude::*;
use model::Timestamp;

/// The current time.
#[cfg(target_arch = "wasm32")]
pub fn now() -> Timestamp {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "milliseconds since 1970 fit for ages"
    )]
    let now = js_sys::Date::now() as i64;
    Timestamp(now)
}

/// The current time.
#[cfg(not(target_arch = "wasm32"))]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// The current time as a signal in the context.
#[derive(Clone, Copy)]
pub struct Clock(RwSignal<Timestamp>);

impl Clock {
    /// Starts the clock. In the browser it advances every five seconds.
    pub fn provide() {
        let clock = RwSignal::new(now());
        provide_context(Self(clock));
        Effect::new(move |_| {
            let ticking =
                set_interval_with_handle(move || clock.set(now()), Duration::from_secs(5));
            if let Ok(ticking) = ticking {
                on_cleanup(move || ticking.clear());
            }
        });
    }

    /// The current time; tracked.
    pub fn read() -> Timestamp {
        use_context::<Self>().map_or_else(now, |clock| clock.0.get())
    }
}

/// A time relative to `now`, in the future or the past: `in a moment`, `in 5 min`, `in 3 h`, `in 59
/// days`, `2 days ago`.
pub fn format_relative(at: Timestamp, now: Timestamp) -> String {
    if at <= now {
        return at.format_age(now);
    }
    // Rounds down: 59 days and a few hours is not 60 days.
    let seconds = now.age_ms(at) / 1000;
    match seconds {
        ..60 => "in a moment".to_owned(),
        60..3600 => format!("in {} min", seconds / 60),
        3600..172_800 => format!("in {} h", seconds / 3600),
        _ => format!("in {} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::format_relative;

    #[test]
    fn future_and_past_times_use_the_same_format() {
        let now = Timestamp(1_000_000_000_000);
        let at = |seconds: i64| format_relative(Timestamp(now.0 + seconds * 1000), now);
        assert_eq!(at(0), "just now");
        assert_eq!(at(30), "in a moment");
        assert_eq!(at(60), "in 1 min");
        assert_eq!(at(3_599), "in 59 min");
        assert_eq!(at(172_799), "in 47 h");
        assert_eq!(at(172_800), "in 2 days");
        assert_eq!(at(60 * 86_400 - 1), "in 59 days");
        assert_eq!(at(-172_800), "2 days ago");
    }
}
