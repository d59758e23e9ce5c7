//! Generated fault injection tests: each kind of job runs once without faults to record its API
//! calls, then once per fault and call. Every job must end, with a consistent cluster and database.
//!
//! `HOLDFAST_FAULTS=text` runs only the cases whose names contain this text.

#![cfg(test)]

mod calls;
mod conditions;
mod consistency;
mod injection;
mod kills;
mod kinds;
mod plan;
#[path = "../use_cases/test_app.rs"]
#[allow(dead_code, reason = "the fixture is shared with another test target")]
mod test_app;

use std::{
    any::Any,
    future::Future,
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    time::Instant,
};

use futures::{StreamExt as _, stream};

/// Number of concurrent cases. Each case has its own simulator and database.
const CONCURRENCY: usize = 20;

/// One test case.
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
async fn every_job_ends_consistently_under_every_fault() {
    let began = Instant::now();
    let recorded = calls::record_all().await;
    let mut cases = plan::cases(&recorded);
    if let Ok(filter) = std::env::var("HOLDFAST_FAULTS") {
        cases.retain(|case| case.name.contains(&filter));
    }
    let count = cases.len();
    assert!(count > 0, "no case matches the filter");
    let failures: Vec<String> = stream::iter(cases)
        .map(run_case)
        .buffer_unordered(CONCURRENCY)
        .filter_map(async |failure| failure)
        .collect()
        .await;
    // Written to stderr directly, since the test harness captures the output of passing tests.
    let late = kills::late();
    let seconds = began.elapsed().as_secs();
    let _ = writeln!(
        std::io::stderr(),
        "faults: {count} cases in {seconds} s, {} failed; {late} kills came after the job's end",
        failures.len(),
    );
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(late <= kills::MAX_LATE, "{late} kills interrupted nothing");
}

/// Runs a case in its own runtime and returns its failure. Dropping the runtime also ends all
/// background tasks of the case.
async fn run_case(case: Case) -> Option<String> {
    let Case { name, run } = case;
    let isolated = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let end = catch_unwind(AssertUnwindSafe(|| runtime.block_on(run)));
        runtime.shutdown_background();
        end.err().map(panic_message)
    };
    let message = tokio::task::spawn_blocking(isolated).await.unwrap()?;
    Some(format!("{name}: {message}"))
}

fn panic_message(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => panic
            .downcast_ref::<&str>()
            .map_or_else(|| "no message".to_owned(), |message| (*message).to_owned()),
    }
}
