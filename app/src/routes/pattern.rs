//! Path patterns as data. Leptos's own segments would generate a type, and code, for each shape of
//! path.

use leptos_router::{
    OptionalParamSegment, ParamSegment, PartialPathMatch, PathSegment, PossibleRouteMatch,
    StaticSegment,
};

/// A pattern such as `sites/:site/containers/:name/:tab?`. A segment with a colon is a parameter;
/// one with a question mark is optional. Optional segments must come last, because each consumes
/// whatever segment follows.
#[derive(Clone, Copy, Debug)]
pub struct Pattern(pub &'static str);

#[derive(Clone, Copy, Debug)]
enum Segment {
    Static(StaticSegment<&'static str>),
    Param(ParamSegment),
    Optional(OptionalParamSegment),
}

impl Segment {
    fn parse(text: &'static str) -> Self {
        let Some(name) = text.strip_prefix(':') else {
            return Self::Static(StaticSegment(text));
        };
        match name.strip_suffix('?') {
            Some(name) => Self::Optional(OptionalParamSegment(name)),
            None => Self::Param(ParamSegment(name)),
        }
    }

    fn matcher(&self) -> &dyn PossibleRouteMatch {
        match self {
            Self::Static(segment) => segment,
            Self::Param(segment) => segment,
            Self::Optional(segment) => segment,
        }
    }
}

impl Pattern {
    fn segments(self) -> impl Iterator<Item = Segment> {
        self.0.split('/').map(Segment::parse)
    }

    /// Whether the pattern matches the whole of `path`.
    pub fn matches(self, path: &str) -> bool {
        self.test(path)
            .is_some_and(|found| matches!(found.remaining(), "" | "/"))
    }
}

impl PossibleRouteMatch for Pattern {
    fn optional(&self) -> bool {
        self.segments().any(|segment| segment.matcher().optional())
    }

    fn test<'a>(&self, path: &'a str) -> Option<PartialPathMatch<'a>> {
        let (mut rest, mut params) = (path, Vec::new());
        for segment in self.segments() {
            let found = segment.matcher().test(rest)?;
            rest = found.remaining();
            params.extend(found.params());
        }
        let matched = path.strip_suffix(rest).unwrap_or(path);
        Some(PartialPathMatch::new(rest, params, matched))
    }

    fn generate_path(&self, path: &mut Vec<PathSegment>) {
        for segment in self.segments() {
            segment.matcher().generate_path(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parameters that a path gives, if the pattern matches it.
    fn params(pattern: &'static str, path: &str) -> Option<String> {
        let pattern = Pattern(pattern);
        let found = pattern.test(path).filter(|_| pattern.matches(path))?;
        let params = found.params().into_iter();
        Some(
            params
                .map(|(name, value)| format!("{name}={value};"))
                .collect(),
        )
    }

    #[test]
    fn pattern_matches_the_whole_path() {
        assert_eq!(params("jobs", "/jobs"), Some(String::new()));
        assert_eq!(params("jobs", "/jobs/"), Some(String::new()));
        assert_eq!(params("jobs", "/jobs/1"), None);
        assert_eq!(params("jobs", "/job"), None);
        assert_eq!(params("", "/"), Some(String::new()));
        assert_eq!(params("", "/jobs"), None);
    }

    #[test]
    fn parameters_are_named_after_segments() {
        let page = "sites/:site/containers/:name/:tab?";
        let of = |path| params(page, path);
        assert_eq!(of("/sites/lab/containers"), None);
        assert_eq!(
            of("/sites/lab/containers/wiki").as_deref(),
            Some("site=lab;name=wiki;")
        );
        assert_eq!(
            of("/sites/lab/containers/wiki/jobs").as_deref(),
            Some("site=lab;name=wiki;tab=jobs;")
        );
        assert_eq!(of("/sites/lab/containers/wiki/jobs/1"), None);
        assert_eq!(of("/sites/lab/hosts/wiki"), None);
    }
}
