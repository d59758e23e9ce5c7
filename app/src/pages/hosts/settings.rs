//! The DHCP server of the host's site, a new join token, and the deletion of the host.

use model::hosts::{HostDetail, HostRow, IssuedJoinToken};

use super::{
    dhcp::dhcp_card,
    join_token::{NewHost, join_instructions},
};
use crate::pages::prelude::*;

pub fn tab(host: LiveResource<HostDetail>) -> AnyView {
    let name = host.part(|host| host.row.name.to_string());
    view! { {dhcp_card(host)} {new_token(host)} {deletion(host, name)} }.erase()
}

/// A new join token, for a new host or a lost key.
fn new_token(host: LiveResource<HostDetail>) -> AnyView {
    let issued = RwSignal::new(None::<IssuedJoinToken>);
    let action = Action::default();
    let renew = move || {
        let id = host.peek(|host| host.row.id);
        action.send(server_fns::hosts::renew_join_token(id), move |token| {
            issued.try_set(Some(token));
        });
    };
    let has_joined = host.part(|host| host.row.facts.is_some());
    let help = reactive(move || match has_joined.get() {
        true => {
            "Use this if the host was replaced or its key was lost. It revokes the agent's key. The host keeps its configuration until the agent joins again."
        }
        false => "Use this if the token expired or was lost. The previous token becomes invalid.",
    });
    let content = view! {
        <p>{help}</p>
        <FailureLine failure=action.failure />
        <div class="actions">{action.button("rotate-cw", "New join token", renew)}</div>
    };
    let instructions = reactive_option(issued, move |token| {
        let new_host = host.peek(|host| NewHost {
            site: host.row.site_name.to_string(),
            name: host.row.name.to_string(),
        });
        let close = Callback::new(move |()| issued.set(None));
        join_instructions(new_host, token, Some(close))
    });
    view! { {tight_card("Join token", content.erase())} {instructions} }.erase()
}

fn deletion(host: LiveResource<HostDetail>, name: Memo<String>) -> AnyView {
    let is_needed = host.part(|host| host.row.dhcp.is_serving() && host.has_others);
    let blocked = move || {
        is_needed.get().then(|| {
            view! { <p>"This host is the DHCP server. Make another host the DHCP server first, or delete the other hosts."</p> }.erase()
        })
    };
    let has_joined = host.part(|host| host.row.facts.is_some());
    let consequences = move || host.with(|host| consequences(&host.row));
    delete_card(Kind::Host, name, consequences, move |typed| {
        server_fns::hosts::delete(host.peek(|host| host.row.id), typed)
    })
    .note(Signal::derive(move || match has_joined.get() {
        true => "This revokes the agent's key. The host keeps serving its last configuration until you stop nginx and dnsmasq there.",
        false => "",
    }))
    .blocked(blocked)
    .view()
}

/// The objects that are deleted along with a host.
fn consequences(row: &HostRow) -> Vec<String> {
    let host = format!("The host {} of the site {}", row.name, row.site_name);
    let Some(facts) = &row.facts else {
        return vec![host, "The join token of the host".to_owned()];
    };
    vec![
        format!("{host} and the key of its agent"),
        "The reported files of the host".to_owned(),
        format!(
            "{} no longer receives configuration changes.",
            facts.address
        ),
    ]
}
