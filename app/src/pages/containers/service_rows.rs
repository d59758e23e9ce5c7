//! The rows of services in a form, which can be added and removed.

use model::{
    containers::{ContainerForm, MAX_SERVICES},
    names::Domain,
    services::{ServiceForm, ServiceKind},
};

use super::publishing_options::publishing_options;
use crate::pages::prelude::*;

/// A service of kind `http` on port 80.
pub fn http_service() -> ServiceForm {
    service("http", "80")
}

/// A TCP service. Without a port, so that no port is published by mistake.
fn tcp_service() -> ServiceForm {
    service("tcp", "")
}

fn service(kind: &str, port: &str) -> ServiceForm {
    ServiceForm {
        kind: kind.to_owned(),
        port: port.to_owned(),
        ..ServiceForm::default()
    }
}

/// The rows with their buttons. `domains` are those that HTTP services can use.
pub fn service_rows(
    form: RwSignal<ContainerForm>,
    state: FormState,
    domains: Signal<Vec<Domain>>,
) -> AnyView {
    let count = Memo::new(move |_| form.with(|form| form.services.len()));
    let add = move |service: fn() -> ServiceForm| {
        move |_| form.update(|form| form.services.push(service()))
    };
    let full = Signal::derive(move || count.get() >= MAX_SERVICES);
    view! {
        <div class="stack-tight service-rows">
            <For each=move || 0..count.get() key=|index| *index children=move |index| row(Row { form, state, index, domains }) />
            <div class="actions">
                <button type="button" class="btn btn-small" disabled=full on:click=act(add(http_service))>{icon("globe")} "Add HTTP service"</button>
                <button type="button" class="btn btn-small" disabled=full on:click=act(add(tcp_service))>{icon("plus")} "Add port"</button>
            </div>
        </div>
    }
    .erase()
}

/// One row of the form.
#[derive(Clone, Copy)]
pub struct Row {
    form: RwSignal<ContainerForm>,
    pub state: FormState,
    index: usize,
    /// The domains that HTTP services can use.
    pub domains: Signal<Vec<Domain>>,
}

impl Row {
    /// The name of a field of the row in the parser's errors.
    pub fn name(self, field: &str) -> String {
        format!("services.{}.{field}", self.index)
    }

    /// A binding to a text of the row; follows the row if its index changes.
    pub fn text(self, of: fn(&mut ServiceForm) -> &mut String) -> FieldBinding {
        FieldBinding {
            get: self.part(move |service| std::mem::take(of(service))),
            set: Callback::new(move |text| self.change(|service| *of(service) = text)),
        }
    }

    /// Whether an option of the row is checked.
    pub fn is_checked(self, of: fn(&ServiceForm) -> bool) -> Signal<bool> {
        self.part(move |service| of(service))
    }

    /// Sets an option of the row.
    pub fn set_checked(self, of: fn(&mut ServiceForm) -> &mut bool) -> Callback<bool> {
        Callback::new(move |on| self.change(|service| *of(service) = on))
    }

    pub fn hostname(self) -> AnyView {
        let value = self.text(|service| &mut service.label);
        view! { <Field form=self.state name=self.name("label") label="Hostname" optional=true value hint="Label before the domain. Default: the container's name." /> }.erase()
    }

    fn part<T: Default + Send + Sync + 'static>(
        self,
        read: impl Fn(&mut ServiceForm) -> T + Send + Sync + 'static,
    ) -> Signal<T> {
        Signal::derive(move || {
            let service = self
                .form
                .with(|form| form.services.get(self.index).cloned());
            service
                .map(|mut service| read(&mut service))
                .unwrap_or_default()
        })
    }

    fn change(self, change: impl FnOnce(&mut ServiceForm)) {
        self.form.update(|form| {
            if let Some(service) = form.services.get_mut(self.index) {
                change(service);
            }
        });
    }

    fn remove(self) {
        self.form.update(|form| {
            if self.index < form.services.len() {
                form.services.remove(self.index);
            }
        });
    }
}

fn row(row: Row) -> AnyView {
    let state = row.state;
    let kinds = ServiceKind::ALL.map(|kind| (kind.to_string(), kind_label(kind).to_owned()));
    let kind = row.text(|service| &mut service.kind);
    let chosen = Memo::new(move |_| kind.get.with(|kind| kind.parse::<ServiceKind>().ok()));
    let publication = reactive(move || {
        match chosen.get() {
        Some(ServiceKind::Http) => row.hostname(),
        Some(ServiceKind::Srv) => view! { <Field form=state name=row.name("name") label="Name" value=row.text(|service| &mut service.name) hint="Such as _sip._tcp. Resolves in the site only." /> }.erase(),
        _ => view! { <Field form=state name=row.name("external") label="External port" optional=true value=row.text(|service| &mut service.external) hint="Default: any free port" /> }.erase(),
    }
    });
    let label = format!("Service {}", row.index + 1);
    view! {
        <div class="service-row" role="group" aria-label=label.clone()>
            <Choice form=state name=row.name("kind") label="Kind" value=kind options=kinds.to_vec() />
            <Field form=state name=row.name("port") label="Container port" value=row.text(|service| &mut service.port) />
            <div>{publication}</div>
            <button type="button" class="btn btn-quiet btn-icon" aria-label=format!("Remove {label}") on:click=act(move |_| row.remove())>{icon("trash-2")}</button>
            {reactive(move || publishing_options(row, chosen.get()))}
        </div>
    }
    .erase()
}

fn kind_label(kind: ServiceKind) -> &'static str {
    match kind {
        ServiceKind::Http => "HTTP",
        ServiceKind::Tcp => "TCP port",
        ServiceKind::Udp => "UDP port",
        ServiceKind::Srv => "SRV record",
    }
}
