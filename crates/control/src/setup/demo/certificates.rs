//! Certificates of the demo: issued by the demo's own certificate authority and uploaded, as an
//! organization with its own CA does.

use model::{
    Error, Timestamp,
    certificates::{CertificateName, IssuanceMethod},
};

use super::{domain_id, organization};
use crate::{
    Actor, Control, certificates,
    failure::{StoreResultExt as _, internal},
    setup::parse,
};

const DAY_MS: i64 = 86_400_000;
/// How long certificates are valid.
const VALID_DAYS: i64 = 90;
/// How long before its expiry a certificate is replaced.
const REPLACE_DAYS: i64 = 2;

/// A certificate authority.
pub trait Issuer: Send + Sync {
    /// The issuer's name in certificates.
    fn name(&self) -> &str;

    /// Returns a certificate chain and its key, both in PEM.
    ///
    /// # Errors
    /// Why the certificate cannot be signed.
    fn issue(&self, request: &CertificateRequest) -> Result<(String, String), String>;
}

/// The certificate to issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRequest {
    /// The names of the certificate.
    pub names: Vec<CertificateName>,
    /// The start of its validity.
    pub not_before: Timestamp,
    /// The end of its validity.
    pub not_after: Timestamp,
}

/// A certificate of the demo.
pub(super) struct CertificateData {
    pub(super) domain: &'static str,
    /// The names; the first one is the subject.
    pub(super) names: &'static [&'static str],
    /// How many days ago it was issued.
    pub(super) age_days: i64,
}

impl CertificateData {
    pub(super) fn subject(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }
}

/// Issues a certificate with its age and uploads it.
pub(super) async fn upload(
    control: &Control,
    issuer: &dyn Issuer,
    data: &CertificateData,
) -> Result<(), Error> {
    upload_aged(control, issuer, data, data.age_days).await
}

async fn upload_aged(
    control: &Control,
    issuer: &dyn Issuer,
    data: &CertificateData,
    age_days: i64,
) -> Result<(), Error> {
    let domain = domain_id(control, data.domain).await?;
    let names: Result<_, Error> = data.names.iter().map(|name| parse(name)).collect();
    // One minute in the past, because a client's clock may be slow.
    let issued = now(control).await?.0 - age_days.saturating_mul(DAY_MS) - 60_000;
    let request = CertificateRequest {
        names: names?,
        not_before: Timestamp(issued),
        not_after: Timestamp(issued + VALID_DAYS * DAY_MS),
    };
    let pair = issuer
        .issue(&request)
        .map_err(|cause| internal("create demo certificate", &cause))?;
    certificates::upload(control, &Actor::System, domain, pair)
        .await
        .map(drop)
}

/// Replaces the demo certificates that are about to expire. Ignores certificates that were deleted
/// or that another CA issued.
///
/// # Errors
/// The first error, after all certificates were tried.
pub async fn renew_certificates(control: &Control, issuer: &dyn Issuer) -> Result<(), Error> {
    let existing = certificates::list(control, &Actor::System, None).await?;
    let soon = Timestamp(now(control).await?.0 + REPLACE_DAYS * DAY_MS);
    let mut result = Ok(());
    for data in organization::certificates() {
        let is_due = existing.iter().any(|row| {
            let issued = row.issued.as_ref();
            row.method == IssuanceMethod::Uploaded
                && row.subject.as_str() == data.subject()
                && row.domain_name.as_str() == data.domain
                && issued.is_some_and(|it| it.issuer == issuer.name() && it.not_after < soon)
        });
        if is_due {
            result = result.and(upload_aged(control, issuer, &data, 0).await);
        }
    }
    result
}

async fn now(control: &Control) -> Result<Timestamp, Error> {
    let clock = control.clock();
    control
        .store()
        .read(move |c| clock.now(c))
        .await
        .into_model("read time for demo certificate")
}
