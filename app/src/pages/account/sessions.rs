//! The sessions of the signed-in user.

use model::account::SessionRow;

use super::AccountPage;
use crate::pages::prelude::*;

const ROWS: Rows<SessionRow> = Rows {
    label: "Sessions",
    id: |session| text_id(session.id.as_str()),
    columns: &[
        main_column("Browser", browser),
        column("Address", "mono", |session| text(&session.address)),
        column("Last used", "", |session| ago(session.last_used)),
        wide_column("Signed in", |session| ago(session.created)),
        live_column("", "cell-actions", end_button),
    ],
};

/// The list of sessions, and the button that ends all but the current one.
pub fn card(page: LiveResource<AccountPage>) -> AnyView {
    let sessions = page.part(|(_, sessions)| sessions.clone());
    let has_others = page.part(|(_, sessions)| sessions.len() > 1);
    let action = Action::default();
    let toasts = Toasts::here();
    action.warn_on_failure(toasts);
    let end_others = reactive_if(has_others, move || {
        let end = move || {
            action.send(server_fns::account::end_other_sessions(), move |()| {
                page.refresh();
                toasts.notify("Your other sessions have ended.");
            });
        };
        let button = action.button("log-out", "End all other sessions", end);
        view! { <div class="actions">{button}</div> }.erase()
    });
    view! {
        <section class="stack" aria-label="Sessions">
            <h2 class="section-title">"Sessions"</h2>
            <p class="muted">"The browsers in which you are signed in. If you do not recognize one, end its session and change your password."</p>
            {table(sessions, &ROWS)}
            {end_others}
        </section>
    }
    .erase()
}

fn browser(session: &SessionRow) -> AnyView {
    let name = session
        .browser()
        .unwrap_or_else(|| "Unknown browser".to_owned());
    let current = session
        .is_current
        .then(|| badge("this session", Tone::Good, "circle-check"));
    view! { {name} " " {current} }.erase()
}

fn end_button(session: Memo<Option<SessionRow>>) -> AnyView {
    let action = Action::default();
    action.warn_on_failure(Toasts::here());
    let is_other = Memo::new(move |_| {
        session.with(|session| session.as_ref().is_some_and(|session| !session.is_current))
    });
    reactive_if(is_other, move || {
        action.button("log-out", "End session", move || {
            if let Some(session) = session.get_untracked() {
                action.send(server_fns::account::end_session(session.id), |()| ());
            }
        })
    })
}
