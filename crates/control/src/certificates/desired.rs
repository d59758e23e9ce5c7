//! The desired certificates, derived from the published hosts and each domain's certificate source.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    CertificateId, DomainId, SiteId, Timestamp,
    certificates::{CertificateName, CertificateSource, IssuanceMethod},
    events::{Event, Topic},
};
use store::{Conn, certificates::DomainCertificates};

use crate::{Control, failure::StoreResultExt as _};

/// The names that a domain's certificates must cover.
fn desired_names(plan: &DomainCertificates) -> BTreeSet<CertificateName> {
    let of_hosts = || {
        let hosts = plan.hosts.iter();
        hosts.filter_map(|host| host.parse().ok()).collect()
    };
    match plan.certificate_source {
        CertificateSource::SelfSigned | CertificateSource::Uploaded => BTreeSet::new(),
        CertificateSource::Wildcard(_) => BTreeSet::from([CertificateName::wildcard(&plan.name)]),
        CertificateSource::Http(_) | CertificateSource::Dns(_) => of_hosts(),
    }
}

/// Adds certificates that are desired and missing, and deletes those that are no longer desired. A
/// valid certificate is kept until it expires, in case its name is published again.
///
/// # Errors
/// Returns an error when the database is unavailable.
pub(super) async fn reconcile_desired(control: &Control) -> Result<(), model::Error> {
    let clock = control.clock();
    let plans = control
        .store()
        .read(move |c| {
            Ok((
                store::certificates::list_domain_certificates(c)?,
                clock.now(c)?,
            ))
        })
        .await
        .into_model("list desired certificates")?;
    let (plans, now) = plans;
    let due = plans.iter().filter(|plan| !diff(plan, now).is_empty());
    for (domain, site) in due.map(|plan| (plan.domain, plan.site)).collect::<Vec<_>>() {
        control
            .store()
            .write(move |c| apply(c, site, domain, now))
            .await
            .into_model("update desired certificates")?;
        let event = Event::of(Topic::Domain, domain.0);
        control.notifier().publish(event);
        let event = Event::all(Topic::Certificate);
        control.notifier().publish(event);
    }
    Ok(())
}

/// Whether a CA should issue a certificate with this subject for the domain.
///
/// # Errors
/// Returns an error when the database is unavailable.
pub(super) fn is_desired(
    c: &mut Conn,
    domain: DomainId,
    subject: &CertificateName,
) -> Result<bool, store::Error> {
    let plans = store::certificates::list_domain_certificates(c)?;
    let plan = plans.iter().find(|plan| plan.domain == domain);
    Ok(plan.is_some_and(|plan| desired_names(plan).contains(subject)))
}

/// The difference between desired and existing certificates of a domain.
#[derive(Debug, Default, PartialEq, Eq)]
struct Diff {
    missing: Vec<CertificateName>,
    /// Desired again, and not scheduled.
    resume: Vec<CertificateId>,
    /// No longer desired, and still valid.
    idle: Vec<(CertificateId, Option<Timestamp>)>,
    obsolete: Vec<CertificateId>,
}

impl Diff {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn diff(plan: &DomainCertificates, now: Timestamp) -> Diff {
    let desired = desired_names(plan);
    let existing: BTreeMap<&CertificateName, _> = plan
        .certificates
        .iter()
        .map(|it| (&it.subject, it))
        .collect();
    let mut diff = Diff::default();
    for subject in &desired {
        match existing.get(subject) {
            None => diff.missing.push(subject.clone()),
            Some(it) if it.is_dormant() || it.method == IssuanceMethod::Uploaded => {
                diff.resume.push(it.id)
            }
            Some(_) => {}
        }
    }
    for it in &plan.certificates {
        if desired.contains(&it.subject) || it.method == IssuanceMethod::Uploaded {
            continue;
        }
        match it.not_after {
            Some(until) if until > now => {
                if it.next_attempt != Some(until) {
                    diff.idle.push((it.id, Some(until)));
                }
            }
            _ => diff.obsolete.push(it.id),
        }
    }
    diff
}

/// Computes the difference again while its site is locked: another server may do the same, and a
/// user may have uploaded a certificate.
fn apply(c: &mut Conn, site: SiteId, domain: DomainId, now: Timestamp) -> Result<(), store::Error> {
    if store::sites::lock(c, site)?.is_none() {
        return Ok(());
    }
    let plans = store::certificates::list_domain_certificates(c)?;
    let Some(plan) = plans.iter().find(|plan| plan.domain == domain) else {
        return Ok(());
    };
    let diff = diff(plan, now);
    for subject in &diff.missing {
        store::certificates::insert_pending(c, domain, subject, now)?;
    }
    for id in &diff.resume {
        store::certificates::switch_to_acme(c, *id, now)?;
    }
    for (id, until) in &diff.idle {
        store::certificates::schedule(c, *id, None, *until)?;
    }
    for id in &diff.obsolete {
        store::certificates::delete_undesired(c, *id)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use model::AuthorityId;
    use store::certificates::CertificateSchedule;

    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn plan(
        certificate_source: CertificateSource,
        hosts: &[&str],
        certificates: Vec<CertificateSchedule>,
    ) -> DomainCertificates {
        DomainCertificates {
            domain: DomainId(1),
            site: SiteId(1),
            name: "example.org".parse().unwrap(),
            certificate_source,
            hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
            certificates,
        }
    }

    fn planned(
        id: i64,
        subject: &str,
        next_attempt: Option<i64>,
        not_after: Option<i64>,
    ) -> CertificateSchedule {
        CertificateSchedule {
            id: CertificateId(id),
            subject: subject.parse().unwrap(),
            method: IssuanceMethod::Acme,
            next_attempt: next_attempt.map(Timestamp),
            not_after: not_after.map(Timestamp),
        }
    }

    fn names(names: &[&str]) -> Vec<CertificateName> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn each_host_has_a_certificate_or_the_domain_has_a_wildcard() {
        let hosts = ["a.example.org", "b.example.org"];
        let authority = AuthorityId(1);
        let missing =
            |certificate_source| diff(&plan(certificate_source, &hosts, Vec::new()), NOW).missing;
        assert_eq!(missing(CertificateSource::Http(authority)), names(&hosts));
        assert_eq!(missing(CertificateSource::Dns(authority)), names(&hosts));
        assert_eq!(
            missing(CertificateSource::Wildcard(authority)),
            names(&["*.example.org"])
        );
        assert!(missing(CertificateSource::SelfSigned).is_empty());
        assert!(missing(CertificateSource::Uploaded).is_empty());
        let existing = vec![planned(1, "a.example.org", Some(5), None)];
        let some = plan(CertificateSource::Http(authority), &hosts, existing);
        assert_eq!(diff(&some, NOW).missing, names(&["b.example.org"]));
    }

    #[test]
    fn undesired_certificate_is_kept_until_expiry_and_can_resume() {
        let certificate_source = CertificateSource::Http(AuthorityId(1));
        let valid_until = NOW.0 + 10;
        let existing = vec![
            planned(1, "good.example.org", Some(NOW.0 + 5), Some(valid_until)),
            planned(2, "never.example.org", Some(NOW.0), None),
            planned(3, "old.example.org", Some(NOW.0), Some(NOW.0)),
        ];
        let done = diff(&plan(certificate_source, &[], existing), NOW);
        assert_eq!(
            done.idle,
            [(CertificateId(1), Some(Timestamp(valid_until)))]
        );
        assert_eq!(done.obsolete, [CertificateId(2), CertificateId(3)]);
        let idle = |next| vec![planned(1, "good.example.org", next, Some(valid_until))];
        assert!(diff(&plan(certificate_source, &[], idle(Some(valid_until))), NOW).is_empty());
        for next in [Some(valid_until), None] {
            let back = plan(certificate_source, &["good.example.org"], idle(next));
            assert_eq!(diff(&back, NOW).resume, [CertificateId(1)], "{next:?}");
        }
        let scheduled = plan(
            certificate_source,
            &["good.example.org"],
            idle(Some(NOW.0 + 5)),
        );
        assert!(diff(&scheduled, NOW).is_empty());
    }

    #[test]
    fn uploaded_certificate_is_kept() {
        let uploaded = CertificateSchedule {
            method: IssuanceMethod::Uploaded,
            ..planned(1, "a.example.org", None, Some(0))
        };
        let kept = plan(
            CertificateSource::Uploaded,
            &["a.example.org"],
            vec![uploaded.clone()],
        );
        assert!(diff(&kept, NOW).is_empty());
        let now_acme = plan(
            CertificateSource::Http(AuthorityId(1)),
            &["a.example.org"],
            vec![uploaded],
        );
        assert_eq!(diff(&now_acme, NOW).resume, [CertificateId(1)]);
    }
}
