//! Tables of objects, and the page of a list that is fetched as a whole. Rows become cards below
//! 768 px, which requires explicit roles and labels.

use std::{future::Future, sync::Arc};

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use model::events::Event;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    list::list_keys,
    live_resource::{LiveResource, live_resource},
    page::{PageHead, empty, list_skeleton, main_link},
};
use crate::server_fns::Failure;

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    head: &'static str,
    /// The label of the cells of a card.
    label: Option<&'static str>,
    class: Option<&'static str>,
}

/// A column with its cells' class; an empty class means none. The class of the first column, which
/// contains the link of the row, is fixed.
pub const fn column(head: &'static str, class: &'static str) -> Column {
    let class = match class.is_empty() {
        true => None,
        false => Some(class),
    };
    Column {
        head,
        label: Some(head),
        class,
    }
}

/// A column of badges, which need no label on a card.
pub const fn badge_column(head: &'static str) -> Column {
    Column {
        head,
        label: None,
        class: None,
    }
}

/// The contents of a row.
pub struct Row {
    href: String,
    name: AnyView,
    notes: Option<AnyView>,
    cells: Vec<AnyView>,
}

impl Row {
    /// A row that opens `href`, with the cells of all columns but the first.
    pub fn new<const N: usize>(href: String, name: AnyView, cells: [AnyView; N]) -> Self {
        Self {
            href,
            name,
            notes: None,
            cells: cells.into(),
        }
    }

    /// The same row with notes after the name.
    pub fn with_notes(self, notes: AnyView) -> Self {
        Self {
            notes: Some(notes),
            ..self
        }
    }
}

/// A cell or name with this text.
pub fn text(value: impl ToString) -> AnyView {
    value.to_string().erase()
}

/// A cell with a text for an absent value.
pub fn muted(text: &'static str) -> AnyView {
    view! { <span class="muted">{text}</span> }.erase()
}

/// The rows of a table.
pub struct Rows<T: 'static> {
    /// The name of the table for screen readers.
    pub label: &'static str,
    /// The columns.
    pub columns: &'static [Column],
    /// The id of an object.
    pub id: fn(&T) -> i64,
    /// The row of an object.
    pub row: fn(&T) -> Row,
}

/// The table of the objects that `all` returns.
pub fn table<L, T>(data: LiveResource<L>, all: fn(&L) -> &[T], rows: &Rows<T>) -> AnyView
where
    L: Send + Sync + 'static,
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let (columns, id, row) = (rows.columns, rows.id, rows.row);
    let ids = data.part(move |data| all(data).iter().map(id).collect::<Vec<_>>());
    let show = move |key: i64| {
        let object = data.part(move |data| all(data).iter().find(|it| id(it) == key).cloned());
        let row = move || object.with(|object| object.as_ref().map(row));
        row_view(columns, Box::new(row))
    };
    table_view(rows.label, columns.to_vec(), ids, Arc::new(show))
}

/// A table whose rows `show` creates by id.
pub fn table_view(
    label: &'static str,
    columns: Vec<Column>,
    ids: Memo<Vec<i64>>,
    show: Arc<dyn Fn(i64) -> AnyView + Send + Sync>,
) -> AnyView {
    let heads = columns
        .into_iter()
        .map(|column| view! { <th role="columnheader" scope="col">{column.head}</th> }.erase())
        .collect::<Vec<_>>();
    view! {
        <table class="list" role="table" aria-label=label>
            <thead role="rowgroup"><tr role="row">{heads}</tr></thead>
            <tbody role="rowgroup">
                <For each=move || ids.get() key=|id| *id children=move |id| show(id) />
            </tbody>
        </table>
    }
    .erase()
}

/// A row that follows its object.
fn row_view(
    columns: &'static [Column],
    row: Box<dyn Fn() -> Option<Row> + Send + Sync>,
) -> AnyView {
    reactive(move || {
        let row = row()?;
        let cells = columns.iter().skip(1).zip(row.cells);
        let cells = cells.map(|(column, cell)| {
            view! { <td role="cell" data-label=column.label class=column.class>{cell}</td> }.erase()
        });
        Some(
            view! {
                <tr role="row">
                    <td role="cell" class="cell-main">
                        <a class="row-link" data-row="" href=row.href>{row.name}</a>
                        {row.notes}
                    </td>
                    {cells.collect::<Vec<_>>()}
                </tr>
            }
            .erase(),
        )
    })
}

/// The page of a list, without the type of its objects.
#[derive(Clone, Copy)]
pub struct ListHead {
    /// The title.
    pub title: &'static str,
    /// The name of one object and of several, for the count.
    pub count: (&'static str, &'static str),
    /// The path of the page of a new object, and the label of the link to it; `None` if the user
    /// may not create one.
    pub create: Option<(&'static str, &'static str)>,
    /// The tabs below the title.
    pub tabs: Option<fn() -> AnyView>,
    /// The icon, title and text of the empty state, whose action is to create an object.
    pub empty: (&'static str, &'static str, &'static str),
}

impl ListHead {
    fn create_link(self) -> AnyView {
        self.create
            .map(|(path, label)| main_link(path, "plus", label))
            .erase()
    }
}

/// The page of a list that is fetched as a whole.
pub fn list_page<T, F>(
    head: ListHead,
    fetch: fn() -> F,
    interests: fn(&Vec<T>) -> Vec<Event>,
    rows: Rows<T>,
) -> AnyView
where
    T: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Future<Output = Result<Vec<T>, Failure>> + Send + 'static,
{
    Effect::new(move |_| list_keys(head.create.map(|(path, _)| path)));
    let rows = Arc::new(rows);
    live_resource(
        Signal::from(()),
        move |()| fetch(),
        interests,
        list_skeleton,
        move |data| {
            let rows = rows.clone();
            let table = move || table(data, Vec::as_slice, &rows);
            list_view(head, data.part(Vec::len), Box::new(table))
        },
    )
}

fn list_view(
    head: ListHead,
    total: Memo<usize>,
    table: Box<dyn Fn() -> AnyView + Send + Sync>,
) -> AnyView {
    let none = Memo::new(move |_| total.get() == 0);
    let body = reactive(move || {
        if none.get() {
            let (shape, title, text) = head.empty;
            return empty(shape, title, text, head.create_link());
        }
        table()
    });
    let total = Signal::derive(move || total.get() as u64);
    view! {
        <PageHead
            title=head.title
            aside=move || count(total, head.count)
            actions=move || head.create_link()
        />
        {head.tabs.map(|tabs| tabs())}
        {body}
    }
    .erase()
}

/// The number of objects beside the title of a list.
pub fn count(total: Signal<u64>, (one, many): (&'static str, &'static str)) -> AnyView {
    let count = Signal::derive(move || match total.get() {
        1 => format!("1 {one}"),
        total => format!("{total} {many}"),
    });
    view! { <span class="num" role="status">{count}</span> }.erase()
}
