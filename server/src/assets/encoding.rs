//! Which compressed form of a file a browser is sent: what it likes best of what there is
//! (RFC 9110, 12.5.3).

use axum::http::{HeaderMap, header};

/// How a file's bytes are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As they are.
    Identity,
    /// gzip.
    Gzip,
    /// Brotli.
    Brotli,
}

impl Encoding {
    /// The word of `Content-Encoding`; none for the plain form.
    pub(super) fn header(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }

    /// Its part of an entity tag.
    pub(super) fn tag(self) -> &'static str {
        self.header().unwrap_or("id")
    }

    /// Smaller is better where the browser likes two equally.
    fn rank(self) -> u8 {
        match self {
            Self::Brotli => 2,
            Self::Gzip => 1,
            Self::Identity => 0,
        }
    }
}

/// The best of `offered` for these headers. The plain form when nothing is acceptable: an answer
/// that the browser can probably read is better than none.
pub(super) fn choose(headers: &HeaderMap, offered: &[Encoding]) -> Encoding {
    let wishes = wishes(headers);
    offered
        .iter()
        .copied()
        .map(|encoding| (quality(&wishes, encoding), encoding.rank(), encoding))
        .filter(|(quality, ..)| *quality > 0)
        .max_by_key(|(quality, rank, _)| (*quality, *rank))
        .map_or(Encoding::Identity, |(.., encoding)| encoding)
}

/// Names with their quality in thousandths.
fn wishes(headers: &HeaderMap) -> Vec<(String, u16)> {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|wish| {
            let (name, parameters) = wish.split_once(';').unwrap_or((wish, ""));
            (name.trim().to_ascii_lowercase(), thousandths(parameters))
        })
        .collect()
}

/// The weight among a wish's parameters; 1 without one, 0 for one that is no number.
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

fn quality(wishes: &[(String, u16)], encoding: Encoding) -> u16 {
    let named = |name: &str| {
        wishes
            .iter()
            .find(|(wish, _)| wish == name)
            .map(|(_, q)| *q)
    };
    let any = named("*");
    match encoding.header() {
        Some(name) => named(name).or(any).unwrap_or(0),
        // Acceptable unless refused, and worth least: what is named is liked better.
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
    fn the_smallest_of_what_is_liked_equally() {
        assert_eq!(chosen("gzip, deflate, br, zstd"), Encoding::Brotli);
        assert_eq!(chosen("gzip, deflate"), Encoding::Gzip);
        assert_eq!(chosen("deflate"), Encoding::Identity);
        assert_eq!(choose(&HeaderMap::new(), &ALL), Encoding::Identity);
    }

    #[test]
    fn weights_are_respected() {
        assert_eq!(chosen("br;q=0.5, gzip;q=0.8"), Encoding::Gzip);
        assert_eq!(chosen("br;q=0, *"), Encoding::Gzip);
        assert_eq!(chosen("identity, br;q=0.1"), Encoding::Identity);
        assert_eq!(chosen("*;q=0"), Encoding::Identity, "better than nothing");
        assert_eq!(chosen("BR ; Q=1.000"), Encoding::Brotli);
        assert_eq!(chosen("br;q=hello, gzip"), Encoding::Gzip);
        assert_eq!(chosen("br;q=0.001"), Encoding::Brotli);
    }

    #[test]
    fn only_what_is_stored_is_sent() {
        let headers =
            HeaderMap::from_iter([(header::ACCEPT_ENCODING, "br, gzip".parse().unwrap())]);
        assert_eq!(choose(&headers, &[Encoding::Identity]), Encoding::Identity);
        assert_eq!(
            choose(&headers, &[Encoding::Identity, Encoding::Gzip]),
            Encoding::Gzip
        );
    }
}
