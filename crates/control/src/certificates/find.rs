//! Searches the list of certificates, and selects those that need attention.

use model::{
    Error,
    certificates::{ALARMING, CertificateList, CertificateQuery, CertificateRow},
    page::Page,
};

use super::list;
use crate::{Actor, Control};

/// The most certificates that are listed individually as needing attention.
const MAX_ALARMS: usize = 8;

/// Returns a page of the certificates that match a query, and those that need attention.
///
/// # Errors
/// As for [`list`].
pub async fn find(
    control: &Control,
    actor: &Actor,
    query: &CertificateQuery,
) -> Result<CertificateList, Error> {
    Ok(paginate(list(control, actor, None).await?, query))
}

fn paginate(all: Vec<CertificateRow>, query: &CertificateQuery) -> CertificateList {
    let total = all.len();
    let alarming = || all.iter().filter(|row| row.state.needs_attention());
    let (first, attention_count) = (
        alarming().take(MAX_ALARMS).cloned().collect(),
        alarming().count(),
    );
    let matching = all.into_iter().filter(|row| matches_query(row, query));
    CertificateList {
        page: Page::of(matching.collect(), query.page),
        alarming: first,
        attention_count,
        total,
    }
}

fn matches_query(row: &CertificateRow, query: &CertificateQuery) -> bool {
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
            method: IssuanceMethod::Acme,
            state,
            issued: None,
            renew_at: None,
            next_attempt: None,
            failures: 0,
            last_error: None,
            is_used: true,
        }
    }

    fn subjects(listed: &CertificateList) -> Vec<&str> {
        let rows = listed.page.rows.iter();
        rows.map(|row| row.subject.as_str()).collect()
    }

    #[test]
    fn query_filters_rows_but_not_alarms() {
        let all = vec![
            row(1, "web.example.org", CertificateState::Issued),
            row(2, "shop.example.org", CertificateState::Failed),
            row(3, "old.example.org", CertificateState::Expired),
        ];
        let paginate = |q: &str, state: &str| {
            let query = CertificateQuery {
                q: q.to_owned(),
                state: state.to_owned(),
                page: 0,
            };
            paginate(all.clone(), &query)
        };
        assert_eq!(subjects(&paginate("", "")).len(), 3);
        let web = paginate(" WEB", "");
        assert_eq!(subjects(&web), ["web.example.org"]);
        assert_eq!((web.attention_count, web.total), (2, 3));
        assert_eq!(web.alarming.len(), 2);
        assert_eq!(subjects(&paginate("lab", "expired")), ["old.example.org"]);
        assert_eq!(
            subjects(&paginate("", ALARMING)),
            ["shop.example.org", "old.example.org"]
        );
    }

    #[test]
    fn pages_have_at_most_fifty_rows() {
        let all: Vec<_> = (1..=120)
            .map(|id| row(id, "web.example.org", CertificateState::Failed))
            .collect();
        let on = |page| {
            let query = CertificateQuery {
                page,
                ..CertificateQuery::default()
            };
            paginate(all.clone(), &query)
        };
        let lengths = [1, 2, 3, 4, u32::MAX].map(|page| on(page).page.rows.len());
        assert_eq!(lengths, [50, 50, 20, 0, 0]);
        assert_eq!(on(1).page.page_count(), 3);
        assert_eq!(
            (on(1).alarming.len(), on(1).attention_count),
            (MAX_ALARMS, 120)
        );
    }
}
