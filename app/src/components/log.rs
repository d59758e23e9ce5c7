//! A job's log: a monospaced pane that follows what is written unless a person has scrolled away;
//! it can be searched, copied and kept as a file.

use crate::solid::{Solid as _, act, reactive};
use leptos::{html, prelude::*, task::spawn_local};
use leptos_router::location::Url;
use model::{
    Error, JobId,
    events::{Event, Topic},
    jobs::LogLine,
};

use super::{
    icon::icon,
    loaded::{Loaded, loaded},
    toast::Toasts,
};
use crate::{
    api::{self, Failure},
    live::Live,
};

/// The most lines that one answer of the server holds.
const ANSWER_LINES: usize = 1000;
/// The most found lines that are shown at once, so that the page stays quick.
const FOUND_LINES: usize = 500;
/// How near to the end still counts as the end, in pixels.
const END: i32 = 24;

/// The log of a job; `ended` says whether the job has ended, as far as the page knows. It stands
/// beside the rest of the job on a page and asks on its own.
pub fn job_log(id: JobId, ended: RwSignal<bool>) -> AnyView {
    loaded(
        Signal::from(id),
        first_lines,
        |_| Vec::new(),
        || {
            view! { <div class="log skeleton" role="status" aria-busy="true" aria-label="Loading"></div> }.solid()
        },
        move |first: Loaded<Option<Vec<LogLine>>>| match first.peek(Clone::clone) {
            Some(lines) => pane(id, ended, lines),
            None => ().solid(),
        },
    )
}

/// The first lines; none when there is no such job, which the page says already.
async fn first_lines(id: JobId) -> Result<Option<Vec<LogLine>>, Failure> {
    match api::jobs::log(id, 0).await {
        Err(Failure(Error::NotFound { .. })) => Ok(None),
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
            // Once the new lines are laid out.
            request_animation_frame(to_end);
        }
    });
    let scrolled = move |_| {
        if let Some(pane) = pane.get_untracked() {
            let below = pane.scroll_height() - pane.scroll_top() - pane.client_height();
            following.set(below <= END);
        }
    };
    let jump = reactive(move || {
        (!following.get()).then(|| {
            view! { <button type="button" class="btn btn-small log-jump" on:click=act(move |_| to_end())>{icon("arrow-down")} "To the end"</button> }.solid()
        })
    });
    view! {
        <section class="card stack-tight">
            <div class="log-head">
                <h2 class="card-title">"Log"</h2>
                {tools(id, lines, search)}
            </div>
            <div class="log-place">
                <pre class="log" tabindex="0" role="region" aria-label="Log, times in UTC" node_ref=pane on:scroll=act(scrolled)>
                    {shown(lines, search, ended)}
                </pre>
                {jump}
            </div>
        </section>
    }
    .solid()
}

fn tools(id: JobId, lines: RwSignal<Vec<LogLine>>, search: RwSignal<String>) -> AnyView {
    let toasts = Toasts::here();
    let copy = move |_| {
        let text = whole(&lines.read_untracked());
        spawn_local(async move {
            if crate::browser::copy(&text).await {
                toasts.tell("Copied the log.");
            } else {
                toasts.warn("The browser does not allow copying here. Download the log instead.");
            }
        });
    };
    // The link gets its content at the moment it is used, so that the page does not hold it twice.
    let link = NodeRef::<html::A>::new();
    let fill = move |_| {
        if let Some(link) = link.get_untracked() {
            let text = Url::escape(&whole(&lines.read_untracked()));
            let _ = link.set_attribute("href", &format!("data:text/plain;charset=utf-8,{text}"));
        }
    };
    let found = reactive(move || {
        search.with(|search| {
            (!search.is_empty()).then(|| lines.with(|lines| count_words(lines, search)))
        })
    });
    view! {
        <span class="search">
            {icon("search")}
            <input class="input" type="search" placeholder="Search the log" aria-label="Search the log"
                autocomplete="off" spellcheck="false" prop:value=search on:input=act(move |ev| search.set(event_target_value(&ev))) />
        </span>
        <span class="muted num" role="status">{found}</span>
        <div class="actions">
            <button type="button" class="btn btn-small" on:click=act(copy)>{icon("copy")} "Copy"</button>
            <a class="btn btn-small" href="#" download=format!("job-{id}.log") node_ref=link on:click=act(fill)>
                {icon("download")} "Download"
            </a>
        </div>
    }
    .solid()
}

/// The lines: all as one text, or those with what is searched, each with a mark at it.
fn shown(
    lines: RwSignal<Vec<LogLine>>,
    search: RwSignal<String>,
    ended: RwSignal<bool>,
) -> AnyView {
    reactive(move || {
        if lines.with(Vec::is_empty) {
            let none = if ended.get() {
                "This job wrote nothing."
            } else {
                "Nothing is written yet."
            };
            return view! { <span class="muted">{none}</span> }.solid();
        }
        let wanted = search.get();
        if wanted.is_empty() {
            return lines
                .with(|lines| lines.iter().map(short).collect::<String>())
                .solid();
        }
        lines
            .with(|lines| {
                found(lines, &wanted)
                    .take(FOUND_LINES)
                    .map(marked)
                    .collect::<Vec<_>>()
            })
            .solid()
    })
}

/// A found line, in three parts around what was searched.
fn marked((line, at): (&LogLine, std::ops::Range<usize>)) -> AnyView {
    let part = |range: &str| range.to_owned();
    let before = line.text.get(..at.start).map(part);
    let found = line.text.get(at.clone()).map(part);
    let after = line.text.get(at.end..).map(part);
    view! { <span>{time_of_day(line)} " " {before}<mark>{found}</mark>{after} "\n"</span> }.solid()
}

/// The lines with `wanted` in them and where it stands; upper and lower case of ASCII are alike.
fn found<'a>(
    lines: &'a [LogLine],
    wanted: &str,
) -> impl Iterator<Item = (&'a LogLine, std::ops::Range<usize>)> {
    let wanted = wanted.to_ascii_lowercase();
    lines.iter().filter_map(move |line| {
        let start = line.text.to_ascii_lowercase().find(&wanted)?;
        Some((line, start..start + wanted.len()))
    })
}

fn count_words(lines: &[LogLine], wanted: &str) -> String {
    let count = found(lines, wanted).count();
    if count > FOUND_LINES {
        return format!("{count} lines, the first {FOUND_LINES} shown");
    }
    format!("{count} of {} lines", lines.len())
}

fn short(line: &LogLine) -> String {
    format!("{} {}\n", time_of_day(line), line.text)
}

fn whole(lines: &[LogLine]) -> String {
    lines
        .iter()
        .map(|line| format!("{} {}\n", line.at.rfc3339(), line.text))
        .collect()
}

/// `04:31:12`, of RFC 3339's form.
fn time_of_day(line: &LogLine) -> String {
    line.at.rfc3339().get(11..19).unwrap_or_default().to_owned()
}

/// The lines of the log, which grow while the job writes.
fn follow(id: JobId, first: Vec<LogLine>, ended: RwSignal<bool>) -> RwSignal<Vec<LogLine>> {
    let lines = RwSignal::new(first);
    let tail = Tail {
        id,
        lines,
        asking: StoredValue::new(false),
        missed: StoredValue::new(false),
    };
    let news = Live::watch(Signal::from(vec![Event::of(Topic::JobLog, id.0)]));
    Effect::new(move |_| {
        news.track();
        // Between the page's making and now more may have been written; the end may have been
        // told before its last lines were seen.
        ended.track();
        tail.more();
    });
    lines
}

/// The growing end of a log: asks for what follows the last known line, once at a time.
#[derive(Clone, Copy)]
struct Tail {
    id: JobId,
    lines: RwSignal<Vec<LogLine>>,
    asking: StoredValue<bool>,
    missed: StoredValue<bool>,
}

impl Tail {
    fn more(self) {
        if self.asking.get_value() {
            self.missed.set_value(true);
            return;
        }
        self.asking.set_value(true);
        spawn_local(async move {
            while self.step().await == Some(true) {}
            self.asking.try_set_value(false);
        });
    }

    /// Asks once; says whether to ask again, none when the page is gone or the server refused.
    async fn step(self) -> Option<bool> {
        self.missed.try_set_value(false);
        let after = self
            .lines
            .try_with_untracked(|lines| lines.last().map_or(0, |line| line.seq))?;
        // Without an answer the next news asks again, and so does the stream when it is back.
        let new = api::jobs::log(self.id, after).await.ok()?;
        let full = new.len() >= ANSWER_LINES;
        if !new.is_empty() {
            self.lines.try_update(|lines| lines.extend(new))?;
        }
        Some(full || self.missed.try_get_value()?)
    }
}

#[cfg(test)]
mod tests {
    use model::{Timestamp, jobs::LogLine};

    use super::{count_words, found, short, whole};

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
    fn a_search_finds_where_the_words_stand() {
        let lines = lines(&["Überträgt die Schicht", "pull LAYER 2", "done"]);
        let places: Vec<_> = found(&lines, "Layer")
            .map(|(line, at)| (line.seq, at))
            .collect();
        assert_eq!(places, [(2, 5..10)]);
        let places: Vec<_> = found(&lines, "trägt")
            .map(|(line, at)| line.text.get(at))
            .collect();
        assert_eq!(places, [Some("trägt")]);
        assert_eq!(count_words(&lines, "d"), "2 of 3 lines");
        assert_eq!(count_words(&lines, "nothing"), "0 of 3 lines");
    }

    #[test]
    fn lines_tell_their_time_of_day_here_and_the_whole_moment_in_files() {
        let lines = lines(&["done"]);
        assert_eq!(short(&lines[0]), "03:50:00 done\n");
        assert_eq!(whole(&lines), "2026-11-21T03:50:00Z done\n");
    }
}
