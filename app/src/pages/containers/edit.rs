//! A change of a container that is being typed, and its way to the server. Services, environment
//! and settings are parts of the same change.

use crate::solid::{Solid as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use model::containers::{ContainerForm, Status};

use crate::{
    api::{self, containers::Shown},
    components::{
        form::{FormState, Submit},
        icon::icon,
        loaded::Loaded,
        toast::Toasts,
    },
};

/// A change, typed but not yet made.
#[derive(Clone, Copy)]
pub struct Draft {
    /// The values.
    pub form: RwSignal<ContainerForm>,
    /// The form.
    pub state: FormState,
    container: Loaded<Shown>,
    base: RwSignal<ContainerForm>,
    version: RwSignal<i64>,
    restart: RwSignal<bool>,
    toasts: Toasts,
}

impl Draft {
    /// Begins with the container as it is, and follows it while nothing is typed.
    pub fn new(container: Loaded<Shown>) -> Self {
        let present = container.peek(|view| ContainerForm::from(&view.view));
        let form = RwSignal::new(present.clone());
        let check = move || form.with_untracked(|form| form.parse().err().unwrap_or_default());
        let draft = Self {
            form,
            state: FormState::new(check),
            container,
            base: RwSignal::new(present),
            version: RwSignal::new(container.peek(|view| view.version)),
            restart: RwSignal::new(false),
            toasts: Toasts::here(),
        };
        let version = container.part(|view| view.version);
        Effect::new(move |_| {
            version.track();
            draft.follow();
        });
        draft
    }

    /// Takes a newer state of the container in, unless something is typed.
    fn follow(self) {
        let present = self.container.peek(|view| view.version);
        if present >= self.version.get_untracked() && !self.dirty_now() {
            self.load();
        }
    }

    /// Whether something was typed that the server does not have; tracked.
    fn dirty(self) -> bool {
        self.form.with(|form| self.base.with(|base| form != base))
    }

    fn dirty_now(self) -> bool {
        self.form
            .with_untracked(|form| self.base.with_untracked(|base| form != base))
    }

    /// Takes the container as it is now; what was typed is gone.
    fn load(self) {
        let present = self.container.peek(|view| ContainerForm::from(&view.view));
        self.version.set(self.container.peek(|view| view.version));
        self.base.set(present.clone());
        self.form.set(present);
        self.state.failure.set(None);
    }

    /// Sends the change.
    pub fn save(self) {
        if !self.state.submit() {
            return;
        }
        let (id, name) = self
            .container
            .peek(|view| (view.row.id, view.row.name.clone()));
        let form = self.form.get_untracked();
        let (version, restart) = (self.version.get_untracked(), self.restart.get_untracked());
        spawn_local(async move {
            match api::containers::edit(id, version, form.clone(), restart).await {
                Ok(_) => {
                    self.state.busy.set(false);
                    self.base.set(form);
                    // Our own change made the next version; what was typed meanwhile builds on it.
                    self.version.set(version + 1);
                    // The stream may have told of the change before the answer came.
                    self.follow();
                    self.container.refresh();
                    self.toasts.tell(format!("Changed {name}."));
                }
                Err(failure) => self.state.refuse(failure),
            }
        });
    }
}

/// The end of a form: what somebody else changed meanwhile, whether to restart, and the button.
pub fn footer(draft: Draft, restart_matters: bool) -> AnyView {
    let container = draft.container;
    let version = container.part(|view| view.version);
    let overtaken = move || draft.dirty() && version.get() > draft.version.get();
    let note = reactive(move || {
        overtaken().then(|| {
            view! {
                <section class="panel panel-warning" role="alert">
                    <p class="panel-title">{icon("triangle-alert")} "Somebody changed this container meanwhile."</p>
                    <button type="button" class="btn btn-small" on:click=act(move |_| draft.load())>"Drop what I typed and load it"</button>
                </section>
            }.solid()
        })
    });
    let running = container.part(|view| view.row.status == Status::Running);
    let restart = reactive(move || {
        (restart_matters && running.get()).then(|| {
            view! {
                <label class="check">
                    <input type="checkbox" prop:checked=draft.restart on:change=act(move |ev| draft.restart.set(event_target_checked(&ev))) />
                    "Restart it, so that everything takes effect at once"
                </label>
            }.solid()
        })
    });
    let name = container.peek(|view| view.row.name.to_string());
    view! {
        {note} {restart}
        <div class="actions">
            <Submit form=draft.state label=format!("Change {name}") />
            <button type="button" class="btn" disabled=Signal::derive(move || !draft.dirty()) on:click=act(move |_| draft.load())>"Discard"</button>
        </div>
    }
    .solid()
}
