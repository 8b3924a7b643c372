//! What the vendor's papers leave open about this door, or what one account does and another does not.

/// How a notice is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signing {
    /// Lower-case hexadecimal.
    #[default]
    Hex,
    /// Upper-case hexadecimal.
    UpperHex,
    /// Base64.
    Base64,
    /// Not at all: the webhook was made by hand or with a personal token.
    Nothing,
}

/// What happens when a sale is made under an id that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SameId {
    /// 409, and nothing changes.
    #[default]
    Refused,
    /// 200 with the sale as it is, and nothing changes.
    Answered,
    /// The sale is written over, as far as an edit may.
    Replaced,
}

/// One account's ways. Plain is what the papers say most plainly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct XSwitches {
    /// How notices are signed.
    pub signing: Signing,
    /// A notice carries `payload` alone, which is all that is promised.
    pub payload_only: bool,
    /// A repeated id of a sale.
    pub same_id: SameId,
    /// A refresh token dies with its first use; otherwise it can be used again.
    pub refresh_once: bool,
    /// An edit keeps lines that it does not name; otherwise they are deleted.
    pub edit_merges: bool,
    /// Goods of a layby leave when it is made; otherwise when it is closed.
    pub layby_leaves_at_once: bool,
    /// A new return voids other saved returns of the same sale.
    pub return_voids_others: bool,
    /// Deleted rows are in a feed without `deleted=true`.
    pub tombstones: bool,
    /// The next variant stands for a family whose head was deleted; otherwise its siblings go on naming the dead.
    pub head_moves_on: bool,
    /// Two payment types have the same `type_id`.
    pub twin_payment_types: bool,
    /// A sale that was made is answered with its id alone.
    pub answers_id_only: bool,
}
