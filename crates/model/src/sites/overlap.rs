//! Ranges that two sites must not share: addresses on one bridge, and the VMIDs of one cluster.

use super::SiteSpec;
use crate::{
    Fields,
    net::{AddressRange, Cidr},
};

impl SiteSpec {
    /// Adds an error for each range that overlaps one of `other`, another site.
    pub fn check_overlap(&self, other: &Self, fields: &mut Fields) {
        if self.cluster != other.cluster {
            return;
        }
        if overlap(
            (self.vmids.first, self.vmids.last),
            (other.vmids.first, other.vmids.last),
        ) {
            let message = format!(
                "The range overlaps {} of the site {} on the same cluster.",
                other.vmids, other.name
            );
            fields.add_error("vmids", message);
        }
        let ends = |network: &Cidr| (network.network(), network.broadcast());
        if self.bridge != other.bridge || !overlap(ends(&self.network), ends(&other.network)) {
            return;
        }
        let own = [
            ("range", Some(self.range)),
            ("dynamic_range", self.dynamic_range),
        ];
        let others = [Some(other.range), other.dynamic_range];
        for (field, range) in own {
            let Some(range) = range else { continue };
            let ends = |range: AddressRange| (range.first(), range.last());
            let mut overlapping = others.into_iter().flatten();
            if let Some(taken) = overlapping.find(|taken| overlap(ends(range), ends(*taken))) {
                let message = format!(
                    "The range overlaps {taken} of the site {} on the same bridge.",
                    other.name
                );
                fields.add_error(field, message);
            }
        }
    }
}

/// Whether two inclusive ranges share a value.
fn overlap<T: PartialOrd>(a: (T, T), b: (T, T)) -> bool {
    a.0 <= b.1 && b.0 <= a.1
}
