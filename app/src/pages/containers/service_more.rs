//! What most services leave as it is: the domain, and how a service is published.

use crate::solid::{Solid as _, reactive};
use leptos::prelude::*;
use model::services::ServiceKind;

use super::service_rows::Row;
use crate::components::{
    form::{Choice, Field},
    tick::Tick,
};

/// The domain where there is a choice, and the rest in a fold.
pub fn more(row: Row, kind: Option<ServiceKind>) -> AnyView {
    let options = match kind {
        Some(ServiceKind::Http) => web(row),
        Some(ServiceKind::Tcp) => view! {
            {quiet(row)}
            <Tick form=row.state name=row.name("tells_client") label="Tell the program who connects" checked=row.is_ticked(|service| service.tells_client) set=row.tick(|service| &mut service.tells_client) hint="By the PROXY protocol, which the program must expect" />
        }
        .solid(),
        Some(ServiceKind::Udp) => quiet(row),
        Some(ServiceKind::Srv) | None => return ().solid(),
    };
    let domain = (kind == Some(ServiceKind::Http)).then(|| reactive(move || domain(row)));
    view! {
        <div class="service-more">
            {domain}
            <details class="fold">
                <summary>"How it is published"</summary>
                <div class="stack-tight">{options}</div>
            </details>
        </div>
    }
    .solid()
}

/// The choice of a domain, where there is one: among several, or away from one that others gave.
fn domain(row: Row) -> Option<AnyView> {
    let value = row.text(|service| &mut service.domain);
    let present = value.get.get();
    let mut names: Vec<String> = row
        .domains
        .with(|domains| domains.iter().map(ToString::to_string).collect());
    let given = !present.is_empty() && !names.contains(&present);
    if names.len() < 2 && !given {
        return None;
    }
    if given {
        names.insert(0, present);
    }
    let usual = names.first().cloned().unwrap_or_default();
    let options: Vec<(String, String)> = names
        .into_iter()
        .map(|name| {
            (
                if name == usual && !given {
                    String::new()
                } else {
                    name.clone()
                },
                name,
            )
        })
        .collect();
    Some(
        view! { <Choice form=row.state name=row.name("domain") label="Domain" value=value options=options /> }
            .solid(),
    )
}

fn web(row: Row) -> AnyView {
    let backends: Vec<(String, String)> = [
        ("http", "HTTP"),
        ("https", "HTTPS with any certificate"),
        ("https-verified", "HTTPS with a certificate for its name"),
    ]
    .map(|(key, text)| (key.to_owned(), text.to_owned()))
    .to_vec();
    view! {
        <Choice form=row.state name=row.name("backend") label="The program speaks" value=row.text(|service| &mut service.backend) options=backends />
        <div class="pair">
            <Field form=row.state name=row.name("body") label="Largest request, MiB" optional=true value=row.text(|service| &mut service.body) hint="Else 2048" />
            {quiet(row)}
        </div>
        <Tick form=row.state name=row.name("sign_in") label="People sign in first" checked=row.is_ticked(|service| service.sign_in) set=row.tick(|service| &mut service.sign_in) hint="At the domain's sign-in, which an operator sets up" />
        <Tick form=row.state name=row.name("buffering") label="Gather requests and answers" checked=row.is_ticked(|service| service.buffering) set=row.tick(|service| &mut service.buffering) hint="Kinder to slow programs; streams would come late" />
    }
    .solid()
}

fn quiet(row: Row) -> AnyView {
    view! { <Field form=row.state name=row.name("quiet") label="May be quiet for, seconds" optional=true value=row.text(|service| &mut service.quiet) hint="Else 600" /> }.solid()
}
