//! The services of a container.

use crate::erase::{Erase as _, act, reactive};
use leptos::prelude::*;
use model::{containers::ContainerDetail, services::ServiceKind};

use super::{
    edit::{Draft, footer},
    overview::{place, published},
    service_rows::service_rows,
};
use crate::components::{form::Refusals, live_resource::LiveResource};

/// The tab.
pub fn tab(container: LiveResource<ContainerDetail>) -> AnyView {
    let draft = Draft::new(container);
    let domains = container.part(|view| view.domains.clone());
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        draft.save();
    };
    view! {
        <div class="stack">
            {service_list(container)}
            <section class="card">
                <h2 class="card-title">"Edit services"</h2>
                <form class="form" on:submit=act(submit) novalidate>
                    <Refusals form=draft.state />
                    {service_rows(draft.form, draft.state, domains.into())}
                    {footer(draft, false)}
                </form>
            </section>
        </div>
    }
    .erase()
}

fn service_list(container: LiveResource<ContainerDetail>) -> AnyView {
    let services = container.part(|view| view.services.clone());
    let domain = container.peek(|view| view.row.domain.clone());
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
                        {place(service, &domain)}
                        {published(container, service.id)}
                    </div>
                }
                .erase()
            })
            .collect::<Vec<_>>()
            .erase()
    });
    view! { <section class="card"><h2 class="card-title">"Services"</h2><div class="stack">{items}</div></section> }.erase()
}
