//! The address side of the pages: what a query string means, and how the same words are written back; lists as
//! files. No page builds an address by hand.

pub mod csv_file;
pub mod query;
pub mod stock_address;
