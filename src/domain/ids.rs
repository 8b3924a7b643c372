//! Different things have different id types, so that an outlet can never be passed where a place is meant.

use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps an id that came from our own store or from a vendor.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The id as text, exactly as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id)
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.to_owned())
            }
        }
    )*};
}

text_id! {
    /// One account of one vendor.
    ConnectionId,
    /// A stock place of a shop where "sellable" is computed: ours, one per shop warehouse or stock.
    PlaceId,
    /// The vendor's id of an outlet, shop or warehouse.
    OutletKey,
    /// A variant as one system knows it: ours.
    ListingId,
    /// The vendor's id of a sellable row (X-Series product, Centra product size).
    ProductKey,
    /// One sellable thing, on whichever systems it is linked: ours.
    VariantId,
    /// The vendor's id of a sale, order or other document.
    DocumentKey,
    /// The vendor's id of a line inside a document.
    LineKey,
    /// One intended remote write: ours, stored before the call.
    PushId,
    /// A raw delivery or a raw record read by a sweep: ours.
    InboxId,
    /// One cause that needs a person or a wait: ours.
    ProblemId,
    /// A signed-in person's account: ours.
    PersonId,
}
