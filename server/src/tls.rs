//! The TLS certificate of the web server. Its files are read again when they change, so that a
//! renewal needs no restart. New connections get the new certificate; open ones continue.

use std::{io, time::Duration};

use axum_server::tls_rustls::RustlsConfig;
use model::fingerprint::Fingerprint;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use tokio::{sync::watch, time::sleep};

use crate::{ExitError, config::TlsFiles};

/// The interval for checking the files. A change is loaded once it is the same at two checks,
/// because another program may be writing the files.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// The content of both files.
#[derive(Clone, PartialEq, Eq)]
struct Pem {
    chain: Vec<u8>,
    key: Vec<u8>,
}

impl Pem {
    async fn read(files: &TlsFiles) -> io::Result<Self> {
        Ok(Self {
            chain: tokio::fs::read(&files.cert).await?,
            key: tokio::fs::read(&files.key).await?,
        })
    }

    /// Checks that the key belongs to the certificate.
    async fn load(&self) -> io::Result<(RustlsConfig, Fingerprint)> {
        let leaf = CertificateDer::from_pem_slice(&self.chain).map_err(io::Error::other)?;
        let fingerprint = pinned::Fingerprint::from_certificate(&leaf).to_string();
        let fingerprint = fingerprint.parse().map_err(io::Error::other)?;
        let config = RustlsConfig::from_pem(self.chain.clone(), self.key.clone()).await?;
        Ok((config, fingerprint))
    }
}

/// The served certificate and its files.
pub(crate) struct Certificate {
    files: TlsFiles,
    config: RustlsConfig,
    fingerprint: watch::Sender<Fingerprint>,
    /// The content that was loaded last or could not be loaded.
    seen: Pem,
}

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    /// When they cannot be read or do not belong together.
    pub(crate) async fn load(files: &TlsFiles) -> Result<Self, ExitError> {
        // Fails if a default provider is already installed, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let loaded = async {
            let pem = Pem::read(files).await?;
            let (config, fingerprint) = pem.load().await?;
            Ok((pem, config, fingerprint))
        };
        let (seen, config, fingerprint) = loaded.await.map_err(|cause| ExitError::Tls {
            cert: files.cert.clone(),
            key: files.key.clone(),
            cause,
        })?;
        Ok(Self {
            files: files.clone(),
            config,
            fingerprint: watch::Sender::new(fingerprint),
            seen,
        })
    }

    /// The configuration of the listeners, which always has the served certificate.
    pub(crate) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// The fingerprint of the served certificate.
    pub(crate) fn fingerprint(&self) -> watch::Receiver<Fingerprint> {
        self.fingerprint.subscribe()
    }

    /// Loads changed files until it is dropped. Files that cannot be loaded are logged once and the
    /// previous certificate is served.
    pub(crate) async fn reload_on_change(mut self) {
        let mut last = None;
        loop {
            sleep(CHECK_INTERVAL).await;
            // A file may be missing for a moment while it is replaced.
            let now = Pem::read(&self.files).await.ok();
            if now == last
                && let Some(pem) = &now
                && *pem != self.seen
            {
                self.seen = pem.clone();
                self.replace().await;
            }
            last = now;
        }
    }

    async fn replace(&self) {
        let path = self.files.cert.display();
        match self.seen.load().await {
            Ok((config, fingerprint)) => {
                self.config.reload_from_config(config.get_inner());
                tracing::info!(%path, %fingerprint, "TLS certificate reloaded");
                self.fingerprint.send_replace(fingerprint);
            }
            Err(error) => {
                tracing::error!(%path, %error, "TLS certificate reload failed");
            }
        }
    }
}
