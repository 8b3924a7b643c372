//! What can be set on a shop to bring out its traps, and the single faults that can be asked for.

use std::collections::VecDeque;

/// Input limits, which a shop may have switched on. Callers learn of them by being refused.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The greatest `pageSize`.
    pub page_size: i64,
    /// The page size when none is asked for.
    pub default_page_size: i64,
    /// The most elements of a list in one request.
    pub list: usize,
    /// The most elements of a list in one asynchronous request.
    pub async_list: usize,
}

/// A fault that befalls one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 401 although the token is right, as a confirmed defect has it now and then.
    Unauthorized,
    /// The database found a deadlock: 400, nothing is done.
    Deadlock,
    /// 429 of a host or firewall in front of the shop, which Magento itself does not send.
    TooMany,
    /// 500 with a report id, nothing is done.
    Internal,
    /// The request is carried out, and then the answer is lost behind a 500 page.
    AnswerLost,
}

/// The switches of a shop. [`Default`] is a fresh 2.4.7-p3 behind nginx.
#[derive(Debug, Clone, Default)]
pub struct Switches {
    /// Integration tokens are taken as plain bearers. Off since 2.4.4.
    pub bearer_integrations: bool,
    /// Errors carry a trace.
    pub developer_mode: bool,
    /// Every request is answered with a 503 page.
    pub maintenance: bool,
    /// Every request is answered with a 500 that is not JSON.
    pub database_down: bool,
    /// A page past the end repeats the last one, as before 2.4.
    pub last_page_repeats: bool,
    /// Input limits, off by default.
    pub limits: Option<Limits>,
    /// The address that PHP sees when a proxy changes it: signatures over any other are refused.
    pub seen_as: Option<String>,
    /// A web server that refuses an encoded slash in a path, as Apache does by default.
    pub slash_refused: bool,
    /// The stock index is not rebuilt with each write but by [`super::Account::reindex`].
    pub index_lags: bool,
    /// Each asynchronous operation is carried out twice.
    pub consumer_repeats: bool,
    /// Seconds by which the shop's clock is ahead of everybody else's.
    pub clock_ahead: i64,
    /// Minutes that an administrator's token lives; 0 means the 60 of a fresh shop.
    pub admin_token_minutes: i64,
    /// Shop prices and shipping are entered with tax.
    pub prices_include_tax: bool,
    pub(super) coming: VecDeque<Fault>,
}

impl Switches {
    /// The next request meets this fault; several are met one after the other.
    pub fn fail_next(&mut self, fault: Fault) {
        self.coming.push_back(fault);
    }
}
