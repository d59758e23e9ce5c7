//! Change notifications: the browser's event stream (see `public/events.js`) and signals that
//! advance when displayed objects have changed.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use leptos::{ev, prelude::*};
use model::events::Event;
use wasm_bindgen::JsCast as _;

/// The last change notification.
#[derive(Clone, Debug, Default)]
enum Notification {
    /// No notification yet.
    #[default]
    None,
    /// These objects changed.
    Changed(Vec<Event>),
    /// Any object may have changed.
    Anything,
}

/// The state of the event stream in the context.
#[derive(Clone, Copy)]
pub struct Live {
    notification: RwSignal<Notification>,
    is_disconnected: RwSignal<bool>,
    is_signing_out: StoredValue<bool>,
    /// Whether the object of the current page is being renamed or deleted from this page.
    is_changing: StoredValue<bool>,
}

impl Live {
    /// Adds the stream to the context. It is idle until [`Live::listen`] is called.
    pub fn provide() {
        provide_context(Self {
            notification: RwSignal::default(),
            is_disconnected: RwSignal::new(false),
            is_signing_out: StoredValue::new(false),
            is_changing: StoredValue::new(false),
        });
    }

    /// Stops notifications because the session ends; requests would be refused from now on.
    pub fn begin_sign_out(self) {
        self.is_signing_out.set_value(true);
    }

    /// Marks the object of the page as being renamed or deleted. The page stops refreshing, because
    /// its URL may lead to no object before the user leaves the page.
    pub fn begin_change(self) {
        self.is_changing.set_value(true);
    }

    /// Clears the mark when the page leads to the object again, or was closed.
    pub fn end_change(self) {
        self.is_changing.try_set_value(false);
    }

    /// Clears the mark if the URL of the page still leads to the object, and makes up for the
    /// skipped refreshes.
    pub fn resume_refreshes(self) {
        self.end_change();
        self.notification.try_set(Notification::Anything);
    }

    /// Whether the object of the page is being renamed or deleted from this page.
    pub fn is_changing() -> bool {
        use_context::<Self>().is_some_and(|live| live.is_changing.get_value())
    }

    /// Resolves to `response` unless the object of the page is being renamed or deleted; in that
    /// case it never resolves, because later requests of the same load would fail with `NotFound`.
    pub async fn unless_changing<T>(response: impl Future<Output = T>, live: Option<Self>) -> T {
        let mut response = pin!(response);
        poll_fn(|context| match live {
            Some(live) if live.is_changing.try_get_value() == Some(true) => Poll::Pending,
            _ => response.as_mut().poll(context),
        })
        .await
    }

    /// Whether the event stream is disconnected; tracked.
    pub fn is_disconnected() -> bool {
        use_context::<Self>().is_some_and(|live| live.is_disconnected.get())
    }

    /// Connects to the event stream. Browser only, after sign-in.
    pub fn listen() {
        let Some(live) = use_context::<Self>() else {
            return;
        };
        let events = window_event_listener(ev::Custom::new("holdfast-events"), move |event| {
            if let Some(changed) =
                detail(&event).and_then(|text| serde_json::from_slice(text.as_bytes()).ok())
            {
                live.notification.set(Notification::Changed(changed));
            }
        });
        let link = window_event_listener(ev::Custom::new("holdfast-link"), move |event| {
            match detail(&event).as_deref() {
                Some("up") => live.is_disconnected.set(false),
                Some("down") => live.is_disconnected.set(true),
                // The page is older than the first event in the stream's buffer.
                _ => live.notification.set(Notification::Anything),
            }
        });
        on_cleanup(move || {
            events.remove();
            link.remove();
        });
        if let Ok(ready) = web_sys::Event::new("holdfast-listen") {
            let _ = window().dispatch_event(&ready);
        }
    }

    /// A counter that grows when one of `interests` has changed. An interest without an id matches
    /// every object of that kind.
    pub fn watch(interests: Signal<Vec<Event>>) -> Signal<u32> {
        let version = RwSignal::new(0);
        if let Some(live) = use_context::<Self>() {
            Effect::new(move |before: Option<()>| {
                let has_changed = !live.is_signing_out.get_value()
                    && live.notification.with(|notification| match notification {
                        Notification::None => false,
                        Notification::Anything => true,
                        Notification::Changed(events) => {
                            interests.with_untracked(|interests| matches_any(events, interests))
                        }
                    });
                // Notifications from before this view was rendered are already in its data.
                if has_changed && before.is_some() {
                    version.update(|version| *version += 1);
                }
            });
        }
        version.into()
    }
}

fn detail(event: &web_sys::Event) -> Option<String> {
    event
        .dyn_ref::<web_sys::CustomEvent>()?
        .detail()
        .as_string()
}

fn matches_any(events: &[Event], interests: &[Event]) -> bool {
    events.iter().any(|event| {
        interests.iter().any(|interest| {
            event.topic == interest.topic
                && (event.id.is_none() || interest.id.is_none() || event.id == interest.id)
        })
    })
}

#[cfg(test)]
mod tests {
    use model::events::{Event, Topic};

    use super::matches_any;

    #[test]
    fn interest_matches_only_its_own_events() {
        let mine = [Event::of(Topic::Container, 7)];
        assert!(matches_any(&[Event::of(Topic::Container, 7)], &mine));
        assert!(matches_any(&[Event::all(Topic::Container)], &mine));
        assert!(!matches_any(&[Event::of(Topic::Container, 8)], &mine));
        assert!(!matches_any(&[Event::of(Topic::Job, 7)], &mine));
        assert!(matches_any(
            &[Event::of(Topic::Job, 7)],
            &[Event::all(Topic::Job)]
        ));
        assert!(!matches_any(&[], &mine));
    }
}
