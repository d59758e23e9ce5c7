//! The list of certificates, by domain, with those that need attention at the top.

use model::certificates::{
    ALARMING, CertificateList, CertificateQuery, CertificateRow, CertificateState,
};

use super::{attention_reason, next_action, tabs, valid_until};
use crate::{components::badge::certificate_badge, pages::prelude::*};

const PATH: &str = "/certificates";
const NEW: &str = "/certificates/new";

const LIST: ListPage = ListPage {
    title: "Certificates",
    count: ("certificate", "certificates"),
    create: || Some((NEW, "Upload certificate")),
    actions: Some(|| {
        view! { <a class="btn" href=NEW>{icon("upload")} "Upload certificate"</a> }.erase()
    }),
    tabs: || tabs(0),
    search: Some(Search {
        path: PATH,
        columns: "Name, domain, site or issuer",
        filters: || {
            let mut filter = Filter::new(
                "state",
                "All statuses",
                &STATES.map(CertificateState::as_str),
            );
            let attention = (ALARMING.to_owned(), "needs attention".to_owned());
            filter.options.insert(0, attention);
            vec![filter]
        },
        parameters: &["q", "state"],
        no_match: "Change the search or the status filter.",
    }),
    empty: (
        "shield-check",
        "No certificates yet",
        "Certificates secure the names of a domain; without them, edge hosts serve self-signed ones, which browsers warn about. Select a certificate authority on a domain's page, or upload a certificate.",
    ),
    first_step: Some(first_step),
};

const ROWS: Rows<CertificateRow> = Rows {
    label: "Certificates",
    id: |row| row.id.0,
    columns: &[
        main_column("Subject", |row| {
            let unused = (!row.is_used).then(|| secondary_text("unused".to_owned()));
            view! { {link(row)} {unused} {last_error(row)} }.erase()
        }),
        STATUS,
        column("Domain", "", |row| {
            let site = secondary_text(format!("site {}", row.site_name));
            view! { {host(row.domain_name.as_str())} {site} }.erase()
        }),
        column("Issuer", "", |row| match &row.issued {
            Some(issued) => text(&issued.issuer),
            None => muted("–"),
        }),
        VALID_UNTIL,
        column("Renewal", "num", next_action),
    ],
};

/// The column of the state.
pub const STATUS: Column<CertificateRow> =
    badge_column("Status", |row| certificate_badge(row.state));

/// The column of the end of validity.
pub const VALID_UNTIL: Column<CertificateRow> = column("Valid until", "num", valid_until);

/// The states, in the order of the filter.
const STATES: [CertificateState; 6] = [
    CertificateState::Waiting,
    CertificateState::Failed,
    CertificateState::Issued,
    CertificateState::Renewing,
    CertificateState::Expiring,
    CertificateState::Expired,
];

pub fn page() -> AnyView {
    LIST.start_keys();
    let query = url_query(|url| CertificateQuery {
        q: url.text("q"),
        state: url.text("state"),
        page: url.page(),
    });
    live_resource(
        query.into(),
        server_fns::certificates::find,
        |_| vec![Event::all(Topic::Certificate), Event::all(Topic::Domain)],
        list_skeleton,
        |listed| {
            let state = ListState {
                above: attention_panel(listed),
                has_no_objects: Some(listed.part(|listed| listed.total == 0)),
                ..ListState::new(listed, |listed| paged(&listed.page), &ROWS)
            };
            list_view(&LIST, state)
        },
    )
}

/// The certificates that need attention.
fn attention_panel(listed: LiveResource<CertificateList>) -> AnyView {
    let all = listed.part(|listed| (listed.alarming.clone(), listed.attention_count));
    reactive(move || {
        let (rows, count) = all.get();
        let is_worse = |row: &CertificateRow| row.state != CertificateState::Expiring;
        let class = match rows.iter().any(is_worse) {
            true => "panel panel-danger",
            false => "panel panel-warning",
        };
        let title = match count {
            0 => return None,
            1 => "1 certificate needs attention".to_owned(),
            count => format!("{count} certificates need attention"),
        };
        let rest = (count > rows.len()).then(|| {
            let href = list_url(PATH, &[("state", ALARMING)]);
            view! { <p class="links"><a href=href>"Show all"</a></p> }.erase()
        });
        let each = rows.iter().map(alarm).collect::<Vec<_>>();
        Some(
            view! {
                <section class=class aria-label="Needs attention">
                    <p class="panel-title">{icon("triangle-alert")} {title}</p>
                    <ul class="links stack-tight">{each}</ul>
                    {rest}
                </section>
            }
            .erase(),
        )
    })
}

fn alarm(row: &CertificateRow) -> AnyView {
    let (href, subject) = (format!("{PATH}/{}", row.id), row.subject.to_string());
    view! { <li><a href=href>{subject}</a> ": " {attention_reason(row)}</li> }.erase()
}

/// How to get the first certificate.
fn first_step() -> AnyView {
    let first = Session::may::<AuthorityManage>()
        .then(|| main_link("/authorities/new", "plus", "Add certificate authority"));
    view! {
        <div class="actions">{first} <a class="btn" href="/domains">{icon("globe")} "Select a certificate source"</a></div>
    }
    .erase()
}

pub fn link(row: &CertificateRow) -> AnyView {
    row_link(format!("{PATH}/{}", row.id), host(row.subject.as_str()))
}

/// Why the last issuance failed.
pub fn last_error(row: &CertificateRow) -> AnyView {
    error_note(
        row.last_error
            .as_ref()
            .map(|last_error| &last_error.message),
    )
}

fn secondary_text(text: String) -> AnyView {
    view! { <span class="row-aside">{text}</span> }.erase()
}
