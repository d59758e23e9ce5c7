//! The agent's authenticated requests to the manager. Reports are numbered, so that additional
//! probe results are only added to the report that they belong to.

use agent_protocol::{
    CertificateWithKey, LeasesReport, LiveFilesUpdate, PollRequest, PollResponse, Report,
};
use model::fingerprint::Fingerprint;
use tokio::sync::Mutex;

use super::manager_http::{ManagerHttp, ManagerHttpError};

/// An authenticated client of the manager.
pub struct ManagerClient {
    http: ManagerHttp,
    key: String,
    /// The number of reports sent so far.
    report_number: Mutex<u64>,
}

impl ManagerClient {
    pub(crate) fn new(http: ManagerHttp, key: String) -> Self {
        Self {
            http,
            key,
            report_number: Mutex::default(),
        }
    }

    /// Waits for a new configuration (long poll).
    pub(crate) async fn poll(
        &self,
        request: &PollRequest,
    ) -> Result<Option<PollResponse>, ManagerHttpError> {
        self.http.poll(&self.key, request).await
    }

    /// Sends one batch of live files.
    pub(crate) async fn send_live_files(
        &self,
        update: &LiveFilesUpdate,
    ) -> Result<(), ManagerHttpError> {
        self.http.send_live_files(&self.key, update).await
    }

    /// Sends the DHCP leases.
    pub(crate) async fn send_leases(&self, leases: &LeasesReport) -> Result<(), ManagerHttpError> {
        self.http.send_leases(&self.key, leases).await
    }

    /// Fetches the given certificates with their keys. Certificates that the manager does not have
    /// are left out.
    pub(crate) async fn fetch_certificates(
        &self,
        fingerprints: &[Fingerprint],
    ) -> Result<Vec<CertificateWithKey>, ManagerHttpError> {
        self.http.fetch_certificates(&self.key, fingerprints).await
    }

    /// Sends a report and returns its number, for [`Self::amend_report`].
    pub(crate) async fn send_report(&self, report: &Report) -> Result<u64, ManagerHttpError> {
        let mut report_number = self.report_number.lock().await;
        // The number grows even if sending fails: probe results for an older report would be wrong
        // from now on.
        *report_number += 1;
        self.http.send_report(&self.key, report).await?;
        Ok(*report_number)
    }

    /// Sends a report again with additional content, unless a newer report was sent since.
    pub(crate) async fn amend_report(
        &self,
        report_number: u64,
        report: &Report,
    ) -> Result<(), ManagerHttpError> {
        let now = self.report_number.lock().await;
        if *now == report_number {
            self.http.send_report(&self.key, report).await?;
        }
        Ok(())
    }
}
