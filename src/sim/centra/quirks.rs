//! What the vendor's papers leave open about the shop, and what can be wrong with our access to it.

use super::super::world::World;

/// How a payment provider answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outcome {
    /// At once, and well.
    #[default]
    Success,
    /// Later; [`World::settle_payments`] says how.
    Pending,
    /// At once, and badly.
    Failed,
}

/// How this shop as Centra behaves; a test changes it with [`World::centra`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CentraQuirks {
    /// What a cancelled order is called.
    pub cancelled_word: &'static str,
    /// Permissions that our token lacks, such as `Order:read`.
    pub denied: Vec<&'static str>,
    /// The HTTP status with which a missing permission is answered.
    pub permission_status: u16,
    /// Our token has outlived its days.
    pub token_expired: bool,
    /// Our token is restricted to a store without orders: everything of the other store is silently missing.
    pub other_store: bool,
    /// Whether the vendor has switched events on for this account.
    pub events_on: bool,
    /// Orders on hold are listed only when asked for by `isOnHold`.
    pub hide_held: bool,
    /// What becomes of a capture.
    pub capture: Outcome,
    /// What becomes of a refund.
    pub refund: Outcome,
    /// Returned goods go back when the return is completed; otherwise when it is made.
    pub restock_late: bool,
    /// A refund that succeeds completes its return.
    pub refund_completes: bool,
    /// A captured order may still be cancelled, wrong as it is.
    pub cancel_captured: bool,
    /// A refusal by the rate rule names its moment as an HTTP date; otherwise in seconds since 1970.
    pub retry_as_date: bool,
}

impl Default for CentraQuirks {
    fn default() -> Self {
        Self {
            cancelled_word: "CANCELLED",
            denied: Vec::new(),
            permission_status: 200,
            token_expired: false,
            other_store: false,
            events_on: true,
            hide_held: false,
            capture: Outcome::Success,
            refund: Outcome::Success,
            restock_late: false,
            refund_completes: true,
            cancel_captured: false,
            retry_as_date: false,
        }
    }
}

impl World {
    /// Changes how the shop as Centra behaves from now on.
    pub fn centra(&self, change: impl FnOnce(&mut CentraQuirks)) {
        change(&mut self.lock().web.papers.quirks);
    }

    /// The payment provider answers everything that was left open, well or badly.
    pub fn settle_payments(&self, well: bool) {
        self.lock().settle_payments(well);
    }
}
