//! What a page shows from the server: there with the first byte of the page, kept up to date
//! afterwards without building the page anew, so that what a person types or has opened stays.

use std::{future::Future, pin::Pin, sync::Arc};

use leptos::{prelude::*, task::spawn_local};
use model::{Error, events::Event};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    failure::{Place, failure_panel},
    first::First,
    parcel::{Parcel, unreadable},
};
use crate::{
    api::Failure,
    live::Live,
    solid::{Solid as _, reactive},
};

/// How fresh the data of a part of the page is.
#[derive(Clone, Copy)]
struct Fresh {
    busy: RwSignal<bool>,
    trouble: RwSignal<Option<Failure>>,
    again: RwSignal<u32>,
}

/// Data of the page and its freshness.
pub struct Loaded<T: Send + Sync + 'static> {
    value: RwSignal<T>,
    fresh: Fresh,
}

impl<T: Send + Sync + 'static> Clone for Loaded<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Loaded<T> {}

impl<T: Send + Sync + 'static> Loaded<T> {
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
        self.fresh.again.update(|again| *again += 1);
    }
}

/// An answer that is under way.
pub(super) type Answer = Pin<Box<dyn Future<Output = Result<Parcel, Failure>> + Send>>;

/// Makes the view of a first answer.
type Show = dyn Fn(&Parcel, Fresh) -> Option<Shown> + Send + Sync;

/// A part of a page without the type of its data, so that what moves it is there once.
#[derive(Clone)]
pub(super) struct Part {
    /// Asks the server; tracks what it asks for.
    pub(super) ask: Arc<dyn Fn() -> Answer + Send + Sync>,
    /// Grows when something else is asked for.
    moves: Signal<u32>,
    /// Shows the first answer; none when it cannot be read.
    show: Arc<Show>,
    /// What it is of the page.
    place: Place,
}

/// A part that is shown.
struct Shown {
    view: AnyView,
    /// Takes in the answer to a later question.
    take: Callback<Parcel>,
    /// What makes the data old.
    interests: Signal<Vec<Event>>,
}

impl Part {
    fn new<K, T, F, Fut>(
        key: Signal<K>,
        fetch: F,
        interests: fn(&T) -> Vec<Event>,
        view: impl Fn(Loaded<T>) -> AnyView + Send + Sync + 'static,
    ) -> Self
    where
        K: Clone + Send + Sync + 'static,
        T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
        F: Fn(K) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let ask = move || -> Answer {
            let answer = fetch(key.get());
            Box::pin(async move { answer.await.map(Parcel::pack) })
        };
        let show = move |parcel: &Parcel, fresh| {
            let value = RwSignal::new(parcel.unpack::<T>()?);
            let take = Callback::new(move |parcel: Parcel| {
                if let Some(new) = parcel.unpack() {
                    value.set(new);
                }
            });
            let interests = Signal::derive(move || value.with(interests));
            Some(Shown {
                view: view(Loaded { value, fresh }),
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
            place: Place::Page,
        }
    }

    fn at(self, place: Place) -> Self {
        Self { place, ..self }
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
    view: impl Fn(Loaded<T>) -> AnyView + Send + Sync + 'static,
) -> AnyView
where
    K: Clone + Send + Sync + 'static,
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Fn(K) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let part = Part::new(key, fetch, interests, view);
    let first = First::of(&part);
    first.show(part, skeleton)
}

/// The same as [`loaded`] for something small that every page has.
pub fn loaded_in_frame<T, F, Fut>(
    fetch: F,
    interests: fn(&T) -> Vec<Event>,
    skeleton: fn() -> AnyView,
    view: impl Fn(Loaded<T>) -> AnyView + Send + Sync + 'static,
) -> AnyView
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Fn(()) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let part = Part::new(Signal::from(()), fetch, interests, view).at(Place::Frame);
    let first = First::of(&part);
    first.show(part, skeleton)
}

/// The same in two places of the frame, which the server is asked for once.
pub fn loaded_twice<T, F, Fut>(
    fetch: F,
    interests: fn(&T) -> Vec<Event>,
    skeleton: fn() -> AnyView,
    view: impl Fn(Loaded<T>) -> AnyView + Send + Sync + 'static,
) -> (AnyView, AnyView)
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Fn(()) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let part = Part::new(Signal::from(()), fetch, interests, view).at(Place::Frame);
    let first = First::of(&part);
    (
        first.show(part.clone(), skeleton),
        first.show(part, skeleton),
    )
}

/// Shows what `fetch` brings for `key` within a view of [`loaded`], which must not use that again:
/// the server makes such a view more than once and the browser once, and both number the data of a
/// page by the order in which it is asked for. What is `there` already is shown with the page;
/// without it the browser asks.
pub fn loaded_within<K, T, F, Fut>(
    there: Option<T>,
    key: Signal<K>,
    fetch: F,
    interests: fn(&T) -> Vec<Event>,
    skeleton: fn() -> AnyView,
    view: impl Fn(Loaded<T>) -> AnyView + Send + Sync + 'static,
) -> AnyView
where
    K: Clone + Send + Sync + 'static,
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Fn(K) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let part = Part::new(key, fetch, interests, view).at(Place::Part);
    from_here(part, there.map(|there| Ok(Parcel::pack(there))), skeleton)
}

/// Shows the answer that is there already, or asks from the browser.
pub(super) fn from_here(
    part: Part,
    there: Option<Result<Parcel, Failure>>,
    skeleton: fn() -> AnyView,
) -> AnyView {
    let again = RwSignal::new(u32::from(there.is_none()));
    let answer = RwSignal::new(there);
    let ask = part.ask.clone();
    Effect::new(move |_| {
        if again.get() == 0 {
            return;
        }
        let asked = untrack(|| ask());
        spawn_local(async move {
            let first = asked.await;
            answer.try_set(Some(first));
        });
    });
    let retry = Callback::new(move |()| again.update(|again| *again += 1));
    reactive(move || match answer.get() {
        None => skeleton(),
        Some(first) => begin(&part, first, retry),
    })
}

/// Shows the first answer and follows what comes after it.
pub(super) fn begin(part: &Part, first: Result<Parcel, Failure>, retry: Callback<()>) -> AnyView {
    let fresh = Fresh {
        busy: RwSignal::new(false),
        trouble: RwSignal::new(None),
        again: RwSignal::new(0),
    };
    match first.map(|parcel| (part.show)(&parcel, fresh)) {
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

/// Asks again whenever what is asked for moves or something of interest has changed.
fn follow(part: &Part, fresh: Fresh, take: Callback<Parcel>, interests: Signal<Vec<Event>>) {
    let (ask, moves, place_in) = (part.ask.clone(), part.moves, part.place);
    let version = Live::watch(interests);
    let live = use_context::<Live>().filter(|_| place_in != Place::Frame);
    // Answers may overtake each other: only one that is newer than what is shown counts, and that
    // answers what is asked for now.
    let asked = StoredValue::new(0_u32);
    let shown = StoredValue::new(0_u32);
    Effect::new(move |before: Option<()>| {
        version.track();
        fresh.again.track();
        let (answer, place) = (ask(), moves.get());
        if before.is_none() || (place_in != Place::Frame && Live::is_parting()) {
            return;
        }
        fresh.busy.set(true);
        asked.update_value(|asked| *asked += 1);
        let turn = asked.get_value();
        spawn_local(async move {
            let answer = Live::unless_parting(answer, live).await;
            let overtaken = shown.try_get_value().is_none_or(|shown| turn < shown);
            if overtaken || moves.try_get_untracked() != Some(place) {
                return;
            }
            shown.set_value(turn);
            fresh.busy.set(asked.get_value() != turn);
            match answer {
                Ok(parcel) => {
                    take.run(parcel);
                    fresh.trouble.set(None);
                }
                Err(failure) => fresh.trouble.set(Some(failure)),
            }
        });
    });
}

/// The view with a thin line while it is asked for anew, and the trouble with that above it.
fn framed(fresh: Fresh, view: AnyView) -> AnyView {
    let gone = Signal::derive(move || {
        matches!(fresh.trouble.get(), Some(Failure(Error::NotFound { .. })))
    });
    let trouble = reactive(move || {
        let again = Callback::new(move |()| fresh.again.update(|again| *again += 1));
        fresh
            .trouble
            .get()
            .map(|failure| failure_panel(failure, Some(again), Place::Part))
    });
    view! {
        <div class="loaded" aria-busy=Signal::derive(move || fresh.busy.get().to_string())>
            {trouble}
            <div class="loaded-body" hidden=gone>
                {view}
            </div>
        </div>
    }
    .solid()
}
