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
