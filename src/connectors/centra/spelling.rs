//! What the vendor's papers leave open about its own words. Each is a setting with the doubt beside it; the defaults are
//! the likeliest. On a first real tenant its schema is read and these are put right.

/// Words of a tenant that its papers do not settle. The names are written into questions as they are, so they are ours
/// and never come from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spelling {
    /// The list of shipments. UNSURE: its filter is documented, the name of the list is not.
    pub shipments: &'static str,
    /// The list of returns.
    pub returns: &'static str,
    /// The argument of `refundReturn` that names the return. UNSURE.
    pub refund_argument: &'static str,
    /// The change that gives credit. UNSURE: only its input is documented.
    pub issue_credit: &'static str,
    /// How a hold is lifted. UNSURE: a change of its own is documented without its arguments; taking the mark off by an
    /// update is documented in full.
    pub release: Release,
    /// How our reference is looked for in lists. UNSURE: a filter for it is documented, not its form.
    pub reference_filter: ReferenceFilter,
    /// The list inside an allocation rule that holds its sets of priorities. UNSURE.
    pub priority_sets: &'static str,
    /// The list of tax rules. UNSURE: the type is documented, the name of the list is not.
    pub tax_rules: &'static str,
    /// The changes of a variant and of a size. UNSURE: named as the one of a product is, which is documented.
    pub update_variant: &'static str,
    /// See [`Spelling::update_variant`].
    pub update_size: &'static str,
}

/// How a hold is lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// By an update that says it is not on hold.
    Update,
    /// By `resumeDirectToConsumerOrder`, whose argument of this name takes the order as an input object.
    Resume(&'static str),
}

/// The form of a filter by our reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceFilter {
    /// As other texts: `{equals: "…"}`.
    Equals,
    /// As ids: a list.
    List,
}

impl Default for Spelling {
    fn default() -> Self {
        Self {
            shipments: "shipments",
            returns: "returns",
            refund_argument: "id",
            issue_credit: "issueCredit",
            release: Release::Update,
            reference_filter: ReferenceFilter::Equals,
            priority_sets: "geographyAllocationPrioritySets",
            tax_rules: "taxRules",
            update_variant: "updateProductVariant",
            update_size: "updateProductSize",
        }
    }
}

impl ReferenceFilter {
    /// The type that a question declares for it.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Equals => "StringMatch",
            Self::List => "[String!]",
        }
    }

    /// The filter itself.
    pub(super) fn of(self, reference: &str) -> serde_json::Value {
        match self {
            Self::Equals => serde_json::json!({ "equals": reference }),
            Self::List => serde_json::json!([reference]),
        }
    }
}
