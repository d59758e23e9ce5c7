//! The present moment, and a signal of it that moves while a page is open, so that ages stay true.

use std::time::Duration;

use leptos::prelude::*;
use model::Timestamp;

/// Now.
#[cfg(target_arch = "wasm32")]
pub fn now() -> Timestamp {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "milliseconds since 1970 fit for ages"
    )]
    let now = js_sys::Date::now() as i64;
    Timestamp(now)
}

/// Now.
#[cfg(not(target_arch = "wasm32"))]
pub fn now() -> Timestamp {
    use std::time::{SystemTime, UNIX_EPOCH};
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The moving present, shared by the whole page.
#[derive(Clone, Copy)]
pub struct Clock(RwSignal<Timestamp>);

impl Clock {
    /// Starts the clock; in the browser it moves every five seconds.
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

    /// The present moment; tracked.
    pub fn read() -> Timestamp {
        use_context::<Self>().map_or_else(now, |clock| clock.0.get())
    }
}
