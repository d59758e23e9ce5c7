//! Pagination of lists: 50 rows per page. Lists are never sent whole.

use serde::{Deserialize, Serialize};

/// Rows on one page.
pub const PAGE_ROWS: u32 = 50;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// At most [`PAGE_ROWS`] rows.
    pub rows: Vec<T>,
    /// The number of rows on all pages.
    pub total: u64,
    /// The page number, starting at 1.
    pub page: u32,
}

impl<T> Page<T> {
    /// One page of a list in memory. Page 0 counts as page 1.
    pub fn of(all: Vec<T>, page: u32) -> Self {
        let (page, rows) = (
            page.max(1),
            usize::try_from(PAGE_ROWS).unwrap_or(usize::MAX),
        );
        let before = usize::try_from(page - 1).map_or(usize::MAX, |page| page.saturating_mul(rows));
        Self {
            total: u64::try_from(all.len()).unwrap_or(u64::MAX),
            rows: all.into_iter().skip(before).take(rows).collect(),
            page,
        }
    }

    /// The number of pages; at least one.
    pub fn page_count(&self) -> u32 {
        u32::try_from(self.total.div_ceil(u64::from(PAGE_ROWS)))
            .unwrap_or(u32::MAX)
            .max(1)
    }

    /// Converts every row.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            rows: self.rows.into_iter().map(f).collect(),
            total: self.total,
            page: self.page,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_in_memory_is_divided_into_pages() {
        let page = |page| Page::of((0..120).collect::<Vec<u32>>(), page);
        for first in [0, 1] {
            let first = page(first);
            assert_eq!((first.rows.len(), first.total, first.page), (50, 120, 1));
        }
        assert_eq!(page(3).rows, (100..120).collect::<Vec<u32>>());
        assert_eq!((page(4).rows, page(u32::MAX).rows), (vec![], vec![]));
    }
}
