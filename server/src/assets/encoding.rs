//! Content negotiation: selects the stored encoding that the browser prefers (RFC 9110, section
//! 12.5.3).

use axum::http::{HeaderMap, header};

/// A content encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Uncompressed.
    Identity,
    /// gzip.
    Gzip,
    /// Brotli.
    Brotli,
}

impl Encoding {
    /// The value of `Content-Encoding`; `None` if uncompressed.
    pub(super) fn header(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }

    /// The suffix of the entity tag.
    pub(super) fn tag(self) -> &'static str {
        self.header().unwrap_or("id")
    }

    /// Preference among encodings of equal quality: the smaller result wins.
    fn rank(self) -> u8 {
        match self {
            Self::Brotli => 2,
            Self::Gzip => 1,
            Self::Identity => 0,
        }
    }
}

/// Selects the best of `offered`; uncompressed if nothing is acceptable, because most clients can
/// read that anyway.
pub(super) fn choose(headers: &HeaderMap, offered: &[Encoding]) -> Encoding {
    let accepted = parse_accept_encoding(headers);
    offered
        .iter()
        .copied()
        .map(|encoding| (quality(&accepted, encoding), encoding.rank(), encoding))
        .filter(|(quality, ..)| *quality > 0)
        .max_by_key(|(quality, rank, _)| (*quality, *rank))
        .map_or(Encoding::Identity, |(.., encoding)| encoding)
}

/// Encodings with their quality in thousandths.
fn parse_accept_encoding(headers: &HeaderMap) -> Vec<(String, u16)> {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|item| {
            let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
            (name.trim().to_ascii_lowercase(), thousandths(parameters))
        })
        .collect()
}

/// The quality parameter in thousandths; 1000 without one, 0 if invalid.
fn thousandths(parameters: &str) -> u16 {
    let weight = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    let Some(weight) = weight else { return 1000 };
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    match (whole, format!("{fraction:0<3}").parse::<u16>()) {
        ("0", Ok(thousandths)) if fraction.len() <= 3 => thousandths,
        ("1", Ok(0)) => 1000,
        _ => 0,
    }
}

fn quality(accepted: &[(String, u16)], encoding: Encoding) -> u16 {
    let named = |name: &str| {
        accepted
            .iter()
            .find(|(encoding, _)| encoding == name)
            .map(|(_, q)| *q)
    };
    let any = named("*");
    match encoding.header() {
        Some(name) => named(name).or(any).unwrap_or(0),
        // Acceptable unless excluded, with the lowest quality: named encodings are preferred.
        None => named("identity").or(any.filter(|q| *q == 0)).unwrap_or(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Encoding; 3] = [Encoding::Identity, Encoding::Brotli, Encoding::Gzip];

    fn chosen(accept: &str) -> Encoding {
        let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, accept.parse().unwrap())]);
        choose(&headers, &ALL)
    }

    #[test]
    fn smallest_encoding_of_equal_quality_is_chosen() {
        assert_eq!(chosen("gzip, deflate, br, zstd"), Encoding::Brotli);
        assert_eq!(chosen("gzip, deflate"), Encoding::Gzip);
        assert_eq!(chosen("deflate"), Encoding::Identity);
        assert_eq!(choose(&HeaderMap::new(), &ALL), Encoding::Identity);
    }

    #[test]
    fn quality_values_are_respected() {
        assert_eq!(chosen("br;q=0.5, gzip;q=0.8"), Encoding::Gzip);
        assert_eq!(chosen("br;q=0, *"), Encoding::Gzip);
        assert_eq!(chosen("identity, br;q=0.1"), Encoding::Identity);
        assert_eq!(chosen("*;q=0"), Encoding::Identity, "better than nothing");
        assert_eq!(chosen("BR ; Q=1.000"), Encoding::Brotli);
        assert_eq!(chosen("br;q=hello, gzip"), Encoding::Gzip);
        assert_eq!(chosen("br;q=0.001"), Encoding::Brotli);
    }

    #[test]
    fn only_stored_encodings_are_chosen() {
        let headers =
            HeaderMap::from_iter([(header::ACCEPT_ENCODING, "br, gzip".parse().unwrap())]);
        assert_eq!(choose(&headers, &[Encoding::Identity]), Encoding::Identity);
        assert_eq!(
            choose(&headers, &[Encoding::Identity, Encoding::Gzip]),
            Encoding::Gzip
        );
    }
}
