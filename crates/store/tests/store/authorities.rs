//! Certificate authorities and DNS providers: secrets, accounts, and deletion while in use.

use model::certificates::CertificateSource;
use store::{Error, authorities, providers};

use crate::{
    certificates::{authority, change, provider},
    support::{parse, permit},
};

db_test!(
    secrets_are_bound_to_context_and_accounts_are_stored_once,
    |db| async {
        let id = authority(&db, "ca", "a2V5").await;
        let key = db.store.secret_key().clone();
        let record = async || {
            let key = key.clone();
            db.read(move |c| authorities::get(c, &key, id))
                .await
                .unwrap()
        };
        assert_eq!(record().await.eab_mac_key.as_deref(), Some("a2V5"));
        let row = record().await.row;
        for account in ["first", "second"] {
            let (key, row) = (key.clone(), row.clone());
            let secret = format!("{account}-geheim");
            db.write(move |c| authorities::store_account(c, &key, &row, account, &secret))
                .await;
        }
        assert_eq!(record().await.row.account.as_deref(), Some("first"));
        assert_eq!(record().await.credentials.as_deref(), Some("first-geheim"));
        // A new directory deletes the account and the binding key.
        let form = model::authorities::AuthorityForm {
            directory: "https://other.example.org/dir".into(),
            ..model::authorities::AuthorityForm::from(&row)
        };
        let (seal, spec) = (key.clone(), form.parse(false).unwrap());
        db.write(move |c| authorities::update(c, permit(), &seal, id, &spec))
            .await;
        let moved = record().await;
        assert_eq!(
            (moved.row.account, moved.credentials, moved.eab_mac_key),
            (None, None, None)
        );

        let dns = provider(&db, "dns").await;
        let record = {
            let key = key.clone();
            db.read(move |c| providers::get(c, &key, dns))
                .await
                .unwrap()
        };
        assert_eq!(record.secret.reveal(), "token-geheim");
        assert!(!format!("{record:?}").contains("geheim"));
    }
);

db_test!(ca_and_dns_provider_in_use_are_not_deleted, |db| async {
    let id = db.fixture().await.domain;
    let (authority, dns) = (
        authority(&db, "ca", "a2V5").await,
        provider(&db, "dns").await,
    );
    change(&db, id, |spec| {
        spec.certificate_source = CertificateSource::Wildcard(authority);
        spec.provider = Some(dns);
        spec.addresses = true;
    })
    .await;
    let row = db.read(move |c| store::domains::get(c, id)).await.unwrap();
    assert_eq!(
        row.spec.certificate_source,
        CertificateSource::Wildcard(authority)
    );
    assert_eq!((row.spec.provider, row.spec.addresses), (Some(dns), true));
    let result = db
        .store
        .write(move |c| authorities::delete(c, permit(), authority))
        .await;
    assert_eq!(result, Err(Error::InUse));
    let result = db
        .store
        .write(move |c| providers::delete(c, permit(), dns))
        .await;
    assert_eq!(result, Err(Error::InUse));
    let listed = db.read(authorities::list).await;
    assert_eq!(listed[0].domains, [parse("example.org")]);
    change(&db, id, |spec| {
        spec.certificate_source = CertificateSource::SelfSigned;
        spec.provider = None;
        spec.addresses = false;
    })
    .await;
    db.write(move |c| authorities::delete(c, permit(), authority))
        .await;
    db.write(move |c| providers::delete(c, permit(), dns)).await;
});
