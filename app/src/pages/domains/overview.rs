//! The state of a domain: its services, certificates and DNS records.

use model::domains::DomainDetail;

use super::{addresses, certificate_source::source_summary, certificates, fields::hsts};
use crate::pages::prelude::*;

pub fn tab(page: LiveResource<DomainDetail>) -> AnyView {
    view! { {page.view(facts)} {addresses::card(page)} }.erase()
}

fn facts(page: &DomainDetail) -> AnyView {
    let domain = &page.domain;
    let spec = &domain.spec;
    let state = certificates::certificate_counts(
        spec.certificate_source,
        domain.certificates,
        domain.attention_count,
    );
    Facts::new()
        .text("Site", &domain.site_name)
        .number("HTTP services", domain.services)
        .view("Certificates", state)
        .text(
            "Certificate source",
            source_summary(spec.certificate_source),
        )
        .view("DNS provider", records(page))
        .text("HSTS policy", hsts(spec.hsts))
        .card()
}

/// The DNS provider, and whether it has address records.
pub fn records(page: &DomainDetail) -> AnyView {
    let spec = &page.domain.spec;
    let mut all = page.choices.providers.iter();
    let Some((_, name, _)) = all.find(|(id, ..)| Some(*id) == spec.provider) else {
        return muted("none");
    };
    let suffix = match spec.addresses {
        true => ", with address records",
        false => "",
    };
    let href = format!("/providers/{name}");
    view! { <span><a class="link" href=href>{name.to_string()}</a> {suffix}</span> }.erase()
}
