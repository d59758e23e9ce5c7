//! Memory usage of the real program.

use crate::process::{Program, sign_in};

/// Memory of one password hash.
const HASH_KIB: u64 = 19 * 1024;

#[tokio::test]
async fn password_hashing_memory_is_returned_to_the_system() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(folder.path(), &[("HOLDFAST_DEMO", "false")]);
    let url = program.line_after("Holdfast is at ");
    let password = program.line_after("Password: ");
    let before = program.anonymous_memory();
    for _ in 0..4 {
        assert!(sign_in(&url, "admin", &password).await.is_some());
    }
    let after = program.anonymous_memory();
    assert!(
        after < before + HASH_KIB / 2,
        "{before} KiB, then {after} KiB"
    );
}
