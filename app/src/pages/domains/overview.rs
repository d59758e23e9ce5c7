//! The state of a domain: what is published under it, its certificates and its DNS records.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;

use super::{addresses, certificates, issuance::source_summary};
use model::domains::DomainDetail;

use crate::components::live_resource::LiveResource;

/// The tab.
pub fn tab(page: LiveResource<DomainDetail>) -> AnyView {
    view! { {facts(page)} {addresses::card(page)} }.erase()
}

fn facts(page: LiveResource<DomainDetail>) -> AnyView {
    reactive(move || {
        page.with(|page| {
            let domain = &page.domain;
            let spec = &domain.spec;
            let header = match spec.hsts.header() {
                Some(header) => view! { <dd class="mono">{header}</dd> }.erase(),
                None => view! { <dd class="muted">"not sent"</dd> }.erase(),
            };
            let state =
                certificates::in_row(spec.issuance, domain.certificates, domain.attention_count);
            view! {
                <dl class="card facts">
                    <dt>"Site"</dt><dd>{domain.site_name.to_string()}</dd>
                    <dt>"HTTP services"</dt><dd class="num">{domain.services}</dd>
                    <dt>"Certificates"</dt><dd>{state}</dd>
                    <dt>"Certificate source"</dt><dd>{source_summary(spec.issuance)}</dd>
                    <dt>"DNS provider"</dt><dd>{records(page)}</dd>
                    <dt>"HSTS header"</dt>{header}
                </dl>
            }
            .erase()
        })
    })
}

/// The DNS provider, and whether it has address records.
pub fn records(page: &DomainDetail) -> AnyView {
    let spec = &page.domain.spec;
    let mut all = page.choices.providers.iter();
    let Some((_, name, _)) = all.find(|(id, ..)| Some(*id) == spec.provider) else {
        return view! { <span class="muted">"none"</span> }.erase();
    };
    let what = match spec.addresses {
        true => ", with address records",
        false => "",
    };
    let href = format!("/providers/{name}");
    view! { <span><a class="link" href=href>{name.to_string()}</a> {what}</span> }.erase()
}
