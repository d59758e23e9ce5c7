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
    server_fns::RequestError,
};

/// The refresh state of the data.
#[derive(Clone, Copy)]
struct RefreshState {
    busy: RwSignal<bool>,
    last_error: RwSignal<Option<RequestError>>,
    /// How often a refresh was requested; the data is fetched again when it grows.
    requests: RwSignal<u32>,
}

/// Data that the server sends.
pub trait Data: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Data for T {}

/// Data from the server with its refresh state.
pub struct LiveResource<T: Send + Sync + 'static> {
    value: RwSignal<T>,
    refresh: RefreshState,
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
        self.refresh.requests.update(|requests| *requests += 1);
    }

    /// Fetches the data again; without the type of the data.
    pub fn refresher(self) -> Callback<()> {
        let requests = self.refresh.requests;
        Callback::new(move |()| requests.update(|requests| *requests += 1))
    }
}

/// A request in flight.
pub(super) type PendingResponse =
    Pin<Box<dyn Future<Output = Result<ErasedValue, RequestError>> + Send>>;

/// Creates the view from the first response.
type Render = dyn Fn(&ErasedValue, RefreshState) -> Option<RenderedSection> + Send + Sync;

/// A section of a page without the type of its data, so that the refresh logic is compiled once.
#[derive(Clone)]
pub(super) struct Section {
    /// Sends the request; tracks the key.
    pub(super) fetch: Arc<dyn Fn() -> PendingResponse + Send + Sync>,
    /// A counter that grows when the key changes.
    key_version: Signal<u32>,
    /// Creates the view from the first response; `None` if the response cannot be decoded.
    render: Arc<Render>,
    /// What the error message of a failed request replaces.
    scope: FailureScope,
}

/// A rendered section.
struct RenderedSection {
    view: AnyView,
    /// Receives the data of a later response.
    update: Callback<ErasedValue>,
    /// The events after which the data is outdated.
    interests: Signal<Vec<Event>>,
}

impl Section {
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
        Fut: Future<Output = Result<T, RequestError>> + Send + 'static,
    {
        let fetch = move || -> PendingResponse {
            let response = fetch(key.get());
            Box::pin(async move { response.await.map(ErasedValue::pack) })
        };
        let render = move |response: &ErasedValue, refresh| {
            let value = RwSignal::new(response.unpack::<T>()?);
            let update = Callback::new(move |response: ErasedValue| {
                if let Some(new) = response.unpack() {
                    value.set(new);
                }
            });
            let interests = Signal::derive(move || value.with(interests));
            Some(RenderedSection {
                view: view(LiveResource { value, refresh }),
                update,
                interests,
            })
        };
        let key_version = Memo::new(move |version: Option<&u32>| {
            key.track();
            version.map_or(0, |version| version + 1)
        });
        Self {
            fetch: Arc::new(fetch),
            key_version: key_version.into(),
            render: Arc::new(render),
            scope: FailureScope::Page,
        }
    }

    fn with_scope(self, scope: FailureScope) -> Self {
        Self { scope, ..self }
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
    Fut: Future<Output = Result<T, RequestError>> + Send + 'static,
{
    let section = Section::new(key, fetch, interests, view);
    InitialData::of(&section).render(section, skeleton)
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
    Fut: Future<Output = Result<T, RequestError>> + Send + 'static,
{
    let section =
        Section::new(Signal::from(()), fetch, interests, view).with_scope(FailureScope::Frame);
    let initial = InitialData::of(&section);
    move || initial.render(section.clone(), skeleton)
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
    Fut: Future<Output = Result<T, RequestError>> + Send + 'static,
{
    let section = Section::new(key, fetch, interests, view).with_scope(FailureScope::Section);
    let initial = initial.map(|initial| Ok(ErasedValue::pack(initial)));
    render_or_fetch(section, initial, skeleton)
}

/// Renders the data if it is given, or fetches it from the browser.
pub(super) fn render_or_fetch(
    section: Section,
    initial: Option<Result<ErasedValue, RequestError>>,
    skeleton: fn() -> AnyView,
) -> AnyView {
    let requests = RwSignal::new(u32::from(initial.is_none()));
    let response = RwSignal::new(initial);
    let fetch = section.fetch.clone();
    Effect::new(move |_| {
        if requests.get() == 0 {
            return;
        }
        let request = untrack(|| fetch());
        spawn_local(async move {
            let first = request.await;
            response.try_set(Some(first));
        });
    });
    let retry = Callback::new(move |()| requests.update(|requests| *requests += 1));
    reactive(move || match response.get() {
        None => skeleton(),
        Some(first) => render_live(&section, first, retry),
    })
}

/// Renders the first response and keeps it up to date.
pub(super) fn render_live(
    section: &Section,
    first: Result<ErasedValue, RequestError>,
    retry: Callback<()>,
) -> AnyView {
    let refresh = RefreshState {
        busy: RwSignal::new(false),
        last_error: RwSignal::new(None),
        requests: RwSignal::new(0),
    };
    match first.map(|response| (section.render)(&response, refresh)) {
        Ok(Some(RenderedSection {
            view,
            update,
            interests,
        })) => {
            refresh_on_change(section, refresh, update, interests);
            with_refresh_state(refresh, view)
        }
        Ok(None) => failure_panel(unreadable(), Some(retry), section.scope),
        Err(failure) => failure_panel(failure, Some(retry), section.scope),
    }
}

/// Fetches again when the key or one of the interests changes, or a refresh is requested.
fn refresh_on_change(
    section: &Section,
    refresh: RefreshState,
    update: Callback<ErasedValue>,
    interests: Signal<Vec<Event>>,
) {
    let (fetch, key_version) = (section.fetch.clone(), section.key_version);
    let is_in_frame = section.scope == FailureScope::Frame;
    let version = Live::watch(interests);
    let live = use_context::<Live>().filter(|_| !is_in_frame);
    // Responses may arrive out of order. Only a response that is newer than the displayed one and
    // belongs to the current key is used.
    let last_requested = StoredValue::new(0_u32);
    let displayed = StoredValue::new(0_u32);
    Effect::new(move |before: Option<()>| {
        version.track();
        refresh.requests.track();
        let (request, requested_key) = (fetch(), key_version.get());
        if before.is_none() || (!is_in_frame && Live::is_changing()) {
            return;
        }
        refresh.busy.set(true);
        last_requested.update_value(|last| *last += 1);
        let number = last_requested.get_value();
        spawn_local(async move {
            let result = Live::unless_changing(request, live).await;
            let is_older = displayed
                .try_get_value()
                .is_none_or(|newest| number < newest);
            if is_older || key_version.try_get_untracked() != Some(requested_key) {
                return;
            }
            displayed.set_value(number);
            refresh.busy.set(last_requested.get_value() != number);
            match result {
                Ok(response) => {
                    update.run(response);
                    refresh.last_error.set(None);
                }
                Err(failure) => refresh.last_error.set(Some(failure)),
            }
        });
    });
}

/// The view with a progress line during a refresh, and the error of a failed refresh above it.
fn with_refresh_state(refresh: RefreshState, view: AnyView) -> AnyView {
    let is_deleted = Signal::derive(move || {
        matches!(
            refresh.last_error.get(),
            Some(RequestError(Error::NotFound { .. }))
        )
    });
    let last_error = reactive(move || {
        let retry = Callback::new(move |()| refresh.requests.update(|requests| *requests += 1));
        refresh
            .last_error
            .get()
            .map(|failure| failure_panel(failure, Some(retry), FailureScope::Section))
    });
    view! {
        <div class="loaded" aria-busy=Signal::derive(move || refresh.busy.get().to_string())>
            {last_error}
            <div class="loaded-body" hidden=is_deleted>
                {view}
            </div>
        </div>
    }
    .erase()
}
