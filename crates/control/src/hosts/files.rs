//! Compares the files that the manager renders for a host with the files that are live there.

use std::{collections::BTreeMap, time::Duration};

use agent_protocol::endpoints;
use edge::Layout;
use model::{
    Error, Kind,
    hosts::files::{
        FileDiff, FileList, FileQuery, FileRow, FileSelection, FileState, HostFiles, Hunk, Line,
        LineChange,
    },
    names::Label,
    page::Page,
};
use similar::{Algorithm, ChangeTag, TextDiff};
use store::hosts::HostRecord;

use super::{
    agent::{Agent, load_site_config},
    record,
};
use crate::{
    Actor, Control,
    failure::{StoreResultExt as _, internal},
};

/// The time limit of one comparison; after that the result is coarser.
const DIFF_TIMEOUT: Duration = Duration::from_millis(300);
/// How many unchanged lines are shown around a change.
const CONTEXT_LINES: usize = 3;
/// The most lines of differences shown per file.
const MAX_LINES: usize = 2000;

/// File content by path.
type Tree = BTreeMap<String, String>;

/// Lists the files of a host: files that differ first, then by path.
///
/// # Errors
/// [`Error::NotFound`] when the host does not exist.
pub async fn list_files(
    control: &Control,
    actor: &Actor,
    site: &Label,
    name: &Label,
    query: FileQuery,
) -> Result<HostFiles, Error> {
    let record = record(control, actor, site, name).await?;
    let (desired, live) = load_trees(control, &record).await?;
    let list = blocking(move || compare_files(&desired, &live, &query)).await?;
    Ok(HostFiles {
        host: record.row,
        list,
    })
}

/// Returns a file of a host with its differences.
///
/// # Errors
/// [`Error::NotFound`] when the host or the file does not exist.
pub async fn get_file(
    control: &Control,
    actor: &Actor,
    site: &Label,
    name: &Label,
    path: String,
) -> Result<FileDiff, Error> {
    let record = record(control, actor, site, name).await?;
    let (mut desired, mut live) = load_trees(control, &record).await?;
    let (desired, live) = (desired.remove(&path), live.remove(&path));
    let state = state(desired.as_ref(), live.as_ref());
    let state = state.ok_or(Error::not_found(Kind::File))?;
    blocking(move || {
        let hunks = match (&desired, &live) {
            (Some(desired), Some(live)) if desired != live => hunks(live, desired),
            _ => Vec::new(),
        };
        let text = desired.or(live).unwrap_or_default();
        FileDiff {
            path,
            state,
            text,
            hunks,
        }
    })
    .await
}

/// Lists the files of a host, and returns the file at `path` unless it is empty.
///
/// # Errors
/// As for [`files`] and [`file()`].
pub async fn browse_files(
    control: &Control,
    actor: &Actor,
    site: &Label,
    name: &Label,
    query: FileQuery,
    path: String,
) -> Result<FileSelection, Error> {
    let files = list_files(control, actor, site, name, query).await?;
    let file = match path.is_empty() {
        true => None,
        false => Some(get_file(control, actor, site, name, path).await?),
    };
    Ok(FileSelection { files, file })
}

/// The rendered and the live files. Both are empty before the agent has joined.
async fn load_trees(control: &Control, record: &HostRecord) -> Result<(Tree, Tree), Error> {
    let Some(layout) = &record.host_layout else {
        return Ok(Default::default());
    };
    let layout: Layout =
        serde_json::from_str(layout).map_err(|e| internal("parse host layout", &e))?;
    let agent = Agent {
        id: record.row.id,
        site: record.row.site,
    };
    let config = load_site_config(control, &agent).await?;
    let live = control
        .store()
        .read(move |c| store::hosts::list_live_files(c, agent.id))
        .await
        .into_model("list live files")?;
    let rendered = blocking(move || edge::render(&config, &layout)).await?;
    let rendered = rendered.map_err(|cause| internal("render host files", &cause))?;
    let desired = rendered
        .files()
        // The agent does not report larger files, so they cannot be compared.
        .filter(|(_, file)| file.text.len() <= endpoints::MAX_FILE_SIZE)
        .map(|(path, file)| (path.to_owned(), file.text.clone()));
    Ok((desired.collect(), live))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|cause| internal("compare host files", &cause))
}

fn state(desired: Option<&String>, live: Option<&String>) -> Option<FileState> {
    match (desired, live) {
        (Some(desired), Some(live)) if desired == live => Some(FileState::Live),
        (Some(_), Some(_)) => Some(FileState::Changed),
        (Some(_), None) => Some(FileState::New),
        (None, Some(_)) => Some(FileState::Gone),
        (None, None) => None,
    }
}

/// Returns one page of the list.
fn compare_files(desired: &Tree, live: &Tree, query: &FileQuery) -> FileList {
    let mut paths: Vec<&String> = desired.keys().chain(live.keys()).collect();
    paths.sort();
    paths.dedup();
    let rows = paths.into_iter().filter_map(|path| {
        let (desired, live) = (desired.get(path), live.get(path));
        let size = desired.or(live).map_or(0, String::len);
        Some(FileRow {
            path: path.clone(),
            state: state(desired, live)?,
            bytes: u64::try_from(size).unwrap_or(u64::MAX),
        })
    });
    let (mut differing, same): (Vec<FileRow>, Vec<FileRow>) =
        rows.partition(|row| row.state != FileState::Live);
    let (count, all) = (differing.len(), differing.len() + same.len());
    differing.extend(same);
    let q = query.q.trim().to_ascii_lowercase();
    let matching = differing
        .into_iter()
        .filter(|row| row.path.to_ascii_lowercase().contains(&q));
    FileList {
        differing: u64::try_from(count).unwrap_or(u64::MAX),
        all: u64::try_from(all).unwrap_or(u64::MAX),
        is_reported: !live.is_empty(),
        page: Page::of(matching.collect(), query.page),
    }
}

/// The differences between the live and the rendered text, in the order of the file.
fn hunks(live: &str, desired: &str) -> Vec<Hunk> {
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Patience)
        .timeout(DIFF_TIMEOUT)
        .diff_lines(live, desired);
    let mut remaining = MAX_LINES;
    let mut hunks = Vec::new();
    for group in diff.grouped_ops(CONTEXT_LINES) {
        let at = group.first().map_or(0, |op| op.new_range().start) + 1;
        let changes = group.iter().flat_map(|op| diff.iter_changes(op));
        let lines: Vec<Line> = changes.take(remaining).map(line).collect();
        remaining -= lines.len();
        if lines.is_empty() {
            break;
        }
        hunks.push(Hunk {
            at: u32::try_from(at).unwrap_or(u32::MAX),
            lines,
        });
    }
    hunks
}

fn line(change: similar::Change<&str>) -> Line {
    let mark = match change.tag() {
        ChangeTag::Equal => LineChange::Same,
        ChangeTag::Insert => LineChange::Added,
        ChangeTag::Delete => LineChange::Removed,
    };
    Line {
        mark,
        text: change.value().trim_end_matches('\n').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use model::hosts::files::{FileQuery, FileState, LineChange};

    use super::{Tree, compare_files, hunks};

    fn tree(files: &[(&str, &str)]) -> Tree {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        files.iter().map(owned).collect()
    }

    #[test]
    fn differing_files_are_listed_first_with_their_state() {
        let desired = tree(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let live = tree(&[("a", "1"), ("b", "old"), ("d", "4")]);
        let listed = compare_files(&desired, &live, &FileQuery::default());
        let rows: Vec<_> = listed
            .page
            .rows
            .iter()
            .map(|row| (row.path.as_str(), row.state))
            .collect();
        let expected = [
            ("b", FileState::Changed),
            ("c", FileState::New),
            ("d", FileState::Gone),
            ("a", FileState::Live),
        ];
        assert_eq!(rows, expected);
        assert_eq!((listed.differing, listed.all), (3, 4));
        let query = FileQuery {
            q: " C ".into(),
            page: 1,
        };
        assert_eq!(compare_files(&desired, &live, &query).page.total, 1);
    }

    #[test]
    fn hunk_contains_context_lines() {
        let before: String = (1..=40).map(|n| format!("line {n}\n")).collect();
        let after = before.replace("line 20\n", "line twenty\n");
        let hunks = hunks(&before, &after);
        assert_eq!(hunks.len(), 1);
        assert_eq!((hunks[0].at, hunks[0].lines.len()), (17, 8));
        let changed: Vec<_> = hunks[0]
            .lines
            .iter()
            .filter(|line| line.mark != LineChange::Same)
            .map(|line| (line.mark, line.text.as_str()))
            .collect();
        assert_eq!(
            changed,
            [
                (LineChange::Removed, "line 20"),
                (LineChange::Added, "line twenty")
            ]
        );
    }
}
