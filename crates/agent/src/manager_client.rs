//! The agent's authenticated requests to the manager. Reports are numbered, so that additional
//! probe results are only added to the report that they belong to.

use edge::link::{Asking, Given, Leases, Live, Pair};
use model::{clusters::Fingerprint, hosts::Report};
use tokio::sync::Mutex;

use crate::{LinkError, link::Link};

pub(crate) struct ManagerClient {
    link: Link,
    key: String,
    /// The number of reports sent so far.
    report_number: Mutex<u64>,
}

impl ManagerClient {
    pub(crate) fn new(link: Link, key: String) -> Self {
        Self {
            link,
            key,
            report_number: Mutex::default(),
        }
    }

    /// Waits for a new site configuration (long poll).
    pub(crate) async fn poll(&self, request: &Asking) -> Result<Option<Given>, LinkError> {
        self.link.next(&self.key, request).await
    }

    /// Sends one batch of live files.
    pub(crate) async fn send_live_files(&self, part: &Live) -> Result<(), LinkError> {
        self.link.live(&self.key, part).await
    }

    /// Sends the DHCP leases.
    pub(crate) async fn send_leases(&self, leases: &Leases) -> Result<(), LinkError> {
        self.link.leases(&self.key, leases).await
    }

    /// Fetches the given certificates with their keys. Certificates that the manager does not have
    /// are left out.
    pub(crate) async fn certificates(
        &self,
        certificates: &[Fingerprint],
    ) -> Result<Vec<Pair>, LinkError> {
        self.link.certificates(&self.key, certificates).await
    }

    /// Sends a report and returns its number, for [`Self::amend_report`].
    pub(crate) async fn send_report(&self, report: &Report) -> Result<u64, LinkError> {
        let mut report_number = self.report_number.lock().await;
        // The number grows even if sending fails: probe results for an older report would be wrong
        // from now on.
        *report_number += 1;
        self.link.report(&self.key, report).await?;
        Ok(*report_number)
    }

    /// Sends a report again with additional content, unless a newer report was sent since.
    pub(crate) async fn amend_report(
        &self,
        report_number: u64,
        report: &Report,
    ) -> Result<(), LinkError> {
        let now = self.report_number.lock().await;
        if *now == report_number {
            self.link.report(&self.key, report).await?;
        }
        Ok(())
    }
}
