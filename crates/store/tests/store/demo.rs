use store::{Error, demo};

db_test!(demo_step_is_marked_once, |db| async {
    assert!(db.read(demo::list_completed_steps).await.is_empty());
    db.write(|c| demo::insert_completed_step(c, "site lab"))
        .await;
    db.write(|c| demo::insert_completed_step(c, "site office"))
        .await;
    let again = db
        .store
        .write(|c| demo::insert_completed_step(c, "site lab"))
        .await;
    assert!(matches!(again, Err(Error::Duplicate(_))));
    let steps = db.read(demo::list_completed_steps).await;
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    assert_eq!(steps, ["site lab", "site office"]);
});
