//! Environment variables are encrypted in the table.

use model::containers::ImageValues;
use store::{Error, containers};

use crate::{
    containers::get,
    support::{parse, permit},
};

const STORED: &str = "SELECT env AS line FROM containers ORDER BY id";

db_test!(
    environment_is_encrypted_and_bound_to_its_container,
    |db| async {
        let fixture = db.fixture().await;
        let mut new = fixture.container(1);
        new.spec.env = parse("TOKEN=hunter2");
        let first = db.insert_container(new).await;
        let second = db.insert_container(fixture.container(2)).await;
        let record = get(&db, first).await;
        let mut spec = record.spec.clone();
        assert_eq!(spec.env, parse("TOKEN=hunter2"));
        let stored = db.database.lines(STORED);
        assert!(
            stored.iter().all(|env| env.starts_with("sealed:")),
            "{stored:?}"
        );
        assert!(!stored.concat().contains("hunter2"), "{stored:?}");

        spec.env = parse("TOKEN=hunter3");
        let names = fixture.container(1).names;
        let allocation = containers::ServiceAllocation {
            names,
            ..containers::ServiceAllocation::default()
        };
        let version = record.version;
        let written = spec.clone();
        assert!(
            db.write(move |c| containers::update_spec(
                c,
                permit(),
                first,
                version,
                &written,
                &allocation
            ))
            .await
        );
        assert_eq!(get(&db, first).await.spec.env, spec.env);
        let stored = db.database.lines(STORED);
        assert!(
            stored.iter().all(|env| env.starts_with("sealed:")),
            "{stored:?}"
        );

        let image = ImageValues {
            env: [("TOKEN".to_owned(), "hunter4".to_owned())].into(),
            entrypoint: None,
        };
        let written = image.clone();
        db.write(move |c| containers::set_image_defaults(c, first, &written))
            .await;
        assert_eq!(get(&db, first).await.image_defaults, Some(image));
        let of_images = "SELECT COALESCE(image_values, '') AS line FROM containers ORDER BY id";
        let of_images = db.database.lines(of_images);
        assert!(of_images[0].starts_with("sealed:"), "{of_images:?}");
        // The two columns of a container have different contexts.
        db.database.execute(&format!(
            "UPDATE containers SET env = '{}' WHERE id = {}",
            of_images[0], first.0
        ));
        let exchanged = db.store.read(move |c| containers::get(c, first)).await;
        assert!(
            matches!(exchanged, Err(Error::Internal { .. })),
            "{exchanged:?}"
        );

        db.database.execute(&format!(
            "UPDATE containers SET env = '{}' WHERE id = {}",
            stored[0], second.0
        ));
        let copied = db.store.read(move |c| containers::get(c, second)).await;
        assert!(matches!(copied, Err(Error::Internal { .. })), "{copied:?}");
    }
);

db_test!(
    plain_environment_is_read_and_encrypted_on_open,
    |db| async {
        let fixture = db.fixture().await;
        let mut ids = Vec::new();
        for n in 0..120 {
            ids.push(db.insert_container(fixture.container(n)).await);
        }
        db.database.execute(
        "UPDATE containers SET env = '[{\"name\":\"TOKEN\",\"value\":\"hunter2\"}]' WHERE id > 3",
    );
        let (first, last) = (ids[0], ids[119]);
        assert_eq!(get(&db, last).await.spec.env, parse("TOKEN=hunter2"));
        let stored = db.database.lines(STORED);
        assert!(stored[119].contains("hunter2"));

        let reopened = db.database.open(db.store.secret_key()).await.unwrap();
        let encrypted = db.database.lines(STORED);
        assert!(
            encrypted.iter().all(|env| env.starts_with("sealed:")),
            "{encrypted:?}"
        );
        assert_eq!(
            encrypted[0], stored[0],
            "an encrypted value does not change"
        );
        let read = reopened
            .read(move |c| containers::list_by_ids(c, &[first, last]))
            .await;
        let read = read.unwrap();
        assert_eq!(read[0].spec.env, parse(""));
        assert_eq!(read[1].spec.env, parse("TOKEN=hunter2"));
    }
);
