//! A job's log: a monospaced pane that scrolls with new lines unless the user has scrolled away.
//! The log can be searched, copied and downloaded.

use crate::erase::{Erase as _, act, reactive};
use leptos::{html, prelude::*, task::spawn_local};
use leptos_router::location::Url;
use model::{
    Error, JobId,
    events::{Event, Topic},
    jobs::LogLine,
};

use super::{
    icon::icon,
    live_resource::{LiveResource, live_resource},
    toast::Toasts,
};
use crate::{
    live::Live,
    server_fns::{self, RequestError},
};

/// The most lines in one response of the server.
const MAX_RESPONSE_LINES: usize = 1000;
/// The most matches displayed at once, to keep rendering fast.
const MAX_MATCHES: usize = 500;
/// The distance from the end that still counts as the end, in pixels.
const END_DISTANCE: i32 = 24;

/// The log of a job. `ended` is whether the job has ended, as far as the page knows. The log is
/// loaded independently of the rest of the page.
pub fn job_log(id: JobId, ended: RwSignal<bool>) -> AnyView {
    live_resource(
        Signal::from(id),
        first_lines,
        |_| Vec::new(),
        || {
            view! { <div class="log skeleton" role="status" aria-busy="true" aria-label="Loading"></div> }.erase()
        },
        move |first: LiveResource<Option<Vec<LogLine>>>| match first.peek(Clone::clone) {
            Some(lines) => pane(id, ended, lines),
            None => ().erase(),
        },
    )
}

/// The first lines; `None` if the job does not exist, which the page reports itself.
async fn first_lines(id: JobId) -> Result<Option<Vec<LogLine>>, RequestError> {
    match server_fns::jobs::log(id, 0).await {
        Err(RequestError(Error::NotFound { .. })) => Ok(None),
        lines => lines.map(Some),
    }
}

fn pane(id: JobId, ended: RwSignal<bool>, first: Vec<LogLine>) -> AnyView {
    let lines = follow(id, first, ended);
    let search = RwSignal::new(String::new());
    let following = RwSignal::new(true);
    let pane = NodeRef::<html::Pre>::new();
    let to_end = move || {
        if let Some(pane) = pane.get_untracked() {
            pane.set_scroll_top(pane.scroll_height());
        }
    };
    Effect::new(move |_| {
        lines.track();
        if following.get_untracked() && !ended.get_untracked() {
            // After layout of the new lines.
            request_animation_frame(to_end);
        }
    });
    let scrolled = move |_| {
        if let Some(pane) = pane.get_untracked() {
            let below = pane.scroll_height() - pane.scroll_top() - pane.client_height();
            following.set(below <= END_DISTANCE);
        }
    };
    let jump = reactive(move || {
        (!following.get()).then(|| {
            view! { <button type="button" class="btn btn-small log-jump" on:click=act(move |_| to_end())>{icon("arrow-down")} "Jump to end"</button> }.erase()
        })
    });
    view! {
        <section class="card stack-tight">
            <div class="log-head">
                <h2 class="card-title">"Log"</h2>
                {tools(id, lines, search)}
            </div>
            <div class="log-container">
                <pre class="log" tabindex="0" role="region" aria-label="Log, times in UTC" node_ref=pane on:scroll=act(scrolled)>
                    {log_lines(lines, search, ended)}
                </pre>
                {jump}
            </div>
        </section>
    }
    .erase()
}

fn tools(id: JobId, lines: RwSignal<Vec<LogLine>>, search: RwSignal<String>) -> AnyView {
    let toasts = Toasts::here();
    let copy = move |_| {
        let text = format_log(&lines.read_untracked());
        spawn_local(async move {
            if crate::browser::copy(&text).await {
                toasts.notify("Copied the log.");
            } else {
                toasts.warn("The browser blocked copying. Download the log instead.");
            }
        });
    };
    // The link gets its content when it is clicked, so that the page does not hold the log twice.
    let link = NodeRef::<html::A>::new();
    let fill = move |_| {
        if let Some(link) = link.get_untracked() {
            let text = Url::escape(&format_log(&lines.read_untracked()));
            let _ = link.set_attribute("href", &format!("data:text/plain;charset=utf-8,{text}"));
        }
    };
    let match_count = reactive(move || {
        search.with(|search| {
            (!search.is_empty()).then(|| lines.with(|lines| format_match_count(lines, search)))
        })
    });
    view! {
        <span class="search">
            {icon("search")}
            <input class="input" type="search" placeholder="Search the log" aria-label="Search the log"
                autocomplete="off" spellcheck="false" prop:value=search on:input=act(move |ev| search.set(event_target_value(&ev))) />
        </span>
        <span class="muted num" role="status">{match_count}</span>
        <div class="actions">
            <button type="button" class="btn btn-small" on:click=act(copy)>{icon("copy")} "Copy"</button>
            <a class="btn btn-small" href="#" download=format!("job-{id}.log") node_ref=link on:click=act(fill)>
                {icon("download")} "Download"
            </a>
        </div>
    }
    .erase()
}

/// The lines: all of them as one text, or only the matches, highlighted.
fn log_lines(
    lines: RwSignal<Vec<LogLine>>,
    search: RwSignal<String>,
    ended: RwSignal<bool>,
) -> AnyView {
    reactive(move || {
        if lines.with(Vec::is_empty) {
            let none = if ended.get() {
                "No log output."
            } else {
                "No log output yet."
            };
            return view! { <span class="muted">{none}</span> }.erase();
        }
        let needle = search.get();
        if needle.is_empty() {
            return lines
                .with(|lines| lines.iter().map(format_line).collect::<String>())
                .erase();
        }
        lines
            .with(|lines| {
                find_matches(lines, &needle)
                    .take(MAX_MATCHES)
                    .map(highlighted)
                    .collect::<Vec<_>>()
            })
            .erase()
    })
}

/// A matching line, split around the match.
fn highlighted((line, at): (&LogLine, std::ops::Range<usize>)) -> AnyView {
    let part = |range: &str| range.to_owned();
    let before = line.text.get(..at.start).map(part);
    let matched = line.text.get(at.clone()).map(part);
    let after = line.text.get(at.end..).map(part);
    view! { <span>{time_of_day(line)} " " {before}<mark>{matched}</mark>{after} "\n"</span> }
        .erase()
}

/// The lines that contain `needle`, with the position of the match; ASCII case-insensitive.
fn find_matches<'a>(
    lines: &'a [LogLine],
    needle: &str,
) -> impl Iterator<Item = (&'a LogLine, std::ops::Range<usize>)> {
    let needle = needle.to_ascii_lowercase();
    lines.iter().filter_map(move |line| {
        let start = line.text.to_ascii_lowercase().find(&needle)?;
        Some((line, start..start + needle.len()))
    })
}

fn format_match_count(lines: &[LogLine], needle: &str) -> String {
    let count = find_matches(lines, needle).count();
    if count > MAX_MATCHES {
        return format!("{count} lines, first {MAX_MATCHES} shown");
    }
    format!("{count} of {} lines", lines.len())
}

fn format_line(line: &LogLine) -> String {
    format!("{} {}\n", time_of_day(line), line.text)
}

fn format_log(lines: &[LogLine]) -> String {
    lines
        .iter()
        .map(|line| format!("{} {}\n", line.at.rfc3339(), line.text))
        .collect()
}

/// The time of an RFC 3339 timestamp, such as `04:31:12`.
fn time_of_day(line: &LogLine) -> String {
    line.at.rfc3339().get(11..19).unwrap_or_default().to_owned()
}

/// The lines of the log, extended while the job writes.
fn follow(id: JobId, first: Vec<LogLine>, ended: RwSignal<bool>) -> RwSignal<Vec<LogLine>> {
    let lines = RwSignal::new(first);
    let tail = Tail {
        id,
        lines,
        is_fetching: StoredValue::new(false),
        is_outdated: StoredValue::new(false),
    };
    let version = Live::watch(Signal::from(vec![Event::of(Topic::JobLog, id.0)]));
    Effect::new(move |_| {
        version.track();
        // Lines may have been written after the page was rendered, and the end of the job may be
        // notified before its last lines were fetched.
        ended.track();
        tail.fetch_new();
    });
    lines
}

/// The tail of a log: fetches the lines after the last known line, one request at a time.
#[derive(Clone, Copy)]
struct Tail {
    id: JobId,
    lines: RwSignal<Vec<LogLine>>,
    is_fetching: StoredValue<bool>,
    is_outdated: StoredValue<bool>,
}

impl Tail {
    fn fetch_new(self) {
        if self.is_fetching.get_value() {
            self.is_outdated.set_value(true);
            return;
        }
        self.is_fetching.set_value(true);
        spawn_local(async move {
            while self.fetch_once().await == Some(true) {}
            self.is_fetching.try_set_value(false);
        });
    }

    /// Fetches once. Returns whether to fetch again; `None` if the page was closed or the server
    /// refused.
    async fn fetch_once(self) -> Option<bool> {
        self.is_outdated.try_set_value(false);
        let after = self
            .lines
            .try_with_untracked(|lines| lines.last().map_or(0, |line| line.seq))?;
        // After a failed request, the next notification or the reconnected stream fetches again.
        let new = server_fns::jobs::log(self.id, after).await.ok()?;
        let full = new.len() >= MAX_RESPONSE_LINES;
        if !new.is_empty() {
            self.lines.try_update(|lines| lines.extend(new))?;
        }
        Some(full || self.is_outdated.try_get_value()?)
    }
}

#[cfg(test)]
mod tests {
    use model::{Timestamp, jobs::LogLine};

    use super::{find_matches, format_line, format_log, format_match_count};

    fn lines(texts: &[&str]) -> Vec<LogLine> {
        let at = Timestamp(1_795_233_000_999);
        texts
            .iter()
            .zip(1..)
            .map(|(text, seq)| LogLine {
                seq,
                at,
                text: (*text).to_owned(),
            })
            .collect()
    }

    #[test]
    fn search_finds_positions_ignoring_ascii_case() {
        let lines = lines(&["Überträgt die Schicht", "pull LAYER 2", "done"]);
        let matches: Vec<_> = find_matches(&lines, "Layer")
            .map(|(line, at)| (line.seq, at))
            .collect();
        assert_eq!(matches, [(2, 5..10)]);
        let matches: Vec<_> = find_matches(&lines, "trägt")
            .map(|(line, at)| line.text.get(at))
            .collect();
        assert_eq!(matches, [Some("trägt")]);
        assert_eq!(format_match_count(&lines, "d"), "2 of 3 lines");
        assert_eq!(format_match_count(&lines, "nothing"), "0 of 3 lines");
    }

    #[test]
    fn page_shows_time_of_day_and_download_has_full_timestamp() {
        let lines = lines(&["done"]);
        assert_eq!(format_line(&lines[0]), "03:50:00 done\n");
        assert_eq!(format_log(&lines), "2026-11-21T03:50:00Z done\n");
    }
}
