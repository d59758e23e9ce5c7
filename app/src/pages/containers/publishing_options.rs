//! Advanced options of a service: its domain and publishing options.

use model::{names::Domain, services::ServiceKind};

use super::service_rows::Row;
use crate::pages::prelude::*;

/// The domain if there are several, and the other options in a fold.
pub fn publishing_options(row: Row, kind: Option<ServiceKind>) -> AnyView {
    let options = match kind {
        Some(ServiceKind::Http) => http_options(row),
        Some(ServiceKind::Tcp) => view! {
            {tls(row)}
            {idle_timeout(row)}
            <Checkbox form=row.state name=row.name("proxy_protocol") label="Send PROXY protocol" checked=row.is_checked(|service| service.proxy_protocol) set=row.set_checked(|service| &mut service.proxy_protocol) hint="Passes the client's address. The backend must support it." />
        }
        .erase(),
        Some(ServiceKind::Udp) => idle_timeout(row),
        Some(ServiceKind::Srv) | None => return ().erase(),
    };
    let domain = (kind == Some(ServiceKind::Http)).then(|| domain(row));
    // Options that are in use are not folded.
    let is_open =
        kind == Some(ServiceKind::Tcp) && row.is_checked(|service| service.tls).get_untracked();
    view! {
        <div class="service-more">
            {domain}
            <details class="fold" open=is_open>
                <summary>"Publishing options"</summary>
                <div class="stack-tight">{options}</div>
            </details>
        </div>
    }
    .erase()
}

/// The domain, if there is a choice: among several, or when the current domain is not available to
/// the user.
fn domain(row: Row) -> AnyView {
    let selected = row.text(|service| &mut service.domain);
    // The choice remains after another domain was chosen.
    let is_unavailable = Memo::new(move |before: Option<&Option<String>>| {
        let selected = selected.get.get();
        let own = |domains: &Vec<Domain>| domains.iter().any(|domain| domain.as_str() == selected);
        let is_unavailable = !selected.is_empty() && !row.domains.with(own);
        if is_unavailable {
            Some(selected)
        } else {
            before.cloned().flatten()
        }
    });
    let names = Memo::new(move |_| {
        let own = row
            .domains
            .get()
            .into_iter()
            .map(|domain| domain.to_string());
        is_unavailable
            .get()
            .into_iter()
            .chain(own)
            .collect::<Vec<_>>()
    });
    let default = move || row.domains.with(|own| own.first().map(ToString::to_string));
    let value = FieldBinding {
        get: Signal::derive(move || match selected.get.get() {
            selected if selected.is_empty() => default().unwrap_or_default(),
            selected => selected,
        }),
        set: selected.set,
    };
    let options = Signal::derive(move || {
        let names = names.get().into_iter();
        names.map(|name| (name.clone(), name)).collect()
    });
    let several = Memo::new(move |_| names.with(|names| names.len() > 1));
    let choice = move || {
        view! { <Choice form=row.state name=row.name("domain") label="Domain" value options /> }
            .erase()
    };
    reactive(move || several.get().then(choice))
}

fn http_options(row: Row) -> AnyView {
    let backends = options([
        ("http", "HTTP"),
        ("https", "HTTPS, any certificate"),
        ("https-verified", "HTTPS, verified certificate"),
    ]);
    view! {
        <Choice form=row.state name=row.name("backend") label="Backend protocol" value=row.text(|service| &mut service.backend) options=backends />
        <div class="pair">
            <Field form=row.state name=row.name("body") label="Max. request body (MiB)" optional=true value=row.text(|service| &mut service.body) hint="Default: 2048" />
            {idle_timeout(row)}
        </div>
        <Checkbox form=row.state name=row.name("sign_in") label="Require sign-in" checked=row.is_checked(|service| service.sign_in) set=row.set_checked(|service| &mut service.sign_in) hint="Uses the sign-in that an operator configured for the domain." />
        <Checkbox form=row.state name=row.name("buffering") label="Buffering" checked=row.is_checked(|service| service.buffering) set=row.set_checked(|service| &mut service.buffering) hint="Buffers responses in memory, so that slow clients do not occupy the backend. Turn off for streaming." />
    }
    .erase()
}

/// The TLS options of a port and the hostname for TLS.
fn tls(row: Row) -> AnyView {
    let checked = row.is_checked(|service| service.tls);
    let is_enabled = Memo::new(move |_| checked.get());
    let name = reactive(move || {
        is_enabled
            .get()
            .then(|| view! { {row.hostname()} {domain(row)} }.erase())
    });
    view! {
        <Checkbox form=row.state name=row.name("tls") label="TLS" checked set=row.set_checked(|service| &mut service.tls)
            hint="The edge host terminates TLS with a certificate for the hostname. The container receives plain TCP." />
        {name}
    }
    .erase()
}

fn idle_timeout(row: Row) -> AnyView {
    view! { <Field form=row.state name=row.name("idle_timeout") label="Idle timeout (seconds)" optional=true value=row.text(|service| &mut service.idle_timeout) hint="Default: 600" /> }.erase()
}
