//! Quarantines bad parts of a configuration, so that one of them never blocks the others.
//!
//! If the checker's message names a part's file, that part is quarantined. Otherwise a binary
//! search over groups of parts finds the cause. If the search runs out of checks, nothing is
//! quarantined and the live configuration stays.

use std::{collections::BTreeSet, future::Future};

use super::{error::CheckError, refusal::Refusal, subsystem::Parts};

/// The maximum number of checks of one search. Among `n` parts, `b` bad ones are found with at
/// most `2 + 2 b (1 + log2 n)` checks if the messages name no file, and with `1 + b` if each names
/// one: 6 among 1,000 are always found.
pub const CHECKS: usize = 160;

/// A quarantined part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantinedPart<P> {
    /// The part.
    pub part: P,
    /// The checker's message.
    pub message: String,
}

/// Returns the configuration without the parts for which `check` refuses it, and these parts.
///
/// # Errors
/// The refusal if no part causes it or [`CHECKS`] is exceeded; the error of `check` if it could not
/// be run.
pub async fn quarantine_refused<T, C, F>(
    config: &T,
    check: C,
) -> Result<(T, Vec<QuarantinedPart<T::Part>>), CheckError>
where
    T: Parts,
    C: FnMut(T) -> F,
    F: Future<Output = Result<(), CheckError>>,
{
    let mut search = Search {
        config,
        check,
        excluded: BTreeSet::new(),
        quarantined: Vec::new(),
        remaining_checks: CHECKS,
        last_refusal: None,
    };
    let all = config.parts();
    search.excluded.extend(all.iter().cloned());
    if let Some(refusal) = search.try_include(&all).await? {
        let remaining = search.remaining_parts(&all);
        // Check without any part, to know whether a part is the cause at all.
        if let Some(other) = search.check_included().await? {
            return Err(CheckError::Refused(other));
        }
        search.bisect(remaining, refusal).await?;
    }
    Ok((config.without_parts(&search.excluded), search.quarantined))
}

/// A search. Parts are `excluded` until a check passed with them.
struct Search<'a, T: Parts, C> {
    config: &'a T,
    check: C,
    excluded: BTreeSet<T::Part>,
    quarantined: Vec<QuarantinedPart<T::Part>>,
    remaining_checks: usize,
    last_refusal: Option<Refusal>,
}

impl<T, C, F> Search<'_, T, C>
where
    T: Parts,
    C: FnMut(T) -> F,
    F: Future<Output = Result<(), CheckError>>,
{
    /// Checks the configuration without the excluded parts. Returns the refusal.
    async fn check_included(&mut self) -> Result<Option<Refusal>, CheckError> {
        if let (0, Some(last)) = (self.remaining_checks, self.last_refusal.take()) {
            return Err(CheckError::Refused(last));
        }
        self.remaining_checks = self.remaining_checks.saturating_sub(1);
        match (self.check)(self.config.without_parts(&self.excluded)).await {
            Ok(()) => Ok(None),
            Err(CheckError::Refused(refusal)) => {
                self.last_refusal = Some(refusal.clone());
                Ok(Some(refusal))
            }
            Err(error) => Err(error),
        }
    }

    /// Includes a group, except the parts that a refusal names; those are quarantined. If the group
    /// is refused and no part is named, the group stays excluded and the refusal is returned.
    async fn try_include(&mut self, group: &[T::Part]) -> Result<Option<Refusal>, CheckError> {
        loop {
            let tried = self.remaining_parts(group);
            self.excluded.retain(|part| !tried.contains(part));
            let Some(refusal) = self.check_included().await? else {
                return Ok(None);
            };
            let named = self.named(&refusal);
            self.excluded.extend(tried.iter().chain(&named).cloned());
            if named.is_empty() {
                return Ok(Some(refusal));
            }
            self.quarantine(&named, &refusal);
        }
    }

    /// Finds the parts that cause a refusal by halving the group. The first half is finished
    /// before the second is checked, because a part may depend on an earlier one.
    async fn bisect(&mut self, group: Vec<T::Part>, refusal: Refusal) -> Result<(), CheckError> {
        let mut open = vec![(group, Some(refusal))];
        while let Some((group, refusal)) = open.pop() {
            let refusal = match refusal {
                Some(refusal) => Some(refusal),
                None => self.try_include(&group).await?,
            };
            let Some(refusal) = refusal else {
                continue;
            };
            let group = self.remaining_parts(&group);
            if group.len() < 2 {
                self.quarantine(&group, &refusal);
                continue;
            }
            let (first, second) = group.split_at(group.len() / 2);
            open.push((second.to_vec(), None));
            open.push((first.to_vec(), None));
        }
        Ok(())
    }

    /// The parts of a group that are not quarantined.
    fn remaining_parts(&self, group: &[T::Part]) -> Vec<T::Part> {
        let is_quarantined = |id: &T::Part| {
            self.quarantined
                .iter()
                .any(|quarantined| quarantined.part == *id)
        };
        group
            .iter()
            .filter(|id| !is_quarantined(id))
            .cloned()
            .collect()
    }

    /// The checked parts whose files a refusal names.
    fn named(&self, refusal: &Refusal) -> Vec<T::Part> {
        let files = refusal.files.iter();
        let named = files.filter_map(|file| self.config.part_of(file));
        named.filter(|part| !self.excluded.contains(part)).collect()
    }

    fn quarantine(&mut self, parts: &[T::Part], refusal: &Refusal) {
        self.quarantined
            .extend(parts.iter().map(|part| QuarantinedPart {
                part: part.clone(),
                message: refusal.message.clone(),
            }));
    }
}

/// Removes the parts whose files a refusal names.
pub fn quarantine_named<T: Parts>(
    config: &T,
    refusal: &Refusal,
) -> (T, Vec<QuarantinedPart<T::Part>>) {
    let files = refusal.files.iter();
    let named: BTreeSet<T::Part> = files.filter_map(|path| config.part_of(path)).collect();
    let quarantined = named.iter().map(|part| QuarantinedPart {
        part: part.clone(),
        message: refusal.message.clone(),
    });
    let quarantined = quarantined.collect();
    (config.without_parts(&named), quarantined)
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, collections::BTreeSet, future::ready};

    use super::{CHECKS, quarantine_refused};
    use crate::core::{error::CheckError, refusal::Refusal, subsystem::Parts};

    /// A configuration whose parts are numbers, each with a file.
    #[derive(Clone, Debug, PartialEq)]
    struct Numbers(BTreeSet<i64>);

    impl Parts for Numbers {
        type Part = i64;

        fn parts(&self) -> Vec<i64> {
            self.0.iter().copied().collect()
        }

        fn part_of(&self, path: &str) -> Option<i64> {
            let number = path.strip_prefix("parts/")?.parse().ok()?;
            self.0.contains(&number).then_some(number)
        }

        fn without_parts(&self, parts: &BTreeSet<i64>) -> Self {
            Self(&self.0 - parts)
        }
    }

    /// Parts of which all but 0 take effect only together with 0. `bad` ones are refused.
    #[derive(Clone, Debug, PartialEq)]
    struct Dependent(BTreeSet<i64>);

    impl Parts for Dependent {
        type Part = i64;

        fn parts(&self) -> Vec<i64> {
            self.0.iter().copied().collect()
        }

        fn part_of(&self, path: &str) -> Option<i64> {
            Numbers(self.0.clone()).part_of(path)
        }

        fn without_parts(&self, parts: &BTreeSet<i64>) -> Self {
            Self(&self.0 - parts)
        }
    }

    #[test]
    fn part_is_not_blamed_for_parts_that_depend_on_it() {
        for is_named in [true, false] {
            let check = |config: Dependent| {
                let is_bad = |part: &i64| config.0.contains(&0) && [1, 2].contains(part);
                let found = config.parts().into_iter().find(is_bad);
                let file = found.map(|part| format!("parts/{part}"));
                ready(match found.is_some() {
                    true => Err(CheckError::Refused(Refusal {
                        program: "program",
                        message: "no".to_owned(),
                        files: file.filter(|_| is_named).into_iter().collect(),
                    })),
                    false => Ok(()),
                })
            };
            let config = Dependent((0..4).collect());
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            let done = runtime.block_on(quarantine_refused(&config, check));
            let (rest, _) = done.unwrap();
            assert_eq!(rest.0, BTreeSet::from([0, 3]), "named: {is_named}");
        }
    }

    struct SearchResult {
        /// The quarantined parts; none when the refusal was returned.
        quarantined: Option<Vec<i64>>,
        checks: usize,
    }

    /// Runs a search among `count` parts of which `bad` are refused. A refusal names the file of
    /// the first bad part if `is_named`.
    fn search(count: i64, bad: &[i64], is_named: bool, is_always: bool) -> SearchResult {
        let checks = RefCell::new(0);
        let check = |config: Numbers| {
            *checks.borrow_mut() += 1;
            let found = config.parts().into_iter().find(|part| bad.contains(part));
            let file = found.map(|part| format!("parts/{part}"));
            let refusal = Refusal {
                program: "program",
                message: format!("no: {file:?}"),
                files: file.filter(|_| is_named).into_iter().collect(),
            };
            ready(match found.is_some() || is_always {
                true => Err(CheckError::Refused(refusal)),
                false => Ok(()),
            })
        };
        let config = Numbers((1..=count).collect());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let done = runtime.block_on(quarantine_refused(&config, check));
        let quarantined = done.ok().map(|(rest, quarantined)| {
            let mut parts: Vec<i64> = quarantined.iter().map(|found| found.part).collect();
            parts.sort_unstable();
            let excluded: BTreeSet<i64> = parts.iter().copied().collect();
            assert_eq!(
                rest,
                config.without_parts(&excluded),
                "all others are published"
            );
            parts
        });
        let checks = checks.into_inner();
        assert!(checks <= CHECKS, "{checks}");
        SearchResult {
            quarantined,
            checks,
        }
    }

    #[test]
    fn named_part_is_quarantined() {
        let found = search(1000, &[3, 500, 999], true, false);
        assert_eq!(found.quarantined, Some(vec![3, 500, 999]));
        assert_eq!(found.checks, 4);
    }

    #[test]
    fn unnamed_parts_are_found_by_bisection() {
        for bad in [
            vec![1],
            vec![1000],
            vec![1, 2, 3],
            vec![1, 200, 400, 600, 800, 1000],
        ] {
            let found = search(1000, &bad, false, false);
            let most = 2 + 2 * bad.len() * 11;
            assert!(found.checks <= most, "{} for {bad:?}", found.checks);
            assert_eq!(found.quarantined, Some(bad));
        }
        assert_eq!(
            search(2, &[1, 2], false, false).quarantined,
            Some(vec![1, 2])
        );
        assert_eq!(search(1, &[1], false, false).quarantined, Some(vec![1]));
    }

    #[test]
    fn refusal_without_bad_part_is_returned() {
        for is_named in [true, false] {
            let found = search(10, &[], is_named, true);
            assert_eq!((found.quarantined, found.checks), (None, 2));
        }
        assert_eq!(search(0, &[], false, true).quarantined, None);
        assert_eq!(search(5, &[], false, false).checks, 1, "nothing is refused");
    }

    #[test]
    fn search_stops_at_check_limit() {
        let all: Vec<i64> = (1..=1000).collect();
        for is_named in [true, false] {
            let found = search(1000, &all, is_named, false);
            assert_eq!((found.quarantined, found.checks), (None, CHECKS));
        }
    }
}
