use store::{Error, demo};

db_test!(step_of_the_demo_is_marked_once, |lab| async {
    assert!(lab.r(demo::list).await.is_empty());
    lab.w(|c| demo::mark_done(c, "site lab")).await;
    lab.w(|c| demo::mark_done(c, "site office")).await;
    let again = lab.store.write(|c| demo::mark_done(c, "site lab")).await;
    assert!(matches!(again, Err(Error::Duplicate(_))));
    let steps = lab.r(demo::list).await;
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    assert_eq!(steps, ["site lab", "site office"]);
});
