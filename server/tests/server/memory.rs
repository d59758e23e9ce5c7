//! What the real program keeps in memory.

use crate::process::{Program, sign_in};

/// What one hash of a password needs.
const HASH_KIB: u64 = 19 * 1024;

#[tokio::test]
async fn the_memory_of_password_hashes_is_returned_to_the_system() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(folder.path(), &[("HOLDFAST_DEMO", "false")]);
    let url = program.says("Holdfast is at ");
    let password = program.says("Password: ");
    for _ in 0..4 {
        assert!(sign_in(&url, "admin", &password).await.is_some());
    }
    let kept = program.anonymous_memory();
    assert!(kept < HASH_KIB, "{kept} KiB");
}
