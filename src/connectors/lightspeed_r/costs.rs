//! What a call costs, in drips, by the vendor's own table (since March 2026); the answer's header corrects it.

use super::super::pacing::drips::DRIP;

/// A tenth of a drip.
const TENTH: i64 = DRIP / 10;

/// Any request.
pub(super) const ONE: i64 = DRIP;

/// What relations add. Those of a list, and those inside one that has many, cost double (once: it is not said that the
/// two add up, and the vendor's own example has them so).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Relations {
    /// Relations that lead to one object.
    pub(super) to_one: i64,
    /// Relations that lead to many.
    pub(super) to_many: i64,
    /// Relations that lead to one and stand inside one that has many.
    pub(super) to_one_within: i64,
}

/// Reading a list.
pub(super) const fn list(relations: Relations) -> i64 {
    ONE + TENTH * (2 * relations.to_one + 4 * relations.to_many + 2 * relations.to_one_within)
}

/// Reading one record.
pub(super) const fn single(relations: Relations) -> i64 {
    ONE + TENTH * (relations.to_one + 2 * relations.to_many + 2 * relations.to_one_within)
}

/// Creating or changing something, with so many nested things in the body.
pub(super) fn write(nested: usize) -> i64 {
    ONE + halves(nested)
}

/// Creating or changing a sale or its lines, with so many nested things in the body.
pub(super) fn sale_write(nested: usize, completed: bool) -> i64 {
    2 * DRIP + halves(nested) + if completed { 3 * DRIP } else { 0 }
}

/// A relation that leads to many, loaded with one record.
pub(super) const RELATION_TO_MANY: i64 = 2 * TENTH;

/// Refunding a sale.
pub(super) const REFUND: i64 = 10 * DRIP;

fn halves(nested: usize) -> i64 {
    i64::try_from(nested).unwrap_or(i64::MAX / DRIP).saturating_mul(DRIP / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendors_own_examples_come_out() {
        // A list of sales with lines, payments, their types and the customer.
        assert_eq!(list(Relations { to_one: 1, to_many: 2, to_one_within: 1 }), DRIP * 22 / 10);
        assert_eq!(list(Relations::default()), DRIP);
        assert_eq!(single(Relations { to_one: 1, to_many: 1, to_one_within: 0 }), DRIP * 13 / 10);
        assert_eq!(write(1), DRIP * 3 / 2);
        assert_eq!(sale_write(3, true), DRIP * 13 / 2);
    }
}
