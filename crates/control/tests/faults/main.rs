//! Jobs against faults, generated: each kind of job is run once undisturbed to see which calls it
//! makes, then again and again with something wrong at each of them. Whatever goes wrong, the job
//! ends, and cluster and database agree afterwards.
//!
//! `HOLDFAST_FAULTS=words` runs only the cases with these words in their names.

#![cfg(test)]

mod agreement;
mod calls;
mod conditions;
#[path = "../jobs/house.rs"]
#[allow(dead_code, reason = "the house serves another target as well")]
mod house;
mod kills;
mod kinds;
mod plan;
mod wrong;

use std::{
    any::Any,
    future::Future,
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    time::Instant,
};

use futures::{StreamExt as _, stream};

/// How many cases run at once, each with its own cluster and its own database.
const AT_ONCE: usize = 20;

/// Something that is tried: its name, and what is done.
pub struct Case {
    name: String,
    run: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Case {
    fn new(name: String, run: impl Future<Output = ()> + Send + 'static) -> Self {
        let run = Box::pin(run);
        Self { name, run }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_a_job_ends_and_cluster_and_database_agree() {
    let began = Instant::now();
    let recorded = calls::record_all().await;
    let mut cases = plan::cases(&recorded);
    if let Ok(words) = std::env::var("HOLDFAST_FAULTS") {
        cases.retain(|case| case.name.contains(&words));
    }
    let count = cases.len();
    assert!(count > 0, "no case is tried");
    let failures: Vec<String> = stream::iter(cases)
        .map(attempt)
        .buffer_unordered(AT_ONCE)
        .filter_map(async |failure| failure)
        .collect()
        .await;
    // Past the capture of what tests print, which shows nothing of one that passes.
    let late = kills::late();
    let seconds = began.elapsed().as_secs();
    let _ = writeln!(
        std::io::stderr(),
        "faults: {count} cases in {seconds} s, {} failed; {late} kills came after the job's end",
        failures.len(),
    );
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(late <= kills::MOST_LATE, "{late} kills interrupted nothing");
}

/// Runs a case; what it failed with, if it did. Its runtime ends with it, and so does all that works
/// and looks in its house.
async fn attempt(case: Case) -> Option<String> {
    let Case { name, run } = case;
    let alone = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let end = catch_unwind(AssertUnwindSafe(|| runtime.block_on(run)));
        runtime.shutdown_background();
        end.err().map(said)
    };
    let words = tokio::task::spawn_blocking(alone).await.unwrap()?;
    Some(format!("{name}: {words}"))
}

fn said(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(words) => *words,
        Err(panic) => panic
            .downcast_ref::<&str>()
            .map_or_else(|| "no words".to_owned(), |words| (*words).to_owned()),
    }
}
