//! The services of a container.

use model::{
    containers::{ContainerDetail, Status},
    services::ServiceKind,
};

use super::{
    edit::{Draft, draft_form},
    overview::{public_address, publishing_status},
    service_rows::service_rows,
};
use crate::pages::prelude::*;

pub fn tab(container: LiveResource<ContainerDetail>) -> AnyView {
    let draft = Draft::new(container);
    let domains = container.part(|view| view.domains.clone());
    let rows = service_rows(draft.values, draft.form, domains.into());
    let edit = card("Edit services", draft_form(draft, rows, false));
    view! { <div class="stack">{service_list(container)} {edit}</div> }.erase()
}

fn service_list(container: LiveResource<ContainerDetail>) -> AnyView {
    let services = container.part(|view| view.services.clone());
    let domain = container.peek(|view| view.row.domain.clone());
    let runs = container.part(|view| view.row.status == Status::Running);
    let items = reactive(move || {
        let services = services.get();
        if services.is_empty() {
            return view! { <p class="muted">"No services yet. Add an HTTP service or a port below."</p> }.erase();
        }
        services
            .iter()
            .map(|service| {
                let kind = match service.kind() {
                    ServiceKind::Http => "HTTP",
                    ServiceKind::Tcp => "TCP",
                    ServiceKind::Udp => "UDP",
                    ServiceKind::Srv => "SRV record",
                };
                view! {
                    <div class="stack-tight">
                        <p class="muted num">{format!("{kind}, container port {}", service.port)}</p>
                        {public_address(service, &domain, runs.get())}
                        {publishing_status(container, service.id)}
                    </div>
                }
                .erase()
            })
            .collect::<Vec<_>>()
            .erase()
    });
    card(
        "Services",
        view! { <div class="stack">{items}</div> }.erase(),
    )
}
