//! Certificates of domains. Private keys can be uploaded but are never returned.

use leptos::prelude::*;
use model::{
    CertificateId, DomainId,
    certificates::{CertificateDetail, CertificateRow, UploadForm},
    page::Page,
};
use serde::{Deserialize, Serialize};

use super::Failure;

/// Search and filter of the list of certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// A substring of the hostname, domain, site or issuer; empty matches all.
    pub q: String,
    /// A state, or [`ALARMING`]; empty matches all.
    pub state: String,
    /// The page's number, from 1.
    pub page: u32,
}

/// The value of `state` for certificates that need attention.
pub const ALARMING: &str = "alarming";

/// A page of certificates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CertificateList {
    /// The certificates that match the query.
    pub page: Page<CertificateRow>,
    /// The first certificates that need attention, regardless of the query.
    pub alarming: Vec<CertificateRow>,
    /// The number of certificates that need attention.
    pub alarms: usize,
    /// The number of certificates, regardless of the query.
    pub total: usize,
}

/// Lists all certificates, or those of one domain.
///
/// # Errors
/// As `control::certificates::list`.
#[server(prefix = "/api/ui", endpoint = "certificates/list", input = server_fn::codec::Json)]
pub async fn list(of: Option<DomainId>) -> Result<Vec<CertificateRow>, Failure> {
    let (control, actor) = super::caller().await?;
    control::certificates::list(&control, &actor, of)
        .await
        .map_err(super::into_failure)
}

/// Lists a page of certificates, ordered by domain.
///
/// # Errors
/// As `control::certificates::list`.
#[server(prefix = "/api/ui", endpoint = "certificates/find", input = server_fn::codec::Json)]
pub async fn find(query: Query) -> Result<CertificateList, Failure> {
    let (control, actor) = super::caller().await?;
    let all = control::certificates::list(&control, &actor, None)
        .await
        .map_err(super::into_failure)?;
    Ok(paginate::paginate(all, &query))
}

/// Gets the certificate with the id in the URL, with its history.
///
/// # Errors
/// As `control::certificates::get`.
#[server(prefix = "/api/ui", endpoint = "certificates/get", input = server_fn::codec::Json)]
pub async fn get(key: String) -> Result<CertificateDetail, Failure> {
    let (control, actor) = super::caller().await?;
    let Ok(id) = key.parse() else {
        // An invalid id is treated as not found.
        return Err(super::into_failure(model::Error::NotFound {
            kind: model::Kind::Certificate,
        }));
    };
    control::certificates::get(&control, &actor, id)
        .await
        .map_err(super::into_failure)
}

/// Stores an uploaded certificate.
///
/// # Errors
/// Refused fields; as `control::certificates::upload`.
#[server(prefix = "/api/ui", endpoint = "certificates/upload", input = server_fn::codec::Json)]
pub async fn upload(form: UploadForm) -> Result<CertificateId, Failure> {
    let (control, actor) = super::caller().await?;
    let domain = form
        .parse()
        .map_err(|fields| super::into_failure(model::Error::Invalid { fields }))?;
    control::certificates::upload(&control, &actor, domain, (form.chain, form.key))
        .await
        .map_err(super::into_failure)
}

/// Retries an issuance immediately.
///
/// # Errors
/// As `control::certificates::try_again`.
#[server(prefix = "/api/ui", endpoint = "certificates/try-again", input = server_fn::codec::Json)]
pub async fn try_again(id: CertificateId) -> Result<(), Failure> {
    let (control, actor) = super::caller().await?;
    control::certificates::retry(&control, &actor, id)
        .await
        .map_err(super::into_failure)
}

/// Renews a certificate immediately.
///
/// # Errors
/// As `control::certificates::renew`.
#[server(prefix = "/api/ui", endpoint = "certificates/renew", input = server_fn::codec::Json)]
pub async fn renew(id: CertificateId) -> Result<(), Failure> {
    let (control, actor) = super::caller().await?;
    control::certificates::renew(&control, &actor, id)
        .await
        .map_err(super::into_failure)
}

/// Revokes a certificate at its CA; requires the hostname to be typed.
///
/// # Errors
/// As `control::certificates::revoke`.
#[server(prefix = "/api/ui", endpoint = "certificates/revoke", input = server_fn::codec::Json)]
pub async fn revoke(id: CertificateId, confirm: String) -> Result<(), Failure> {
    let (control, actor) = super::caller().await?;
    control::certificates::revoke(&control, &actor, id, &confirm)
        .await
        .map_err(super::into_failure)
}

/// Deletes an uploaded certificate; requires the hostname to be typed.
///
/// # Errors
/// As `control::certificates::delete`.
#[server(prefix = "/api/ui", endpoint = "certificates/delete", input = server_fn::codec::Json)]
pub async fn delete(id: CertificateId, confirm: String) -> Result<(), Failure> {
    let (control, actor) = super::caller().await?;
    control::certificates::delete(&control, &actor, id, &confirm)
        .await
        .map_err(super::into_failure)
}

/// Selects the requested page from all certificates.
#[cfg(any(feature = "ssr", test))]
mod paginate {
    use model::{
        certificates::CertificateRow,
        page::{PAGE_ROWS, Page},
    };

    use super::{ALARMING, CertificateList, Query};

    /// The most certificates that are listed individually as needing attention.
    const MAX_ALARMS: usize = 8;

    pub(super) fn paginate(all: Vec<CertificateRow>, query: &Query) -> CertificateList {
        let total = all.len();
        let alarming = || all.iter().filter(|row| row.state.needs_attention());
        let (first, alarms) = (
            alarming().take(MAX_ALARMS).cloned().collect(),
            alarming().count(),
        );
        let matching: Vec<&CertificateRow> =
            all.iter().filter(|row| matches_query(row, query)).collect();
        let page = query.page.max(1);
        let before = (page - 1).saturating_mul(PAGE_ROWS);
        let rows = matching
            .iter()
            .skip(usize::try_from(before).unwrap_or(usize::MAX))
            .take(usize::try_from(PAGE_ROWS).unwrap_or(usize::MAX));
        CertificateList {
            page: Page {
                rows: rows.map(|row| (*row).clone()).collect(),
                total: u64::try_from(matching.len()).unwrap_or(u64::MAX),
                page,
            },
            alarming: first,
            alarms,
            total,
        }
    }

    fn matches_query(row: &CertificateRow, query: &Query) -> bool {
        let in_state = match query.state.as_str() {
            "" => true,
            ALARMING => row.state.needs_attention(),
            word => row.state.as_str() == word,
        };
        let q = query.q.trim().to_lowercase();
        let issuer = row
            .issued
            .as_ref()
            .map(|issued| issued.issuer.to_lowercase());
        let texts = [
            row.subject.as_str(),
            row.domain_name.as_str(),
            row.site_name.as_str(),
            issuer.as_deref().unwrap_or_default(),
        ];
        in_state && texts.iter().any(|text| text.contains(&q))
    }

    #[cfg(test)]
    mod tests {
        use model::{
            CertificateId, DomainId,
            certificates::{CertificateState, IssuanceMethod},
        };

        use super::*;

        fn row(id: i64, subject: &str, state: CertificateState) -> CertificateRow {
            CertificateRow {
                id: CertificateId(id),
                domain: DomainId(1),
                domain_name: "example.org".parse().unwrap(),
                site_name: "lab".parse().unwrap(),
                subject: subject.parse().unwrap(),
                source: IssuanceMethod::Acme,
                state,
                issued: None,
                renew_at: None,
                next_try: None,
                failures: 0,
                trouble: None,
                is_used: true,
            }
        }

        fn subjects(listed: &CertificateList) -> Vec<&str> {
            let rows = listed.page.rows.iter();
            rows.map(|row| row.subject.as_str()).collect()
        }

        #[test]
        fn query_filters_page_and_alarms_are_unfiltered() {
            let all = vec![
                row(1, "web.example.org", CertificateState::Issued),
                row(2, "shop.example.org", CertificateState::Failed),
                row(3, "old.example.org", CertificateState::Expired),
            ];
            let paginate = |q: &str, state: &str| {
                let query = Query {
                    q: q.to_owned(),
                    state: state.to_owned(),
                    page: 0,
                };
                paginate(all.clone(), &query)
            };
            assert_eq!(subjects(&paginate("", "")).len(), 3);
            let web = paginate(" WEB", "");
            assert_eq!(subjects(&web), ["web.example.org"]);
            assert_eq!((web.alarms, web.total), (2, 3));
            assert_eq!(web.alarming.len(), 2);
            assert_eq!(subjects(&paginate("lab", "expired")), ["old.example.org"]);
            assert_eq!(
                subjects(&paginate("", ALARMING)),
                ["shop.example.org", "old.example.org"]
            );
        }

        #[test]
        fn pages_have_fifty_rows_and_last_page_the_rest() {
            let all: Vec<_> = (1..=120)
                .map(|id| row(id, "web.example.org", CertificateState::Failed))
                .collect();
            let on = |page| {
                let query = Query {
                    page,
                    ..Query::default()
                };
                paginate(all.clone(), &query)
            };
            let lengths = [1, 2, 3, 4, u32::MAX].map(|page| on(page).page.rows.len());
            assert_eq!(lengths, [50, 50, 20, 0, 0]);
            assert_eq!(on(1).page.page_count(), 3);
            assert_eq!((on(1).alarming.len(), on(1).alarms), (MAX_ALARMS, 120));
        }
    }
}
