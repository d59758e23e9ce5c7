//! The services of a container in a form: rows that are added and removed.

use crate::solid::{Solid as _, act, reactive};
use leptos::prelude::*;
use model::{
    containers::{ContainerForm, MAX_SERVICES},
    services::ServiceForm,
};

use crate::components::{
    form::{Bound, Choice, Field, FormState},
    icon::icon,
};

/// A service of the kind `http` on the usual port.
pub fn web_page() -> ServiceForm {
    ServiceForm {
        kind: "http".to_owned(),
        port: "80".to_owned(),
        ..ServiceForm::default()
    }
}

fn login() -> ServiceForm {
    ServiceForm {
        kind: "tcp".to_owned(),
        port: "22".to_owned(),
        ..ServiceForm::default()
    }
}

/// The rows and the buttons under them.
pub fn service_rows(form: RwSignal<ContainerForm>, state: FormState) -> AnyView {
    let count = Memo::new(move |_| form.with(|form| form.services.len()));
    let add = move |service: fn() -> ServiceForm| {
        move |_| form.update(|form| form.services.push(service()))
    };
    let full = Signal::derive(move || count.get() >= MAX_SERVICES);
    view! {
        <div class="stack-tight">
            <For each=move || 0..count.get() key=|index| *index children=move |index| row(form, state, index) />
            <div class="actions">
                <button type="button" class="btn btn-small" disabled=full on:click=act(add(web_page))>{icon("globe")} "Add a web page"</button>
                <button type="button" class="btn btn-small" disabled=full on:click=act(add(login))>{icon("plus")} "Add a port"</button>
            </div>
        </div>
    }
    .solid()
}

fn row(form: RwSignal<ContainerForm>, state: FormState, index: usize) -> AnyView {
    let bound = move |of: fn(&mut ServiceForm) -> &mut String| part(form, index, of);
    let name = move |field: &str| format!("services.{index}.{field}");
    let kinds = [
        ("http", "Web page"),
        ("tcp", "TCP port"),
        ("udp", "UDP port"),
    ];
    let kinds: Vec<(String, String)> = kinds
        .iter()
        .map(|(kind, words)| ((*kind).to_owned(), (*words).to_owned()))
        .collect();
    let kind = bound(|service| &mut service.kind);
    let web = Memo::new(move |_| kind.get.with(|kind| kind == "http"));
    let outside = reactive(move || {
        if web.get() {
            view! { <Field form=state name=name("label") label="Name" optional=true value=bound(|service| &mut service.label) hint="Before the domain; else the container's name" /> }.solid()
        } else {
            view! { <Field form=state name=name("external") label="Outer port" optional=true value=bound(|service| &mut service.external) hint="Else a free one is chosen" /> }.solid()
        }
    });
    let remove = move |_| {
        form.update(|form| {
            if index < form.services.len() {
                form.services.remove(index);
            }
        });
    };
    let label = format!("Service {}", index + 1);
    view! {
        <div class="service-row" role="group" aria-label=label.clone()>
            <Choice form=state name=name("kind") label="Kind" value=kind options=kinds />
            <Field form=state name=name("port") label="Inner port" value=bound(|service| &mut service.port) />
            <div>{outside}</div>
            <button type="button" class="btn btn-quiet btn-icon" aria-label=format!("Remove {label}") on:click=act(remove)>{icon("trash-2")}</button>
        </div>
    }
    .solid()
}

/// A text of one row, wherever the row is by then.
fn part(
    form: RwSignal<ContainerForm>,
    index: usize,
    of: fn(&mut ServiceForm) -> &mut String,
) -> Bound {
    Bound {
        get: Signal::derive(move || {
            let service = form.with(|form| form.services.get(index).cloned());
            service
                .map(|mut service| std::mem::take(of(&mut service)))
                .unwrap_or_default()
        }),
        set: Callback::new(move |text| {
            form.update(|form| {
                if let Some(service) = form.services.get_mut(index) {
                    *of(service) = text;
                }
            });
        }),
    }
}
