//! The parts that pages are made of. Each knows how it looks and behaves, none knows of containers,
//! jobs or sites except for the marks of their states.
//!
//! How a page is put together:
//!
//! - **Data**: `live_resource(key, fetch, interests, skeleton, view)`. `key` is a `Signal` (of parameters
//!   from the address), `fetch` a function such as `server_fns::jobs::list`, `interests` says for a value
//!   which events make it old (`|_| vec![Event::all(Topic::Job)]`), `skeleton` is `list_skeleton`
//!   or `object_skeleton`. `view` is called once with a [`live_resource::LiveResource`]; read it in closures
//!   (`loaded.with(|value| …)`), so that the page follows without being built anew. Keep whatever
//!   a person types in signals made in the page's own function, never from `loaded` directly.
//! - **Head**: `<PageHead title aside actions />` sets the document's title too.
//! - **Lists**: `<Filters path search filters keep />` keeps everything in the address;
//!   `list_keys(create)` gives the keys; rows in `<table class="list" role="table">` with explicit
//!   roles (`rowgroup`, `row`, `cell`), because below 768 px rows become cards; `data-label` on a
//!   cell names it there; the main link of a row carries `class="row-link"` and `data-row`.
//!   `<For>` by id, with a `Memo` per row; `sort_head`, `<Pager place href />`, `empty(…)`.
//! - **Forms**: one `RwSignal` of the model's form, a [`form::FormState`] with its `parse`, and
//!   `<Field form name label value=bind!(signal, field) hint />`, `<Choice … />`,
//!   `<Tick form name label checked set hint barred />`, `<Refusals form />` at the top, `<Submit form label />`. On submission: `if form.submit()`,
//!   call the server, `form.refuse(failure)` on refusal.
//! - **Danger**: [`delete_card::danger`] at the end of a page; elsewhere [`dialog::Deletion`] and
//!   `<DeleteDialog deletion name losses delete />`.
//!   Within such a view only `live_resource_within`.
//! - **Jobs**: `job_view::job_view(job)` shows failure and steps of a `LiveResource<JobView>`,
//!   `job_view::job_actions(job)` the buttons to cancel and retry, `log::job_log` the log.
//! - **Small things**: `icon(name)`, `status_badge`, `job_badge`, `badge(word, tone, shape)`,
//!   `certificate_badge`, `ago(moment)`, `when(moment)` for one that may be to come, `<Copy text what />`, `usage_bar`, `host(name)`, `<Menu id label>` with `<MenuItem …/>`,
//!   `Toasts::here()` with `tell`, `warn`, `undoable`.
//!
//! Classes (see `style/tailwind.css`): `card`, `card-title`, `stack`, `facts` (a `dl`), `actions`,
//! `btn btn-primary btn-danger btn-quiet btn-small btn-icon`, `muted`, `mono`, `num`, `panel`,
//! `form` (one column), `fold` (a `details`). No inline styles: the CSP refuses them.

pub mod badge;
pub mod delete_card;
pub mod dialog;
mod erased_value;
pub mod failure;
pub mod form;
pub mod fresh;
pub mod host;
pub mod icon;
mod initial_data;
pub mod job_view;
pub mod lazy;
pub mod list;
pub mod live_resource;
pub mod log;
pub mod menu;
pub mod meter;
pub mod page;
pub mod steps;
pub mod tick;
pub mod title;
pub mod toast;
