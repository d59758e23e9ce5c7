//! Data from the server: rendered with the page and updated afterwards without rebuilding the view,
//! so that input and opened elements are preserved.

use std::{future::Future, pin::Pin, sync::Arc};

use leptos::{prelude::*, task::spawn_local};
use model::{Error, events::Event};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    erased_value::{ErasedValue, unreadable},
    failure::{FailureScope, failure_panel},
    initial_data::InitialData,
};
use crate::{
    erase::{Erase as _, reactive},
    live::Live,
    server_fns::Failure,
};

/// The refresh state of the data.
#[derive(Clone, Copy)]
struct Fresh {
    busy: RwSignal<bool>,
    last_error: RwSignal<Option<Failure>>,
    again: RwSignal<u32>,
}

/// Data that the server sends.
pub trait Data: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Data for T {}

/// Data from the server with its refresh state.
pub struct LiveResource<T: Send + Sync + 'static> {
    value: RwSignal<T>,
    fresh: Fresh,
}

impl<T: Send + Sync + 'static> Clone for LiveResource<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for LiveResource<T> {}

impl<T: Send + Sync + 'static> LiveResource<T> {
    /// Reads the current value; tracked.
    pub fn with<U>(self, read: impl FnOnce(&T) -> U) -> U {
        self.value.with(read)
    }

    /// Reads the current value; not tracked.
    pub fn peek<U>(self, read: impl FnOnce(&T) -> U) -> U {
        self.value.with_untracked(read)
    }

    /// A memo of a part of the value; notifies only if that part changes.
    pub fn part<U>(self, read: impl Fn(&T) -> U + Send + Sync + 'static) -> Memo<U>
    where
        U: PartialEq + Send + Sync + 'static,
    {
        Memo::new(move |_| self.value.with(&read))
    }

    /// A view of the current value, rendered again when the value changes.
    pub fn view(self, view: fn(&T) -> AnyView) -> AnyView {
        reactive(move || self.value.with(view))
    }

    /// Fetches the data again.
    pub fn refresh(self) {
        self.fresh.again.update(|again| *again += 1);
    }

    /// Fetches the data again; without the type of the data.
    pub fn refresher(self) -> Callback<()> {
        let again = self.fresh.again;
        Callback::new(move |()| again.update(|again| *again += 1))
    }
}

/// A request in flight.
pub(super) type PendingResponse =
    Pin<Box<dyn Future<Output = Result<ErasedValue, Failure>> + Send>>;

/// Creates the view from the first response.
type Show = dyn Fn(&ErasedValue, Fresh) -> Option<Shown> + Send + Sync;

/// A part of a page without the type of its data, so that the refresh logic is compiled once.
#[derive(Clone)]
pub(super) struct Part {
    /// Sends the request; tracks the key.
    pub(super) ask: Arc<dyn Fn() -> PendingResponse + Send + Sync>,
    /// A counter that grows when the key changes.
    moves: Signal<u32>,
    /// Creates the view from the first response; `None` if the response cannot be decoded.
    show: Arc<Show>,
    /// Where the part is displayed.
    place: FailureScope,
}

/// A rendered part.
struct Shown {
    view: AnyView,
    /// Receives the data of a later response.
    take: Callback<ErasedValue>,
    /// The events after which the data is outdated.
    interests: Signal<Vec<Event>>,
}

impl Part {
    fn new<K, T, F, Fut>(
        key: Signal<K>,
        fetch: F,
        interests: fn(&T) -> Vec<Event>,
        view: impl Fn(LiveResource<T>) -> AnyView + Send + Sync + 'static,
    ) -> Self
    where
        K: Clone + Send + Sync + 'static,
        T: Data,
        F: Fn(K) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let ask = move || -> PendingResponse {
            let response = fetch(key.get());
            Box::pin(async move { response.await.map(ErasedValue::pack) })
        };
        let show = move |response: &ErasedValue, fresh| {
            let value = RwSignal::new(response.unpack::<T>()?);
            let take = Callback::new(move |response: ErasedValue| {
                if let Some(new) = response.unpack() {
                    value.set(new);
                }
            });
            let interests = Signal::derive(move || value.with(interests));
            Some(Shown {
                view: view(LiveResource { value, fresh }),
                take,
                interests,
            })
        };
        let moves = Memo::new(move |moves: Option<&u32>| {
            key.track();
            moves.map_or(0, |moves| moves + 1)
        });
        Self {
            ask: Arc::new(ask),
            moves: moves.into(),
            show: Arc::new(show),
            place: FailureScope::Page,
        }
    }

    fn at(self, place: FailureScope) -> Self {
        Self { place, ..self }
    }
}

/// Renders the data that `fetch` returns for `key`.
///
/// `view` is called once, with the first response. When `key` or one of the `interests` changes,
/// the data is fetched again and the same [`LiveResource`] receives it.
pub fn live_resource<K, T, F, Fut>(
    key: Signal<K>,
    fetch: F,
    interests: fn(&T) -> Vec<Event>,
    skeleton: fn() -> AnyView,
    view: impl Fn(LiveResource<T>) -> AnyView + Send + Sync + 'static,
) -> AnyView
where
    K: Clone + Send + Sync + 'static,
    T: Data,
    F: Fn(K) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let part = Part::new(key, fetch, interests, view);
    InitialData::of(&part).show(part, skeleton)
}

/// As [`live_resource`], for a small element of the frame. Each call of the returned function
/// renders the element; all share one request.
pub fn live_resource_in_frame<T, F, Fut>(
    fetch: F,
    interests: fn(&T) -> Vec<Event>,
    skeleton: fn() -> AnyView,
    view: impl Fn(LiveResource<T>) -> AnyView + Send + Sync + 'static,
) -> impl Fn() -> AnyView
where
    T: Data,
    F: Fn(()) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let part = Part::new(Signal::from(()), fetch, interests, view).at(FailureScope::Frame);
    let initial = InitialData::of(&part);
    move || initial.show(part.clone(), skeleton)
}

/// Renders the data that `fetch` returns for `key` inside a view of [`live_resource`], where that
/// function must not be nested: the server creates such a view more than once and the browser once,
/// and both number the data of a page in the order of the requests. If `initial` is given, it is
/// rendered with the page; otherwise the browser fetches the data.
pub fn live_resource_within<K, T, F, Fut>(
    initial: Option<T>,
    key: Signal<K>,
    fetch: F,
    interests: fn(&T) -> Vec<Event>,
    skeleton: fn() -> AnyView,
    view: impl Fn(LiveResource<T>) -> AnyView + Send + Sync + 'static,
) -> AnyView
where
    K: Clone + Send + Sync + 'static,
    T: Data,
    F: Fn(K) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let part = Part::new(key, fetch, interests, view).at(FailureScope::Part);
    let initial = initial.map(|initial| Ok(ErasedValue::pack(initial)));
    from_here(part, initial, skeleton)
}

/// Renders the data if it is given, or fetches it from the browser.
pub(super) fn from_here(
    part: Part,
    initial: Option<Result<ErasedValue, Failure>>,
    skeleton: fn() -> AnyView,
) -> AnyView {
    let again = RwSignal::new(u32::from(initial.is_none()));
    let response = RwSignal::new(initial);
    let ask = part.ask.clone();
    Effect::new(move |_| {
        if again.get() == 0 {
            return;
        }
        let requested = untrack(|| ask());
        spawn_local(async move {
            let first = requested.await;
            response.try_set(Some(first));
        });
    });
    let retry = Callback::new(move |()| again.update(|again| *again += 1));
    reactive(move || match response.get() {
        None => skeleton(),
        Some(first) => begin(&part, first, retry),
    })
}

/// Renders the first response and keeps it up to date.
pub(super) fn begin(
    part: &Part,
    first: Result<ErasedValue, Failure>,
    retry: Callback<()>,
) -> AnyView {
    let fresh = Fresh {
        busy: RwSignal::new(false),
        last_error: RwSignal::new(None),
        again: RwSignal::new(0),
    };
    match first.map(|response| (part.show)(&response, fresh)) {
        Ok(Some(Shown {
            view,
            take,
            interests,
        })) => {
            follow(part, fresh, take, interests);
            framed(fresh, view)
        }
        Ok(None) => failure_panel(unreadable(), Some(retry), part.place),
        Err(failure) => failure_panel(failure, Some(retry), part.place),
    }
}

/// Fetches again when the key or one of the interests changes.
fn follow(part: &Part, fresh: Fresh, take: Callback<ErasedValue>, interests: Signal<Vec<Event>>) {
    let (ask, moves, place_in) = (part.ask.clone(), part.moves, part.place);
    let version = Live::watch(interests);
    let live = use_context::<Live>().filter(|_| place_in != FailureScope::Frame);
    // Responses may arrive out of order. Only a response that is newer than the displayed one and
    // belongs to the current key is used.
    let requested = StoredValue::new(0_u32);
    let shown = StoredValue::new(0_u32);
    Effect::new(move |before: Option<()>| {
        version.track();
        fresh.again.track();
        let (request, place) = (ask(), moves.get());
        if before.is_none() || (place_in != FailureScope::Frame && Live::is_changing()) {
            return;
        }
        fresh.busy.set(true);
        requested.update_value(|requested| *requested += 1);
        let turn = requested.get_value();
        spawn_local(async move {
            let result = Live::unless_changing(request, live).await;
            let overtaken = shown.try_get_value().is_none_or(|shown| turn < shown);
            if overtaken || moves.try_get_untracked() != Some(place) {
                return;
            }
            shown.set_value(turn);
            fresh.busy.set(requested.get_value() != turn);
            match result {
                Ok(response) => {
                    take.run(response);
                    fresh.last_error.set(None);
                }
                Err(failure) => fresh.last_error.set(Some(failure)),
            }
        });
    });
}

/// The view with a progress line during a refresh, and the error of a failed refresh above it.
fn framed(fresh: Fresh, view: AnyView) -> AnyView {
    let gone = Signal::derive(move || {
        matches!(
            fresh.last_error.get(),
            Some(Failure(Error::NotFound { .. }))
        )
    });
    let last_error = reactive(move || {
        let again = Callback::new(move |()| fresh.again.update(|again| *again += 1));
        fresh
            .last_error
            .get()
            .map(|failure| failure_panel(failure, Some(again), FailureScope::Part))
    });
    view! {
        <div class="loaded" aria-busy=Signal::derive(move || fresh.busy.get().to_string())>
            {last_error}
            <div class="loaded-body" hidden=gone>
                {view}
            </div>
        </div>
    }
    .erase()
}
