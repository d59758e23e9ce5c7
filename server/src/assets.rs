//! The site's files: scripts, styles, icons. A release has them inside; while developing they are
//! read at the start from the folder that the build writes. Served as they are stored, compressed
//! beforehand; nothing is made here.

mod encoding;
pub mod reload;
mod site;

use std::{collections::HashMap, io, path::Path};

pub use site::Site;

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;

use crate::{headers::NoDocument, router::AppState};
use encoding::Encoding;

/// A file's bytes in each form that it has, the plain one first.
type Forms = &'static [(Encoding, &'static [u8])];

/// Where the site is, as `build.rs` decides. Each build has one of them.
#[expect(dead_code, reason = "one variant in each build")]
enum Source {
    /// In the program.
    Embedded(Embedded),
    /// In the folder of a development build; it may change while the program runs.
    Folder(&'static str),
    /// A release was built without one.
    Missing,
}

struct Embedded {
    manifest: &'static str,
    files: &'static [(&'static str, Forms)],
}

static SOURCE: Source = include!(concat!(env!("OUT_DIR"), "/site.rs"));

/// The site's description by its build.
#[derive(Deserialize)]
struct Manifest {
    files: Vec<Entry>,
    names: HashMap<String, String>,
    #[serde(default)]
    parts: HashMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Entry {
    path: String,
    #[serde(rename = "type")]
    media_type: String,
    /// Changes when the content does. It is not computed here, because that would read the whole
    /// site into memory at every start.
    hash: String,
    immutable: bool,
    #[serde(default)]
    encodings: Vec<String>,
}

struct Asset {
    media_type: HeaderValue,
    cache: HeaderValue,
    hash: String,
    forms: Vec<(Encoding, Bytes)>,
}

/// The site's files by path.
#[derive(Default)]
pub struct Assets {
    files: HashMap<String, Asset>,
    names: HashMap<String, String>,
    parts: HashMap<String, Vec<String>>,
}

/// Why the site cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AssetsError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {cause}")]
    File {
        /// The file.
        path: String,
        /// The system's reason.
        cause: io::Error,
    },
    /// The manifest is not as the build writes it.
    #[error("the site's manifest.json cannot be used: {0}")]
    Manifest(String),
}

impl Assets {
    /// The site inside the program; in a development build the one in the build's folder, or none.
    ///
    /// # Errors
    /// When there is a site that cannot be read.
    pub fn load() -> Result<Self, AssetsError> {
        match &SOURCE {
            Source::Embedded(embedded) => Self::embedded(embedded),
            Source::Folder(folder) if Path::new(folder).join("manifest.json").exists() => {
                Self::folder(Path::new(folder))
            }
            Source::Folder(_) | Source::Missing => {
                tracing::warn!("no site is built: pages come without scripts and styles");
                Ok(Self::default())
            }
        }
    }

    /// The site in a folder.
    ///
    /// # Errors
    /// When a file of its manifest is missing.
    pub fn folder(site: &Path) -> Result<Self, AssetsError> {
        let text = String::from_utf8_lossy(&read(&site.join("manifest.json"))?).into_owned();
        Self::from_manifest(&text, |entry| {
            let plain = site.join(entry.path.trim_start_matches('/'));
            let mut forms = vec![(Encoding::Identity, Bytes::from(read(&plain)?))];
            for (encoding, ending) in entry.encodings.iter().filter_map(|name| packed(name)) {
                let file = format!("{}.{ending}", plain.display());
                forms.push((encoding, Bytes::from(read(Path::new(&file))?)));
            }
            Ok(forms)
        })
    }

    fn embedded(embedded: &Embedded) -> Result<Self, AssetsError> {
        let files: HashMap<_, _> = embedded.files.iter().copied().collect();
        Self::from_manifest(embedded.manifest, |entry| {
            let forms = files.get(entry.path.as_str()).copied().unwrap_or_default();
            Ok(forms
                .iter()
                .map(|(encoding, body)| (*encoding, Bytes::from_static(body)))
                .collect())
        })
    }

    fn from_manifest(
        text: &str,
        forms: impl Fn(&Entry) -> Result<Vec<(Encoding, Bytes)>, AssetsError>,
    ) -> Result<Self, AssetsError> {
        let manifest: Manifest =
            serde_json::from_str(text).map_err(|e| AssetsError::Manifest(e.to_string()))?;
        let mut files = HashMap::new();
        for entry in manifest.files {
            let asset = Asset::new(&entry, forms(&entry)?)?;
            files.insert(entry.path, asset);
        }
        Ok(Self {
            files,
            names: manifest.names,
            parts: manifest.parts,
        })
    }

    /// The addresses that pages ask for.
    pub fn for_pages(&self) -> app::Assets {
        let path = |name: &str, plain: &str| {
            self.names
                .get(name)
                .cloned()
                .unwrap_or_else(|| plain.to_owned())
        };
        app::Assets {
            js: path("holdfast.js", "/pkg/holdfast.js"),
            wasm: path("holdfast.wasm", "/pkg/holdfast.wasm"),
            parts: self.parts.clone(),
            css: path("holdfast.css", "/pkg/holdfast.css"),
            icons: path("icons.svg", "/icons.svg"),
            theme: path("theme.js", "/theme.js"),
            events: path("events.js", "/events.js"),
            reload: (can_change() && !self.files.is_empty()).then(|| reload::SCRIPT.to_owned()),
        }
    }
}

/// Whether this is a development build, whose site may change while it runs.
pub fn can_change() -> bool {
    matches!(SOURCE, Source::Folder(_))
}

impl Asset {
    fn new(entry: &Entry, forms: Vec<(Encoding, Bytes)>) -> Result<Self, AssetsError> {
        if forms.is_empty() {
            return Err(AssetsError::Manifest(format!("{} is missing", entry.path)));
        }
        let is_text = entry.media_type.starts_with("text/") || entry.media_type.ends_with("json");
        let media_type = if is_text && !entry.media_type.contains(';') {
            format!("{}; charset=utf-8", entry.media_type)
        } else {
            entry.media_type.clone()
        };
        // What lies at the root is asked for by browsers themselves, at each change of the address.
        let cache = if entry.immutable {
            "public, max-age=31536000, immutable"
        } else {
            "public, max-age=86400"
        };
        Ok(Self {
            media_type: HeaderValue::try_from(media_type)
                .map_err(|e| AssetsError::Manifest(e.to_string()))?,
            cache: HeaderValue::from_static(cache),
            hash: entry.hash.clone(),
            forms,
        })
    }

    fn answer(&self, method: &Method, headers: &HeaderMap) -> Response {
        let offered: Vec<Encoding> = self.forms.iter().map(|(encoding, _)| *encoding).collect();
        let chosen = encoding::choose(headers, &offered);
        let Some((encoding, body)) = self.forms.iter().find(|(encoding, _)| *encoding == chosen)
        else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let tag = format!("\"{}-{}\"", self.hash, encoding.tag());
        let unchanged = is_known(headers, &tag);
        let mut response = if unchanged || method == Method::HEAD {
            Response::new(Body::empty())
        } else {
            Response::new(Body::from(body.clone()))
        };
        if unchanged {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let kind = self.media_type.as_bytes();
        if kind == b"application/wasm" || kind.starts_with(b"text/css") {
            response.extensions_mut().insert(NoDocument);
        }
        let out = response.headers_mut();
        let mut set = |name: HeaderName, value: HeaderValue| out.insert(name, value);
        set(header::CACHE_CONTROL, self.cache.clone());
        set(header::VARY, HeaderValue::from_static("accept-encoding"));
        if let Ok(tag) = HeaderValue::try_from(tag) {
            set(header::ETAG, tag);
        }
        if !unchanged {
            set(header::CONTENT_TYPE, self.media_type.clone());
            set(header::CONTENT_LENGTH, body.len().into());
            if let Some(name) = encoding.header() {
                set(header::CONTENT_ENCODING, HeaderValue::from_static(name));
            }
        }
        response
    }
}

/// Answers with the site's file at this path; other requests go on.
pub async fn serve(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    match state
        .site
        .current()
        .files
        .get(request.uri().path())
        .filter(|_| reads)
    {
        Some(asset) => asset.answer(request.method(), request.headers()),
        None => next.run(request).await,
    }
}

/// Whether the browser says that it has this very form.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == tag || known == "*")
}

fn packed(name: &str) -> Option<(Encoding, &'static str)> {
    match name {
        "br" => Some((Encoding::Brotli, "br")),
        "gzip" => Some((Encoding::Gzip, "gz")),
        _ => None,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, AssetsError> {
    std::fs::read(path).map_err(|cause| AssetsError::File {
        path: path.display().to_string(),
        cause,
    })
}
