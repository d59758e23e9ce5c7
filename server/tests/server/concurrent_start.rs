//! Two servers that start at the same time on an empty database.

use std::path::Path;

use crate::process::{Program, sign_in};

/// Starts two servers at once and checks that both are ready, and that one of them has created the
/// administrator.
async fn start_two(folders: [&Path; 2], environment: &[(&str, &str)]) {
    let mut programs = folders.map(|folder| Program::serve(folder, environment));
    let mut passwords = Vec::new();
    for program in &programs {
        program.line_after("Holdfast is at ");
    }
    for program in &mut programs {
        assert!(program.terminate().await.success());
        let lines = program.remaining_lines();
        let password = |line: &String| line.strip_prefix("Password: ").map(str::to_owned);
        passwords.extend(lines.iter().filter_map(password));
    }
    assert_eq!(passwords.len(), 1, "the password is printed once");
    // It is that of the only administrator.
    let again = Program::serve(folders[0], environment);
    let url = again.line_after("Holdfast is at ");
    assert!(sign_in(&url, "admin", &passwords[0]).await.is_some());
}

/// A key that both servers have.
const KEY: (&str, &str) = (
    "HOLDFAST_KEY",
    "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=",
);

/// `create` creates an empty database with this name.
async fn start_two_on(create: impl Fn(&str) -> String) {
    for demo in ["false", "small"] {
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let url = create(&format!("two_{demo}"));
        let environment = [KEY, ("HOLDFAST_DATABASE", &*url), ("HOLDFAST_DEMO", demo)];
        start_two(folders.each_ref().map(|folder| folder.path()), &environment).await;
    }
}

#[tokio::test]
async fn two_servers_start_at_once_on_an_empty_postgres_database() {
    start_two_on(|name| test_servers::postgres().create_postgres(name)).await;
}

#[tokio::test]
async fn two_servers_start_at_once_on_an_empty_mariadb_database() {
    start_two_on(|name| test_servers::mariadb().create_mariadb(name)).await;
}

#[tokio::test]
async fn two_servers_start_at_once_on_an_empty_sqlite_file() {
    for demo in ["false", "small"] {
        let folder = tempfile::tempdir().unwrap();
        start_two([folder.path(); 2], &[("HOLDFAST_DEMO", demo)]).await;
    }
}
