//! The forms of objects: the page of a new object, and the settings of an existing object.
//!
//! A page supplies its fields and one server call, both without their types, so that submission,
//! errors and navigation are compiled once.

use std::{future::Future, pin::Pin, sync::Arc};

use crate::erase::{Erase as _, act};
use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_query_map},
};
use model::{Kind, events::Event};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    form::{FormState, Refusals, Submit},
    icon::icon,
    live_resource::{LiveResource, live_resource},
    noun::Noun,
    page::{PageHead, object_skeleton},
    toast::Toasts,
};
use crate::{live::Live, server_fns::RequestError};

/// An object that the server stored.
pub struct SavedObject {
    /// The name, for the toast.
    pub name: String,
    /// The object's segment in URLs: its name or its id.
    pub key: String,
}

impl SavedObject {
    /// An object with its name in URLs.
    pub fn named(name: String) -> Self {
        Self {
            key: name.clone(),
            name,
        }
    }
}

/// Sends the values of a form to the server.
type Save = Arc<
    dyn Fn() -> Pin<Box<dyn Future<Output = Result<SavedObject, RequestError>> + Send>>
        + Send
        + Sync,
>;

/// What happens after the values were stored.
type SaveHandler = Arc<dyn Fn(SavedObject) + Send + Sync>;

/// Boxes a server call for [`create_form`] and [`settings_form`].
pub fn save_call<F>(save: impl Fn() -> F + Send + Sync + 'static) -> Save
where
    F: Future<Output = Result<SavedObject, RequestError>> + Send + 'static,
{
    Arc::new(move || Box::pin(save()))
}

/// As [`save_call`], for an object with its name in URLs. `name` returns the name as the server
/// stores it.
pub fn save<V, T, F>(
    values: RwSignal<V>,
    name: fn(&V) -> String,
    send: impl Fn(V) -> F + Send + Sync + 'static,
) -> Save
where
    V: Clone + Send + Sync + 'static,
    F: Future<Output = Result<T, RequestError>> + Send + 'static,
{
    save_call(move || {
        let values = values.get_untracked();
        let name = name(&values);
        let response = send(values);
        async move { response.await.map(|_| SavedObject::named(name)) }
    })
}

/// The page of a form whose options are fetched first.
pub fn form_page<T, F>(
    fetch: fn() -> F,
    interests: fn(&T) -> Vec<Event>,
    content: fn(LiveResource<T>) -> AnyView,
) -> AnyView
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Future<Output = Result<T, RequestError>> + Send + 'static,
{
    let key = Signal::from(());
    live_resource(key, move |()| fetch(), interests, object_skeleton, content)
}

/// The id of the object that a query parameter names, or of the first object; empty without
/// objects.
pub fn preselected<T, I: ToString>(
    all: &[T],
    parameter: &str,
    name: impl Fn(&T) -> String,
    id: impl Fn(&T) -> I,
) -> String {
    let named = use_query_map().with_untracked(|map| map.get_str(parameter).map(str::to_owned));
    let object = all.iter().find(|object| Some(name(object)) == named);
    let object = object.or_else(|| all.first());
    object
        .map(|object| id(object).to_string())
        .unwrap_or_default()
}

/// The notice that another object must be created first: a text, and the link to create the object
/// for users who may do that; for others, whom to ask.
pub fn prerequisite(
    text: &'static str,
    (href, link): (&'static str, &'static str),
    may_create: bool,
) -> AnyView {
    let step = match may_create {
        true => view! { <a class="link" href=href>{link}</a> " first." }.erase(),
        false => "Ask an administrator to create the first.".erase(),
    };
    view! { <p class="panel panel-warning"><span>{icon("triangle-alert")} {text} {step}</span></p> }
        .erase()
}

/// The page of a new object.
pub fn create_form(kind: Kind, form: FormState, fields: AnyView, create: Save) -> AnyView {
    let noun = Noun::of(kind);
    let toasts = Toasts::here();
    let navigate = use_navigate();
    let done = move |SavedObject { name, key }| {
        let (kind, list) = (noun.name, noun.list);
        toasts.notify(match noun.create {
            "Upload" => format!("Uploaded the {kind} for {name}."),
            "Add" => format!("Added the {kind} {name}."),
            _ => format!("Created the {kind} {name}."),
        });
        navigate(&format!("{list}/{key}"), NavigateOptions::default());
    };
    let body = new_form(kind, form, fields, create, Arc::new(done));
    view! { <PageHead title=noun.create_title() /> {body} }.erase()
}

/// The form of [`create_form`] without the title, for pages that do something else when the object
/// was created.
pub fn new_form(
    kind: Kind,
    form: FormState,
    fields: AnyView,
    create: Save,
    done: SaveHandler,
) -> AnyView {
    let noun = Noun::of(kind);
    let actions = view! {
        <Submit form label=noun.create_label() />
        <a class="btn" href=noun.list>"Cancel"</a>
    };
    form_element(form, ().erase(), (fields, actions.erase()), (create, done))
}

/// The form with the settings of an object.
///
/// The values of `form` are those of [`super::form_values::form_values`], which follow the stored
/// object until a user edits them. `key` is the object's current segment in URLs; the page of a
/// renamed object moves to the URL with the new segment. `refresh` fetches the object again.
pub fn settings_form(
    kind: Kind,
    key: Memo<String>,
    form: FormState,
    fields: AnyView,
    update: Save,
    refresh: Callback<()>,
) -> AnyView {
    let toasts = Toasts::here();
    let navigate = use_navigate();
    let path = use_location().pathname;
    let live = use_context::<Live>();
    on_cleanup(move || live.map(Live::end_change).unwrap_or_default());
    let done = move |saved: SavedObject| {
        form.busy.try_set(false);
        toasts.notify(format!("Saved {}.", saved.name));
        if key.try_get_untracked().is_none_or(|key| key == saved.key) {
            live.map(Live::resume_refreshes).unwrap_or_default();
            let _ = refresh.try_run(());
            return;
        }
        live.map(Live::end_change).unwrap_or_default();
        let path = path.try_get_untracked().unwrap_or_default();
        let tab = path.splitn(4, '/').nth(3);
        let tab = tab.map(|tab| format!("/{tab}")).unwrap_or_default();
        let replace = NavigateOptions {
            replace: true,
            ..NavigateOptions::default()
        };
        let list = Noun::of(kind).list;
        navigate(&format!("{list}/{}{tab}", saved.key), replace);
    };
    let title = view! { <h2 class="section-title">"Settings"</h2> }.erase();
    let actions = view! { <Submit form label="Save" /> }.erase();
    let update = without_refreshes(live, update);
    form_element(form, title, (fields, actions), (update, Arc::new(done)))
}

/// Pauses refreshes of the page until the response: they would not find an object under its old
/// name.
fn without_refreshes(live: Option<Live>, update: Save) -> Save {
    Arc::new(move || {
        live.map(Live::begin_change).unwrap_or_default();
        let response = update();
        Box::pin(async move {
            let saved = response.await;
            if saved.is_err() {
                live.map(Live::resume_refreshes).unwrap_or_default();
            }
            saved
        })
    })
}

/// A form with one button that changes a part of an object.
pub fn action_form(
    form: FormState,
    fields: AnyView,
    label: &'static str,
    send: Save,
    done: impl Fn() + Send + Sync + 'static,
) -> AnyView {
    let actions = view! { <Submit form label /> }.erase();
    let done = move |_| {
        form.busy.try_set(false);
        done();
    };
    form_element(form, ().erase(), (fields, actions), (send, Arc::new(done)))
}

/// The form element. On submission it validates the values and sends them; errors of the server are
/// shown in the form.
fn form_element(
    form: FormState,
    title: AnyView,
    (fields, actions): (AnyView, AnyView),
    (save, done): (Save, SaveHandler),
) -> AnyView {
    let submit = move |ev: SubmitEvent| {
        ev.prevent_default();
        if !form.submit() {
            return;
        }
        let (response, done) = (save(), done.clone());
        spawn_local(async move {
            match response.await {
                Ok(saved) => done(saved),
                Err(failure) => form.refuse(failure),
            }
        });
    };
    view! {
        <form class="form" novalidate on:submit=act(submit)>
            {title}
            <Refusals form />
            {fields}
            <div class="actions">{actions}</div>
        </form>
    }
    .erase()
}
