//! Addresses whose records at the DNS provider are not as desired.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use model::domains::{DomainDetail, RecordFailure};

use crate::{
    components::{host::host, live_resource::LiveResource},
    pages::certificates::due,
};

/// The key of a record.
type Key = (String, String, String);

fn key(last_error: &RecordFailure) -> Key {
    let RecordFailure {
        name, kind, value, ..
    } = last_error;
    (name.clone(), kind.clone(), value.clone())
}

/// The card; empty if all records are as desired.
pub fn card(page: LiveResource<DomainDetail>) -> AnyView {
    let is_wrong = page.part(|page| !page.addresses.is_empty());
    reactive(move || is_wrong.get().then(|| last_errors(page)))
}

fn last_errors(page: LiveResource<DomainDetail>) -> AnyView {
    let keys = page.part(|page| page.addresses.iter().map(key).collect::<Vec<_>>());
    let render_row = move |wanted: Key| {
        row(page.part(move |page| {
            let mut all = page.addresses.iter();
            all.find(|last_error| key(last_error) == wanted).cloned()
        }))
    };
    view! {
        <section class="card stack-tight" aria-label="Failed address records">
            <h2 class="card-title">"Failed address records"</h2>
            <table class="list" role="table" aria-label="Failed address records">
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">"Record"</th>
                        <th role="columnheader" scope="col">"Next"</th>
                    </tr>
                </thead>
                <tbody role="rowgroup">
                    <For each=move || keys.get() key=Key::clone children=render_row />
                </tbody>
            </table>
        </section>
    }
    .erase()
}

fn row(row: Memo<Option<RecordFailure>>) -> AnyView {
    reactive(move || {
        let row = row.get()?;
        let next = match row.next_attempt {
            Some(at) => due("retry", at),
            None => view! { <span class="muted">"–"</span> }.erase(),
        };
        Some(
            view! {
                <tr role="row">
                    <td role="cell" class="cell-main">
                        <div>{host(&row.name)}</div>
                        <div class="muted mono">{format!("{} {}", row.kind, row.value)}</div>
                        <span class="row-note">{row.last_error.message}</span>
                    </td>
                    <td role="cell" data-label="Next" class="num">{next}</td>
                </tr>
            }
            .erase(),
        )
    })
}
