//! Parsing of database URLs; the scheme selects the database. Diesel's `MultiConnection` parser
//! hides errors and creates a SQLite file for a mistyped URL, so URLs are parsed here first. Must
//! not connect, and must not reveal a password.

use std::{fmt, path::PathBuf, str::FromStr};

use percent_encoding::percent_decode_str;

/// The accepted forms of a database URL.
const URL_FORMS: &str = "Use sqlite:PATH, postgres://USER:PASSWORD@HOST/NAME or \
    mysql://USER:PASSWORD@HOST/NAME (also postgresql:// and mariadb://).";

/// A database URL with its password. `Display` and `Debug` omit the password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(pub(crate) Kind);

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite(PathBuf),
    Postgres(String),
    /// Always with the scheme `mysql`, the only one that the driver accepts.
    Mysql(String),
}

/// Why a URL was rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UrlError(String);

impl FromStr for DatabaseUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        let (scheme, rest) = text
            .split_once(':')
            .ok_or_else(|| UrlError(URL_FORMS.to_owned()))?;
        match scheme {
            "sqlite" => parse_sqlite_path(rest.strip_prefix("//").unwrap_or(rest)),
            "postgres" | "postgresql" => {
                parse_server_url(text)?;
                Ok(Self(Kind::Postgres(text.to_owned())))
            }
            "mysql" | "mariadb" => {
                let address = format!("mysql:{rest}");
                let url = parse_server_url(&address)?;
                if url.path().len() < 2 {
                    return Err(UrlError(format!(
                        "The database's name is missing. {URL_FORMS}"
                    )));
                }
                Ok(Self(Kind::Mysql(address)))
            }
            _ => Err(UrlError(URL_FORMS.to_owned())),
        }
    }
}

fn parse_sqlite_path(path: &str) -> Result<DatabaseUrl, UrlError> {
    if path.is_empty() || path.ends_with('/') {
        return Err(UrlError(format!("The file name is missing. {URL_FORMS}")));
    }
    if path.starts_with(":memory:") || path.contains(['?', '\0']) {
        let reason =
            "SQLite needs a file, because in-memory databases are not shared between connections.";
        return Err(UrlError(format!("{reason} {URL_FORMS}")));
    }
    // Without a leading directory, SQLite would interpret `file:x` as a URI.
    let path = PathBuf::from(path);
    let path = if path.is_absolute() {
        path
    } else {
        PathBuf::from(".").join(path)
    };
    Ok(DatabaseUrl(Kind::Sqlite(path)))
}

fn parse_server_url(text: &str) -> Result<url::Url, UrlError> {
    let parsed = url::Url::parse(text).ok().filter(|url| url.has_authority());
    let url =
        parsed.ok_or_else(|| UrlError(format!("The database URL is invalid. {URL_FORMS}")))?;
    let has_misplaced_at = url.path().contains('@') || url.query().is_some_and(|q| q.contains('@'));
    // An unescaped `/`, `?` or `#` in a password ends the authority, and the rest of the password
    // is parsed as a path.
    if has_misplaced_at || url.fragment().is_some() {
        let hint = "Write /, ?, # and @ in a password as %2F, %3F, %23 and %40.";
        return Err(UrlError(format!(
            "The database URL is invalid. {hint} {URL_FORMS}"
        )));
    }
    Ok(url)
}

impl DatabaseUrl {
    /// The name of the database system, for display.
    pub fn kind(&self) -> &'static str {
        match &self.0 {
            Kind::Sqlite(_) => "SQLite",
            Kind::Postgres(_) => "PostgreSQL",
            Kind::Mysql(_) => "MySQL",
        }
    }

    /// Formats a driver's message as part of a sentence: without the password, which the message
    /// may quote with the URL, and without line breaks and a trailing period.
    pub(crate) fn sanitize_message(&self, message: &str) -> String {
        let text = self
            .redact(message)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        text.trim_end_matches('.').to_owned()
    }

    fn redact(&self, message: &str) -> String {
        self.passwords()
            .into_iter()
            .fold(message.to_owned(), |message, secret| {
                message.replace(&secret, "…")
            })
    }

    /// The password, percent-encoded as in the URL and decoded.
    fn passwords(&self) -> Vec<String> {
        let (Kind::Postgres(text) | Kind::Mysql(text)) = &self.0 else {
            return Vec::new();
        };
        let Ok(url) = url::Url::parse(text) else {
            return Vec::new();
        };
        let mut passwords: Vec<String> = Vec::new();
        if let Some(encoded) = url.password() {
            let decoded = percent_decode_str(encoded).decode_utf8_lossy().into_owned();
            passwords.extend([encoded.to_owned(), decoded]);
        }
        let encoded = url.query().unwrap_or_default().split('&');
        passwords.extend(
            encoded
                .filter_map(|pair| pair.strip_prefix("password="))
                .map(str::to_owned),
        );
        let decoded = url.query_pairs().filter(|(name, _)| name == "password");
        passwords.extend(decoded.map(|(_, value)| value.into_owned()));
        passwords.retain(|secret| !secret.is_empty());
        passwords
    }
}

/// The query parameters of a URL that only locate the database.
const SHOWN_PARAMETERS: [&str; 3] = ["host", "port", "unix_socket"];

/// Rebuilds a valid URL from the parts that may be shown.
fn without_password(text: &str) -> String {
    let Ok(mut url) = url::Url::parse(text) else {
        return String::new();
    };
    // This fails only for a URL without a host, which has no password.
    let _ = url.set_password(None);
    let shown: Vec<_> = url
        .query_pairs()
        .filter(|(name, _)| SHOWN_PARAMETERS.contains(&name.as_ref()))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.set_query(None);
    if !shown.is_empty() {
        let pairs = shown.iter().map(|(name, value)| format!("{name}={value}"));
        return format!("{url}?{}", pairs.collect::<Vec<_>>().join("&"));
    }
    url.to_string()
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Kind::Postgres(text) | Kind::Mysql(text) => f.write_str(&without_password(text)),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_selects_database() {
        let kind = |text: &str| text.parse::<DatabaseUrl>().map(|url| url.kind());
        assert_eq!(kind("sqlite:data/x.db"), Ok("SQLite"));
        assert_eq!(kind("sqlite:///var/x.db"), Ok("SQLite"));
        assert_eq!(kind("postgres://u:p@h/d"), Ok("PostgreSQL"));
        assert_eq!(kind("postgresql:///d?host=/run"), Ok("PostgreSQL"));
        assert_eq!(kind("mysql://u:p@h:3307/d"), Ok("MySQL"));
        assert_eq!(
            kind("mariadb://u@localhost/d?unix_socket=/run/s"),
            Ok("MySQL")
        );
    }

    #[test]
    fn invalid_urls_are_rejected_without_password() {
        for text in [
            "",
            "x.db",
            "/var/x.db",
            "sqllite:x.db",
            "postgre://u:geheim@h/d",
            "file:x.db",
            "sqlite:",
            "sqlite:data/",
            "sqlite::memory:",
            "sqlite:x.db?mode=ro",
            "mysql://u:geheim@h",
            "mysql:x",
            "postgres://u:geheim@h:port/d",
            "http://h/d",
        ] {
            let error = text.parse::<DatabaseUrl>().expect_err(text).to_string();
            assert!(error.contains("sqlite:PATH"), "{text}: {error}");
            assert!(!error.contains("geheim"), "{error}");
        }
    }

    #[test]
    fn password_is_not_displayed() {
        for text in [
            "postgres://u:ge%20heim+1@h/d",
            "mariadb://u:ge%20heim+1@h/d",
            "postgres://u@h/d?password=ge%20heim%2B1",
        ] {
            let url: DatabaseUrl = text.parse().unwrap();
            assert!(!format!("{url} {url:?}").contains("heim+1"), "{url}");
            assert_eq!(url.redact("bad ge heim+1 here"), "bad … here");
        }
    }

    proptest::proptest! {
        #[test]
        fn password_is_never_displayed(scheme in "[a-z:/]{0,12}", secret in "[!-~]{6,20}", tail: String) {
            for text in [
                format!("{scheme}u:{secret}@h/{tail}"),
                format!("postgres://u:{secret}@h/{tail}"),
                format!("mysql://u@h/d?x={tail}&password={secret}"),
            ] {
                if !tail.contains(&secret) {
                    let shown = match text.parse::<DatabaseUrl>() {
                        // The path of a SQLite file is shown and contains no password.
                        Ok(DatabaseUrl(Kind::Sqlite(_))) => continue,
                        Ok(url) => format!("{url} {url:?}"),
                        Err(error) => format!("{error} {error:?}"),
                    };
                    proptest::prop_assert!(!shown.contains(&secret), "{}", shown);
                }
            }
        }
    }
}
