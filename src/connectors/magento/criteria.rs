//! Questions to lists: filters, order and page as the vendor's query wants them.
//!
//! Every list is asked for with a page size (without one everything comes at once) and sorted (without an order a page
//! may hold what another held). A trimmed answer saves the shop no work, so whole records are asked for.

use super::percent;

/// Longest list of values put into one question: with the rest of the address it stays below the 8 kB that a web
/// server takes in its usual setting.
const LIST_BYTES_MAX: usize = 5_000;

/// One condition: field, kind, value.
pub(super) type Filter<'a> = (&'a str, &'a str, String);

/// A question being put together.
#[derive(Debug, Default, Clone)]
pub(super) struct Criteria {
    pairs: Vec<(String, String)>,
    groups: usize,
    orders: usize,
}

impl Criteria {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// A condition that must hold besides the others.
    pub(super) fn and(self, field: &str, kind: &str, value: impl Into<String>) -> Self {
        self.any(&[(field, kind, value.into())])
    }

    /// Conditions of which one must hold.
    pub(super) fn any(mut self, filters: &[Filter<'_>]) -> Self {
        for (index, (field, kind, value)) in filters.iter().enumerate() {
            let at = format!("searchCriteria[filter_groups][{}][filters][{index}]", self.groups);
            self.pairs.push((format!("{at}[field]"), (*field).to_owned()));
            self.pairs.push((format!("{at}[value]"), value.clone()));
            self.pairs.push((format!("{at}[condition_type]"), (*kind).to_owned()));
        }
        self.groups += usize::from(!filters.is_empty());
        self
    }

    /// One of these values. One with a comma cannot stand in a list and is asked for by itself.
    pub(super) fn one_of(self, field: &str, values: &[&str]) -> Self {
        let (apart, listed): (Vec<&str>, Vec<&str>) = values.iter().partition(|value| value.contains(','));
        let mut filters: Vec<Filter<'_>> = Vec::new();
        if !listed.is_empty() {
            filters.push((field, "in", listed.join(",")));
        }
        filters.extend(apart.into_iter().map(|value| (field, "eq", value.to_owned())));
        self.any(&filters)
    }

    /// Ascending by this field, after the orders given before.
    pub(super) fn by(mut self, field: &str) -> Self {
        let at = format!("searchCriteria[sortOrders][{}]", self.orders);
        self.pairs.push((format!("{at}[field]"), field.to_owned()));
        self.pairs.push((format!("{at}[direction]"), "ASC".to_owned()));
        self.orders += 1;
        self
    }

    /// The part of the list.
    pub(super) fn page(mut self, size: usize, number: usize) -> Self {
        self.pairs.push(("searchCriteria[pageSize]".to_owned(), size.to_string()));
        self.pairs.push(("searchCriteria[currentPage]".to_owned(), number.to_string()));
        self
    }

    /// The query, encoded, without its question mark.
    pub(super) fn query(&self) -> String {
        let part = |(name, value): &(String, String)| format!("{}={}", percent::encode(name), percent::encode(value));
        self.pairs.iter().map(part).collect::<Vec<_>>().join("&")
    }
}

/// Cuts values into lists that fit into one address.
pub(super) fn portions<'a>(values: &[&'a str], most: usize) -> Vec<Vec<&'a str>> {
    let (mut portions, mut bytes) = (Vec::new(), 0);
    let mut portion: Vec<&str> = Vec::new();
    for value in values {
        // A value by itself brings a condition with it.
        let own = percent::encode(value).len() + if value.contains(',') { 250 } else { 3 };
        if !portion.is_empty() && (portion.len() >= most.max(1) || bytes + own > LIST_BYTES_MAX) {
            portions.push(std::mem::take(&mut portion));
            bytes = 0;
        }
        bytes += own;
        portion.push(value);
    }
    if !portion.is_empty() {
        portions.push(portion);
    }
    portions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_spelled_out() {
        let query = Criteria::new()
            .and("updated_at", "gteq", "2026-02-02 09:15:00")
            .one_of("sku", &["A", "B,C", "D"])
            .by("entity_id")
            .page(100, 1)
            .query();
        assert_eq!(
            percent::decode(&query).split('&').collect::<Vec<_>>(),
            [
                "searchCriteria[filter_groups][0][filters][0][field]=updated_at",
                "searchCriteria[filter_groups][0][filters][0][value]=2026-02-02 09:15:00",
                "searchCriteria[filter_groups][0][filters][0][condition_type]=gteq",
                "searchCriteria[filter_groups][1][filters][0][field]=sku",
                "searchCriteria[filter_groups][1][filters][0][value]=A,D",
                "searchCriteria[filter_groups][1][filters][0][condition_type]=in",
                "searchCriteria[filter_groups][1][filters][1][field]=sku",
                "searchCriteria[filter_groups][1][filters][1][value]=B,C",
                "searchCriteria[filter_groups][1][filters][1][condition_type]=eq",
                "searchCriteria[sortOrders][0][field]=entity_id",
                "searchCriteria[sortOrders][0][direction]=ASC",
                "searchCriteria[pageSize]=100",
                "searchCriteria[currentPage]=1",
            ]
        );
        assert!(query.contains("%5Bvalue%5D=2026-02-02%2009%3A15%3A00") && !query.contains('+'));
    }

    #[test]
    fn a_long_list_is_cut_to_fit_an_address() {
        let long: Vec<String> = (0..300).map(|n| format!("{n:0>60}")).collect();
        let long: Vec<&str> = long.iter().map(String::as_str).collect();
        let portions = portions(&long, 100);
        assert!(portions.iter().all(|portion| !portion.is_empty() && portion.len() <= 100));
        assert_eq!(portions.concat(), long);
        for portion in portions {
            assert!(Criteria::new().one_of("sku", &portion).by("sku").page(1_000, 1).query().len() < 7_000);
        }
    }
}
