//! What changed elsewhere: the browser's one event stream (see `public/events.js`), and signals
//! that move when something that is shown has changed.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use leptos::{ev, prelude::*};
use model::events::Event;
use wasm_bindgen::JsCast as _;

/// The latest news.
#[derive(Clone, Debug, Default)]
enum News {
    /// None so far.
    #[default]
    Quiet,
    /// These things changed.
    Changed(Vec<Event>),
    /// Anything may have changed.
    Anything,
}

/// The event stream as the application sees it.
#[derive(Clone, Copy)]
pub struct Live {
    news: RwSignal<News>,
    /// Whether the stream was lost.
    lost: RwSignal<bool>,
    /// Whether the person is on the way out.
    leaving: StoredValue<bool>,
    /// Whether what the page is about is being taken away from here.
    parting: StoredValue<bool>,
}

impl Live {
    /// Makes the stream known to all parts of the page. It stays quiet until [`Live::listen`].
    pub fn provide() {
        provide_context(Self {
            news: RwSignal::default(),
            lost: RwSignal::new(false),
            leaving: StoredValue::new(false),
            parting: StoredValue::new(false),
        });
    }

    /// Shows no more news: the session ends, and whoever asked for them would be refused.
    pub fn leave(self) {
        self.leaving.set_value(true);
    }

    /// Begins to take away what the page is about: the page asks for that no more, for it may be
    /// gone before the page is.
    pub fn part(self) {
        self.parting.set_value(true);
    }

    /// Ends that, when the page is gone as well.
    pub fn parted(self) {
        self.parting.try_set_value(false);
    }

    /// Ends that when it was not taken away: what was not asked for meanwhile is asked for now.
    pub fn stay(self) {
        self.parted();
        self.news.try_set(News::Anything);
    }

    /// Whether what the page is about is being taken away from here.
    pub fn is_parting() -> bool {
        use_context::<Self>().is_some_and(|live| live.parting.get_value())
    }

    /// What was asked for goes no further once what the page is about is being taken away: the next of
    /// several questions would be about something that is gone. Then there is no answer.
    pub async fn unless_parting<T>(answer: impl Future<Output = T>, live: Option<Self>) -> T {
        let mut answer = pin!(answer);
        poll_fn(|context| match live {
            Some(live) if live.parting.try_get_value() == Some(true) => Poll::Pending,
            _ => answer.as_mut().poll(context),
        })
        .await
    }

    /// Whether live updates are lost at the moment; tracked.
    pub fn lost() -> bool {
        use_context::<Self>().is_some_and(|live| live.lost.get())
    }

    /// Begins to listen. In the browser only, once somebody is signed in.
    pub fn listen() {
        let Some(live) = use_context::<Self>() else {
            return;
        };
        let events = window_event_listener(ev::Custom::new("holdfast-events"), move |event| {
            if let Some(changed) =
                detail(&event).and_then(|text| serde_json::from_slice(text.as_bytes()).ok())
            {
                live.news.set(News::Changed(changed));
            }
        });
        let link = window_event_listener(ev::Custom::new("holdfast-link"), move |event| {
            match detail(&event).as_deref() {
                Some("up") => live.lost.set(false),
                Some("down") => live.lost.set(true),
                // The page is older than what the stream remembers.
                _ => live.news.set(News::Anything),
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

    /// A number that grows when one of `interests` has changed; an interest without an id is in
    /// every thing of that kind.
    pub fn watch(interests: Signal<Vec<Event>>) -> Signal<u32> {
        let version = RwSignal::new(0);
        if let Some(live) = use_context::<Self>() {
            Effect::new(move |before: Option<()>| {
                let moved = !live.leaving.get_value()
                    && live.news.with(|news| match news {
                        News::Quiet => false,
                        News::Anything => true,
                        News::Changed(events) => {
                            interests.with_untracked(|interests| touches(events, interests))
                        }
                    });
                // What was told before this part was shown is in it already.
                if moved && before.is_some() {
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

fn touches(events: &[Event], interests: &[Event]) -> bool {
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

    use super::touches;

    #[test]
    fn an_interest_is_touched_by_its_own_changes_only() {
        let mine = [Event::of(Topic::Container, 7)];
        assert!(touches(&[Event::of(Topic::Container, 7)], &mine));
        assert!(touches(&[Event::all(Topic::Container)], &mine));
        assert!(!touches(&[Event::of(Topic::Container, 8)], &mine));
        assert!(!touches(&[Event::of(Topic::Job, 7)], &mine));
        assert!(touches(
            &[Event::of(Topic::Job, 7)],
            &[Event::all(Topic::Job)]
        ));
        assert!(!touches(&[], &mine));
    }
}
