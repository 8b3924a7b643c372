//! The pages, forms and front door of Truecount.

#[cfg(feature = "ssr")]
pub mod demo;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod rehearse;
#[cfg(feature = "ssr")]
pub mod server;
