//! The list of CAs.

use leptos::prelude::*;
use model::{
    authorities::AuthorityRow,
    events::{Event, Topic},
};

use super::domain_names;
use crate::{
    components::table::{Column, ListHead, Row, Rows, column, list_page, muted, text},
    pages::certificates::tabs,
    server_fns,
    session::Session,
};

const COLUMNS: [Column; 4] = [
    column("Name", ""),
    column("Directory", "mono cell-long"),
    column("Account", ""),
    column("Domains", "cell-long"),
];

/// The page.
pub fn page() -> AnyView {
    let head = ListHead {
        title: "Certificate authorities",
        count: ("CA", "CAs"),
        create: Session::is_administrator()
            .then_some(("/authorities/new", "Add certificate authority")),
        tabs: Some(|| tabs(1)),
        empty: (
            "landmark",
            "No certificate authorities yet",
            "A certificate authority (CA) such as Let's Encrypt issues certificates that browsers trust. After an administrator has added a CA, select it on a domain's page.",
        ),
    };
    list_page(
        head,
        server_fns::authorities::list,
        |_| [Topic::Authority, Topic::Domain].map(Event::all).to_vec(),
        Rows {
            label: "Certificate authorities",
            columns: &COLUMNS,
            id: |authority| authority.id.0,
            row,
        },
    )
}

fn row(row: &AuthorityRow) -> Row {
    let account = match row.account {
        Some(_) => text("registered"),
        None => muted("none yet"),
    };
    let cells = [text(&row.directory), account, domain_names(&row.domains)];
    Row::new(format!("/authorities/{}", row.name), text(&row.name), cells)
}
