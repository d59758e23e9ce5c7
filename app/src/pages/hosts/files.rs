//! The files of a host: the desired content, and whether it is live.

use leptos_router::hooks::use_params_map;
use model::{
    hosts::files::{
        FileDiff, FileList, FileQuery, FileRow, FileSelection, FileState, Hunk, Line, LineChange,
    },
    sizes::Bytes,
};

use super::{
    show::{interests, status_badges},
    tabs,
};
use crate::pages::prelude::*;

const ROWS: Rows<FileRow> = Rows {
    label: "Files",
    id: |file| text_id(&file.path),
    columns: &[
        main_column("File", |file| {
            let href = list_url("", &[("path", &file.path)]);
            view! { <a class="row-link mono" data-row="" href=href>{file.path.clone()}</a> }.erase()
        }),
        badge_column("Status", |file| state(file.state)),
        column("Size", "num", |file| text(Bytes(file.bytes))),
    ],
};

pub fn page() -> AnyView {
    Effect::new(|_| list_keys(None));
    let params = use_params_map();
    let part = move |name: &'static str| {
        params.with(|params| params.get_str(name).unwrap_or_default().to_owned())
    };
    let names = Memo::new(move |_| (part("site"), part("name")));
    let query = url_query(|url| {
        let (q, page) = (url.text("q"), url.page());
        (FileQuery { q, page }, url.text("path"))
    });
    // A new page for each host, so that no state is kept across hosts.
    reactive(move || {
        let (site, name) = names.get();
        let key = Signal::derive(move || {
            let (query, path) = query.get();
            (site.clone(), name.clone(), query, path)
        });
        live_resource(
            key,
            |(site, name, query, path)| server_fns::hosts::browse_files(site, name, query, path),
            |selection: &FileSelection| interests(selection.files.host.id.0),
            list_skeleton,
            content,
        )
    })
}

fn content(selection: LiveResource<FileSelection>) -> AnyView {
    let host = selection.part(|selection| Some(selection.files.host.clone()));
    let (name, own) = selection.peek(|selection| {
        (
            selection.files.host.name.to_string(),
            selection.files.host.path(),
        )
    });
    let at = format!("{own}/files");
    let opened = selection.part(|selection| selection.file.as_ref().map(|file| file.path.clone()));
    let body = {
        let at = at.clone();
        reactive(move || match opened.get() {
            Some(path) => file_view(selection, &at, path),
            None => all_files(selection, at.clone()),
        })
    };
    view! {
        <PageHead title=name badges=move || status_badges(host) />
        {tabs(&own, Signal::stored(1))}
        {body}
    }
    .erase()
}

fn all_files(selection: LiveResource<FileSelection>, at: String) -> AnyView {
    let listed = selection.part(|selection| selection.files.list.clone());
    let summary = reactive(move || listed.with(summary));
    let has_any = selection.part(|selection| selection.files.list.all > 0);
    let list = reactive(move || has_any.get().then(|| list(listed, at.clone())));
    view! { <div class="stack-tight">{summary} {list}</div> }.erase()
}

fn list(listed: Memo<FileList>, at: String) -> AnyView {
    let query = use_query_map();
    let (path, own) = (at.clone(), at.clone());
    let href = Callback::new(move |number: u32| {
        let page = ("page", &*number.to_string());
        query.with(|query| changed_url(&at, &["q"], query, page))
    });
    let rows = Memo::new(move |_| listed.with(|listed| listed.page.rows.clone()));
    let none = Memo::new(move |_| rows.with(Vec::is_empty));
    let body = reactive(move || match none.get() {
        true => {
            let all = view! { <a class="btn" href=own.clone()>"Show all files"</a> };
            empty(
                "search",
                "No files match",
                "Change the search.",
                all.erase(),
            )
        }
        false => table(rows, &ROWS),
    });
    let position = Signal::derive(move || listed.with(|listed| paged(&listed.page).2));
    view! { <Filters path search="Path" /> {body} <Pager position href /> }.erase()
}

fn summary(listed: &FileList) -> AnyView {
    let text = match (listed.all, listed.is_reported, listed.differing) {
        (0, ..) => {
            let text = "The agent reports the paths of its files when it joins. Then this page lists the files of nginx and dnsmasq.";
            return empty("circle-dashed", "No files yet", text, ().erase());
        }
        (all, false, _) => format!("{all} files. The agent has not reported the live files yet."),
        (all, true, 0) => format!("{all} files, all live."),
        (all, true, 1) => format!("{all} files, 1 differs from the live file."),
        (all, true, differing) => {
            format!("{all} files, {differing} differ from the live files.")
        }
    };
    view! { <p role="status">{text}</p> }.erase()
}

fn state(state: FileState) -> AnyView {
    match state {
        FileState::Live => badge("live", Tone::Good, "circle-check"),
        FileState::Changed => badge("changed", Tone::Info, "pencil"),
        FileState::New => badge("new", Tone::Info, "plus"),
        FileState::Gone => badge("removed", Tone::Warning, "minus"),
    }
}

/// One file: its changes and its full content.
fn file_view(selection: LiveResource<FileSelection>, at: &str, path: String) -> AnyView {
    let file = selection.part(|selection| selection.file.clone());
    let at = at.to_owned();
    let view = reactive(move || file.with(|file| file.as_ref().map(body)));
    view! {
        <div class="stack">
            <p><a class="link" href=at>{icon("chevron-left")} "All files"</a></p>
            <h2 class="section-title mono">{path}</h2>
            {view}
        </div>
    }
    .erase()
}

fn body(file: &FileDiff) -> AnyView {
    let summary = match file.state {
        FileState::Live => "The live file matches the desired configuration.",
        FileState::Changed => "The live file differs from the desired file.",
        FileState::New => "The file is not live on the host yet.",
        FileState::Gone => "The file is live, but no longer desired. The agent removes the file.",
    };
    let text = file.text.clone();
    let difference = (!file.hunks.is_empty()).then(|| {
        let hunks = file.hunks.iter().map(hunk).collect::<Vec<_>>();
        view! {
            <section class="card stack-tight">
                <h3 class="card-title">"Changes"</h3>
                <div class="diff" tabindex="0" role="region" aria-label="Changes">{hunks}</div>
            </section>
        }
        .erase()
    });
    view! {
        <p class="state-line">{state(file.state)} {summary}</p>
        {difference}
        <section class="card stack-tight">
            <h3 class="card-title"><span class="grow">"Content"</span> <Copy text=text.clone() label="file" secret=true /></h3>
            <pre class="log file" tabindex="0" role="region" aria-label="Content">{text}</pre>
        </section>
    }
    .erase()
}

fn hunk(hunk: &Hunk) -> AnyView {
    let lines = hunk.lines.iter().map(line).collect::<Vec<_>>();
    view! { <p class="diff-hunk">{format!("Line {}", hunk.at)}</p> {lines} }.erase()
}

/// A line of the diff with its sign, which is also read by screen readers.
fn line(line: &Line) -> AnyView {
    let text = line.text.clone();
    match line.mark {
        LineChange::Same => view! { <div class="diff-line"><span class="diff-sign"></span>{text}</div> }.erase(),
        LineChange::Added => view! { <ins class="diff-line diff-added"><span class="diff-sign">"+"</span>{text}</ins> }.erase(),
        LineChange::Removed => view! { <del class="diff-line diff-removed"><span class="diff-sign">"−"</span>{text}</del> }.erase(),
    }
}
