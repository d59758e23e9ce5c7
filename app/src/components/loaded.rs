//! What a page shows from the server: there with the first byte of the page, kept up to date
//! afterwards without building the page anew, so that what a person types or has opened stays.

use std::future::Future;

use leptos::{prelude::*, task::spawn_local};
use model::{Error, events::Event};
use serde::{Serialize, de::DeserializeOwned};

use super::failure::failure_panel;
use crate::{api::Failure, live::Live};

/// Data of the page and its freshness.
pub struct Loaded<T: Send + Sync + 'static> {
    value: RwSignal<T>,
    busy: RwSignal<bool>,
    trouble: RwSignal<Option<Failure>>,
    again: RwSignal<u32>,
}

impl<T: Send + Sync + 'static> Clone for Loaded<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Loaded<T> {}

impl<T: Send + Sync + 'static> Loaded<T> {
    fn new(value: T) -> Self {
        Self {
            value: RwSignal::new(value),
            busy: RwSignal::new(false),
            trouble: RwSignal::new(None),
            again: RwSignal::new(0),
        }
    }

    /// Reads the present value; tracked.
    pub fn with<U>(self, read: impl FnOnce(&T) -> U) -> U {
        self.value.with(read)
    }

    /// Reads the present value; not tracked.
    pub fn peek<U>(self, read: impl FnOnce(&T) -> U) -> U {
        self.value.with_untracked(read)
    }

    /// A part of the value that others are told of only when it changes.
    pub fn part<U>(self, read: impl Fn(&T) -> U + Send + Sync + 'static) -> Memo<U>
    where
        U: PartialEq + Send + Sync + 'static,
    {
        Memo::new(move |_| self.value.with(&read))
    }

    /// Asks the server again.
    pub fn refresh(self) {
        self.again.update(|again| *again += 1);
    }

    /// Takes in the answer to a later question.
    fn take(self, answer: Result<T, Failure>) {
        self.busy.set(false);
        match answer {
            Ok(value) => {
                self.value.set(value);
                self.trouble.set(None);
            }
            Err(failure) => self.trouble.set(Some(failure)),
        }
    }
}

/// Shows what `fetch` brings for `key`.
///
/// `view` is called once with the first answer; when `key` moves or something of `interests` has
/// changed, the server is asked again and the same [`Loaded`] gets the new value.
pub fn loaded<K, T, F, Fut>(
    key: Signal<K>,
    fetch: F,
    interests: fn(&T) -> Vec<Event>,
    skeleton: fn() -> AnyView,
    view: impl Fn(Loaded<T>) -> AnyView + Copy + Send + Sync + 'static,
) -> AnyView
where
    K: Clone + PartialEq + Send + Sync + 'static,
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Fn(K) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let first = Resource::new(|| (), move |()| in_time(fetch(key.get_untracked())));
    let show = move || {
        Suspend::new(async move {
            match first.await {
                Ok(value) => {
                    let loaded = Loaded::new(value);
                    follow(loaded, key, fetch, interests);
                    framed(loaded, view(loaded))
                }
                Err(failure) => {
                    failure_panel(failure, Some(Callback::new(move |()| first.refetch())))
                }
            }
        })
    };
    view! { <Suspense fallback=skeleton>{show}</Suspense> }.into_any()
}

/// Shows what `fetch` brings for `key` once the page is there: for parts within a view of
/// [`loaded`], which must not use that again. The server makes such a view more than once and the
/// browser once, and both number the data of a page by the order in which it is asked for.
pub fn loaded_later<K, T, F, Fut>(
    key: Signal<K>,
    fetch: F,
    interests: fn(&T) -> Vec<Event>,
    skeleton: fn() -> AnyView,
    view: impl Fn(Loaded<T>) -> AnyView + Copy + Send + Sync + 'static,
) -> AnyView
where
    K: Clone + PartialEq + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
    F: Fn(K) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let answer = RwSignal::new(None);
    let again = RwSignal::new(0_u32);
    Effect::new(move |_| {
        again.track();
        let asked = fetch(key.get_untracked());
        spawn_local(async move {
            let first = asked.await;
            answer.try_set(Some(first));
        });
    });
    let show = move || match answer.get() {
        None => skeleton(),
        Some(Ok(value)) => {
            let loaded = Loaded::new(value);
            follow(loaded, key, fetch, interests);
            framed(loaded, view(loaded))
        }
        Some(Err(failure)) => {
            let retry = Callback::new(move |()| again.update(|again| *again += 1));
            failure_panel(failure, Some(retry))
        }
    };
    show.into_any()
}

/// Asks again whenever the key moves or something of interest has changed.
fn follow<K, T, F, Fut>(
    loaded: Loaded<T>,
    key: Signal<K>,
    fetch: F,
    interests: fn(&T) -> Vec<Event>,
) where
    K: Clone + PartialEq + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
    F: Fn(K) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let version = Live::watch(Signal::derive(move || loaded.value.with(interests)));
    // Answers may overtake each other: only one that is newer than what is shown counts.
    let asked = StoredValue::new(0_u32);
    let shown = StoredValue::new(0_u32);
    Effect::new(move |before: Option<()>| {
        version.track();
        loaded.again.track();
        let key_now = key.get();
        if before.is_none() {
            return;
        }
        loaded.busy.set(true);
        asked.update_value(|asked| *asked += 1);
        let turn = asked.get_value();
        spawn_local(async move {
            let answer = fetch(key_now.clone()).await;
            let newer = shown.try_get_value().is_some_and(|shown| turn > shown);
            if newer && key.try_get_untracked() == Some(key_now) {
                shown.set_value(turn);
                loaded.take(answer);
            }
        });
    });
}

/// The view with a thin line while it is asked for anew, and the trouble with that above it.
fn framed<T: Send + Sync + 'static>(loaded: Loaded<T>, view: AnyView) -> AnyView {
    let gone = move || matches!(loaded.trouble.get(), Some(Failure(Error::NotFound { .. })));
    let trouble = move || {
        let again = Callback::new(move |()| loaded.refresh());
        loaded
            .trouble
            .get()
            .map(|failure| failure_panel(failure, Some(again)))
    };
    view! {
        <div class="loaded" aria-busy=move || loaded.busy.get().to_string()>
            {trouble}
            <div class="loaded-body" hidden=gone>{view}</div>
        </div>
    }
    .into_any()
}

/// How long a page that is made on the server waits for one of its parts.
#[cfg(feature = "ssr")]
const BUDGET: std::time::Duration = std::time::Duration::from_secs(4);

#[cfg(feature = "ssr")]
async fn in_time<T>(answer: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    if let Ok(answer) = tokio::time::timeout(BUDGET, answer).await {
        return answer;
    }
    let message = "This takes longer than usual. Try again in a moment.".to_owned();
    Err(crate::api::told(Error::Unavailable { message }))
}

#[cfg(not(feature = "ssr"))]
async fn in_time<T>(answer: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    answer.await
}
