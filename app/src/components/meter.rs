//! A usage bar with a label in a table cell.

use crate::erase::Erase as _;
use leptos::prelude::*;

/// Usage in percent: a warning from 75, critical from 90. `label` is for screen readers.
pub fn meter(label: String, percent: u64, label_text: &str) -> AnyView {
    let percent = percent.min(100);
    view! {
        <span class="meter">
            <meter min="0" max="100" low="75" high="90" optimum="0" value=percent.to_string() aria-label=label>
                {format!("{percent}%")}
            </meter>
            <span class="num">{parts(label_text)}</span>
        </span>
    }
    .erase()
}

/// A value such as `3 of 5`, which may wrap before `of` only.
pub fn parts(value: &str) -> AnyView {
    match value.split_once(" of ") {
        Some((used, total)) => {
            let total = format!("of {total}");
            view! { <span class="part">{used.to_owned()}</span> " " <span class="part">{total}</span> }
                .erase()
        }
        None => view! { <span class="part">{value.to_owned()}</span> }.erase(),
    }
}

/// The share of `used` in `total`, in percent.
pub fn percent(used: u64, total: u64) -> u64 {
    let share = u128::from(used) * 100 / u128::from(total.max(1));
    u64::try_from(share).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn percent_handles_zero_total_and_large_values() {
        assert_eq!(percent(0, 0), 0);
        assert_eq!(percent(1, 3), 33);
        assert_eq!(percent(u64::MAX, u64::MAX), 100);
    }
}
