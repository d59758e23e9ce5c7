//! The list of invitations.

use model::{InvitationId, invitations::InvitationRow};

use crate::pages::{prelude::*, users::tabs};

const LIST: ListPage = ListPage {
    title: "Invitations",
    count: ("invitation", "invitations"),
    create: || Some(("/invitations/new", "Invite")),
    tabs: || tabs(1),
    empty: (
        "users",
        "No open invitations",
        "With an invitation, a person creates an account with the role and limits that you choose. Accepted invitations are not listed.",
    ),
    ..ListPage::DEFAULT
};

const ROWS: Rows<InvitationRow> = Rows {
    label: "Invitations",
    id: |row| row.id.0,
    columns: &[
        main_column("Email", |row| text(&row.spec.email)),
        column("Role", "", |row| text(row.spec.role.as_str())),
        column("Invited by", "", |row| text(&row.invited_by)),
        column("Link expires", "", |row| when(row.expires)),
        live_column("", "cell-actions", delete_button),
    ],
};

pub fn page() -> AnyView {
    list_page(
        &LIST,
        url_query(|url| url.page()),
        server_fns::invitations::list,
        |_| vec![Event::all(Topic::Invitation)],
        paged,
        &ROWS,
    )
}

fn delete_button(row: Memo<Option<InvitationRow>>) -> AnyView {
    let action = Action::default();
    action.warn_on_failure(Toasts::here());
    let toasts = Toasts::here();
    let delete = move || {
        let Some((id, email)) = row.with_untracked(|row| row.as_ref().map(target)) else {
            return;
        };
        let done = move |()| toasts.notify(format!("Deleted the invitation of {email}."));
        action.send(server_fns::invitations::delete(id), done);
    };
    action.button("trash-2", "Delete", delete)
}

fn target(row: &InvitationRow) -> (InvitationId, String) {
    (row.id, row.spec.email.to_string())
}
