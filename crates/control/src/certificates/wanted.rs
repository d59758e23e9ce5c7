//! The desired certificates, derived from the published hosts and each domain's certificate source.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    CertificateId, DomainId, SiteId, Timestamp,
    certificates::{CertificateName, Issuance, Source},
    events::{Event, Topic},
};
use store::{Conn, certificates::Plan};

use crate::{Control, failure::Told as _, hub::Audience};

/// The names that a domain's certificates must cover.
fn subjects(plan: &Plan) -> BTreeSet<CertificateName> {
    let of_hosts = || {
        let hosts = plan.hosts.iter();
        hosts.filter_map(|host| host.parse().ok()).collect()
    };
    match plan.issuance {
        Issuance::SelfSigned | Issuance::Uploaded => BTreeSet::new(),
        Issuance::Wildcard(_) => BTreeSet::from([CertificateName::below(&plan.name)]),
        Issuance::Http(_) | Issuance::Dns(_) => of_hosts(),
    }
}

/// Adds certificates that are desired and missing, and deletes those that are no longer desired. A
/// valid certificate is kept until it expires, in case its name is published again.
///
/// # Errors
/// Returns an error when the database is unavailable.
pub(super) async fn settle(control: &Control) -> Result<(), model::Error> {
    let clock = control.clock();
    let plans = control
        .store()
        .read(move |c| Ok((store::certificates::plans(c)?, clock.now(c)?)))
        .await
        .told("certificates")?;
    let (plans, now) = plans;
    let due = plans.iter().filter(|plan| !change(plan, now).is_empty());
    for (domain, site) in due.map(|plan| (plan.domain, plan.site)).collect::<Vec<_>>() {
        control
            .store()
            .write(move |c| apply(c, site, domain, now))
            .await
            .told("certificates")?;
        let event = Event::of(Topic::Domain, domain.0);
        control.hub().tell(event, Audience::Everyone);
        let event = Event::all(Topic::Certificate);
        control.hub().tell(event, Audience::Operators);
    }
    Ok(())
}

/// Whether a CA should issue a certificate with this subject for the domain.
///
/// # Errors
/// Returns an error when the database is unavailable.
pub(super) fn is_wanted(
    c: &mut Conn,
    domain: DomainId,
    subject: &CertificateName,
) -> Result<bool, store::Error> {
    let plans = store::certificates::plans(c)?;
    let plan = plans.iter().find(|plan| plan.domain == domain);
    Ok(plan.is_some_and(|plan| subjects(plan).contains(subject)))
}

/// The difference between desired and existing certificates of a domain.
#[derive(Debug, Default, PartialEq, Eq)]
struct Change {
    missing: Vec<CertificateName>,
    /// Desired again, and not scheduled.
    again: Vec<CertificateId>,
    /// No longer desired, and still valid.
    resting: Vec<(CertificateId, Option<Timestamp>)>,
    gone: Vec<CertificateId>,
}

impl Change {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn change(plan: &Plan, now: Timestamp) -> Change {
    let wanted = subjects(plan);
    let known: BTreeMap<&CertificateName, _> = plan
        .certificates
        .iter()
        .map(|it| (&it.subject, it))
        .collect();
    let mut change = Change::default();
    for subject in &wanted {
        match known.get(subject) {
            None => change.missing.push(subject.clone()),
            Some(it) if it.rests() || it.source == Source::Uploaded => change.again.push(it.id),
            Some(_) => {}
        }
    }
    for it in &plan.certificates {
        if wanted.contains(&it.subject) || it.source == Source::Uploaded {
            continue;
        }
        match it.not_after {
            Some(until) if until > now => {
                if it.next_try != Some(until) {
                    change.resting.push((it.id, Some(until)));
                }
            }
            _ => change.gone.push(it.id),
        }
    }
    change
}

/// Computes the difference again while its site is locked: another server may do the same, and a
/// user may have uploaded a certificate.
fn apply(c: &mut Conn, site: SiteId, domain: DomainId, now: Timestamp) -> Result<(), store::Error> {
    if store::sites::lock(c, site)?.is_none() {
        return Ok(());
    }
    let plans = store::certificates::plans(c)?;
    let Some(plan) = plans.iter().find(|plan| plan.domain == domain) else {
        return Ok(());
    };
    let change = change(plan, now);
    for subject in &change.missing {
        store::certificates::want(c, domain, subject, now)?;
    }
    for id in &change.again {
        store::certificates::want_again(c, *id, now)?;
    }
    for (id, until) in &change.resting {
        store::certificates::looked_after(c, *id, None, *until)?;
    }
    for id in &change.gone {
        store::certificates::delete(c, *id)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use model::AuthorityId;
    use store::certificates::Planned;

    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn plan(issuance: Issuance, hosts: &[&str], certificates: Vec<Planned>) -> Plan {
        Plan {
            domain: DomainId(1),
            site: SiteId(1),
            name: "example.org".parse().unwrap(),
            issuance,
            hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
            certificates,
        }
    }

    fn planned(id: i64, subject: &str, next_try: Option<i64>, not_after: Option<i64>) -> Planned {
        Planned {
            id: CertificateId(id),
            subject: subject.parse().unwrap(),
            source: Source::Acme,
            next_try: next_try.map(Timestamp),
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
        let missing = |issuance| change(&plan(issuance, &hosts, Vec::new()), NOW).missing;
        assert_eq!(missing(Issuance::Http(authority)), names(&hosts));
        assert_eq!(missing(Issuance::Dns(authority)), names(&hosts));
        assert_eq!(
            missing(Issuance::Wildcard(authority)),
            names(&["*.example.org"])
        );
        assert!(missing(Issuance::SelfSigned).is_empty());
        assert!(missing(Issuance::Uploaded).is_empty());
        let known = vec![planned(1, "a.example.org", Some(5), None)];
        let some = plan(Issuance::Http(authority), &hosts, known);
        assert_eq!(change(&some, NOW).missing, names(&["b.example.org"]));
    }

    #[test]
    fn undesired_certificate_is_kept_while_valid_and_resumed_on_demand() {
        let issuance = Issuance::Http(AuthorityId(1));
        let good = NOW.0 + 10;
        let known = vec![
            planned(1, "good.example.org", Some(NOW.0 + 5), Some(good)),
            planned(2, "never.example.org", Some(NOW.0), None),
            planned(3, "old.example.org", Some(NOW.0), Some(NOW.0)),
        ];
        let done = change(&plan(issuance, &[], known), NOW);
        assert_eq!(done.resting, [(CertificateId(1), Some(Timestamp(good)))]);
        assert_eq!(done.gone, [CertificateId(2), CertificateId(3)]);
        let resting = |next| vec![planned(1, "good.example.org", next, Some(good))];
        assert!(change(&plan(issuance, &[], resting(Some(good))), NOW).is_empty());
        for next in [Some(good), None] {
            let back = plan(issuance, &["good.example.org"], resting(next));
            assert_eq!(change(&back, NOW).again, [CertificateId(1)], "{next:?}");
        }
        let seen_to = plan(issuance, &["good.example.org"], resting(Some(NOW.0 + 5)));
        assert!(change(&seen_to, NOW).is_empty());
    }

    #[test]
    fn uploaded_certificate_is_kept() {
        let brought = Planned {
            source: Source::Uploaded,
            ..planned(1, "a.example.org", None, Some(0))
        };
        let kept = plan(
            Issuance::Uploaded,
            &["a.example.org"],
            vec![brought.clone()],
        );
        assert!(change(&kept, NOW).is_empty());
        let now_acme = plan(
            Issuance::Http(AuthorityId(1)),
            &["a.example.org"],
            vec![brought],
        );
        assert_eq!(change(&now_acme, NOW).again, [CertificateId(1)]);
    }
}
