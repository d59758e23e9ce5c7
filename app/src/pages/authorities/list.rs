//! The list of CAs.

use model::authorities::AuthorityRow;

use super::domain_names;
use crate::pages::{certificates::tabs, prelude::*};

const LIST: ListPage = ListPage {
    title: "Certificate authorities",
    count: ("CA", "CAs"),
    create: || {
        Session::may::<AuthorityManage>()
            .then_some(("/authorities/new", "Add certificate authority"))
    },
    tabs: || tabs(1),
    empty: (
        "landmark",
        "No certificate authorities yet",
        "A certificate authority (CA) such as Let's Encrypt issues certificates that browsers trust. After an administrator has added a CA, select it on a domain's page.",
    ),
    ..ListPage::DEFAULT
};

const ROWS: Rows<AuthorityRow> = Rows {
    label: "Certificate authorities",
    id: |row| row.id.0,
    columns: &[
        main_column("Name", |row| {
            row_link(format!("/authorities/{}", row.name), text(&row.name))
        }),
        column("Directory", "mono cell-long", |row| text(&row.directory)),
        column("Account", "", |row| match row.account {
            Some(_) => text("registered"),
            None => muted("none yet"),
        }),
        column("Domains", "cell-long", |row| domain_names(&row.domains)),
    ],
};

pub fn page() -> AnyView {
    list_page(
        &LIST,
        Signal::from(()),
        |()| server_fns::authorities::list(),
        |_| [Topic::Authority, Topic::Domain].map(Event::all).to_vec(),
        |all| unpaged(all),
        &ROWS,
    )
}
