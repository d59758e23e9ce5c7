//! Addresses whose records at the DNS provider are not as desired.

use model::domains::{DomainDetail, RecordFailure};

use crate::pages::{certificates::due, prelude::*};

const ROWS: Rows<RecordFailure> = Rows {
    label: "Failed address records",
    id: |record| text_id((&record.name, &record.kind, &record.value)),
    columns: &[
        main_column("Record", |record| {
            let value = format!("{} {}", record.kind, record.value);
            view! {
                <div>{host(&record.name)}</div>
                <div class="muted mono">{value}</div>
                {error_note(Some(&record.last_error.message))}
            }
            .erase()
        }),
        column("Next attempt", "num", |record| match record.next_attempt {
            Some(at) => due("retry", at),
            None => muted("–"),
        }),
    ],
};

/// The card; empty if all records are as desired.
pub fn card(page: LiveResource<DomainDetail>) -> AnyView {
    let is_wrong = page.part(|page| !page.addresses.is_empty());
    let card = move || {
        view! {
            <section class="card stack-tight" aria-label="Failed address records">
                <h2 class="card-title">"Failed address records"</h2>
                {table(page.part(|page| page.addresses.clone()), &ROWS)}
            </section>
        }
        .erase()
    };
    reactive(move || is_wrong.get().then(card))
}
