//! The loop: receive, sweep, apply, push, read back.
//!
//! Everything from outside enters by one door: a notice ([`receive`]) and a sweep (`sweep`) both end as inbox
//! rows that [`apply`] turns into ledger lines and new targets, in one transaction; of a crowd each is only kept, and
//! [`catch_up`] takes them into the books in larger steps. `push` then carries targets to the shop and reads them back.
//! A task takes no input: it re-reads what is true, so it may run twice, late or after a crash. Notices give speed;
//! sweeps give truth.
//!
//! | task | every | what for |
//! |---|---|---|
//! | places | 6 h | outlets, registers, warehouses |
//! | catalogue | 10 min | products of both sides; links twins by SKU |
//! | sales | 60 s | till sales that no notice told |
//! | stock | 60 s | till counts that no notice told |
//! | orders | 60 s | web orders |
//! | observe | 30 min | the shop's whole stock, and what differs |
//! | compare | 24 h | the till's whole stock again |
//! | push | when due | counts to the shop |
//! | confirm | 2 s after | reads back what was written |
//! | look up | when needed | sales that a return names and we do not know |
//! | catch up | when needed | notices of a crowd into the books |
//! | trial | when asked | what of a connection works |
//! | parked | 5 min | records that could not be applied |
//! | problems | 30 s | what needs a person |
//! | seal, forget | 1 min, 1 h | the log of automatic writes; raw bodies after 90 days |

pub mod apply;
mod apply_orders;
mod apply_sales;
mod books;
pub mod catch_up;
mod confirm;
pub mod cx;
pub mod driver;
mod guessing;
pub mod house;
pub mod intake;
pub mod keeper;
mod mapping_problems;
mod masters;
mod outcome;
pub mod problems;
mod push;
pub mod receive;
pub mod refusals;
pub mod retarget;
pub mod schedule;
mod seldom;
mod settle;
mod shipped;
mod shop_look;
mod sweep;
mod trial;

pub use receive::Received;
