//! What each vendor tells of its ways to pay, taxes, stores and registers, in the words of [`crate::domain::master`].
//!
//! One function for each vendor, and one arm for each list. What a vendor does not tell, or what we do not read of it
//! yet, is [`Told::Untold`]; what our key may not read is [`Told::Refused`]. Both are values that the pages say; only a
//! vendor that does not answer is an error, because then nothing is known.

use super::Answer;
use super::centra::Centra;
use super::error::{CallError, CallErrorKind};
use super::lightspeed_r::LightspeedR;
use super::lightspeed_x::LightspeedX;
use super::magento::Magento;
use crate::domain::master::{Master, MasterKind, Rate, Told};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

/// Centra. It lists stores and markets; ways of paying and rates of tax are those that orders show.
pub(super) async fn of_centra(shop: &Centra, kind: MasterKind) -> Result<Answer<Told>, CallError> {
    match kind {
        MasterKind::Payment => as_seen(told(shop.seen_on_orders(shop.lately()).await, |seen| {
            let methods = seen.payment_methods.into_iter();
            methods.map(|(uri, times)| Master { seen: i64::from(times), ..Master::new(uri.as_str(), "") }).collect()
        })),
        MasterKind::Tax => as_seen(told(shop.seen_on_orders(shop.lately()).await, |seen| {
            let percents = seen.tax_percents.into_iter();
            percents
                .map(|(percent, times)| {
                    let percent = percent.normalize();
                    let part = percent.checked_div(Decimal::ONE_HUNDRED).unwrap_or(percent);
                    let named = Master::new(percent.to_string(), format!("{percent} %"));
                    Master { seen: i64::from(times), rate: rate(&[part]), ..named }
                })
                .collect()
        })),
        MasterKind::Store => {
            let mut stores = told(shop.stores().await, |rows| {
                rows.into_iter()
                    .map(|store| Master::new(format!("store:{}", store.id), store.name).within("store"))
                    .collect()
            })?;
            let Told::Whole(rows) = &mut stores.value else { return Ok(stores) };
            let markets = shop.markets().await.map_err(|error| after(&stores.exchanges, error))?;
            rows.extend(
                markets
                    .value
                    .into_iter()
                    .map(|market| Master::new(format!("market:{}", market.id), market.name).within("market")),
            );
            stores.exchanges.extend(markets.exchanges);
            Ok(stores)
        }
        MasterKind::Register | MasterKind::Outlet => untold(),
    }
}

/// Lightspeed X-Series.
pub(super) async fn of_lightspeed_x(till: &LightspeedX, kind: MasterKind) -> Result<Answer<Told>, CallError> {
    match kind {
        MasterKind::Payment => told(till.payment_types().await, |rows| {
            rows.into_iter().map(|row| Master::new(row.id, row.name).archived(row.archived)).collect()
        }),
        MasterKind::Tax => told(till.taxes().await, |rows| {
            rows.into_iter()
                .map(|row| Master { rate: rate(&row.rates), ..Master::new(row.id, row.name).archived(row.archived) })
                .collect()
        }),
        MasterKind::Register => told(till.registers().await, |rows| {
            rows.into_iter()
                .map(|row| Master::new(row.id, row.name).within(row.outlet.unwrap_or_default()).archived(row.archived))
                .collect()
        }),
        MasterKind::Store | MasterKind::Outlet => untold(),
    }
}

/// Lightspeed R-Series.
pub(super) async fn of_lightspeed_r(till: &LightspeedR, kind: MasterKind) -> Result<Answer<Told>, CallError> {
    match kind {
        MasterKind::Payment => told(till.payment_types().await, |rows| {
            rows.into_iter().map(|row| Master::new(row.id, row.name).archived(row.archived)).collect()
        }),
        MasterKind::Tax => told(till.tax_categories().await, |rows| {
            rows.into_iter()
                .map(|row| Master { rate: rate(&row.rates), ..Master::new(row.id, row.names.join(" + ")) })
                .collect()
        }),
        MasterKind::Register => told(till.registers().await, |rows| {
            rows.into_iter()
                .map(|row| Master::new(row.id, row.name).within(row.shop.unwrap_or_default()).archived(row.archived))
                .collect()
        }),
        MasterKind::Store | MasterKind::Outlet => untold(),
    }
}

/// Magento. Classes carry no rate: rates hang on countries, and are charged by rules.
pub(super) async fn of_magento(shop: &Magento, kind: MasterKind) -> Result<Answer<Told>, CallError> {
    match kind {
        MasterKind::Payment => {
            // Codes alone: no address names them, and those on orders are all that anybody can know.
            as_seen(told(shop.payment_methods_seen().await, |seen| {
                seen.into_iter()
                    .map(|(code, times)| Master { seen: i64::from(times), ..Master::new(code.as_str(), "") })
                    .collect()
            }))
        }
        MasterKind::Tax => told(shop.tax_classes().await, |rows| {
            let goods = rows.into_iter().filter(|class| class.of_goods);
            goods.map(|class| Master::new(class.id.to_string(), class.name)).collect()
        }),
        MasterKind::Store => {
            let mut views = told(shop.store_views().await, |rows| {
                rows.into_iter()
                    .map(|view| {
                        Master::new(format!("view:{}", view.code), view.name)
                            .within("store view")
                            .archived(!view.active)
                    })
                    .collect()
            })?;
            let Told::Whole(rows) = &mut views.value else { return Ok(views) };
            let points = shop.pickup_points().await.map_err(|error| after(&views.exchanges, error))?;
            rows.extend(points.value.into_iter().map(|point| {
                Master::new(format!("pickup:{}", point.code), point.name)
                    .within("pick-up point")
                    .archived(!point.enabled)
            }));
            views.exchanges.extend(points.exchanges);
            Ok(views)
        }
        MasterKind::Register | MasterKind::Outlet => untold(),
    }
}

/// A list of what was seen in use, which need not be whole.
fn as_seen(answer: Result<Answer<Told>, CallError>) -> Result<Answer<Told>, CallError> {
    let Answer { value, exchanges } = answer?;
    let value = match value {
        Told::Whole(rows) => Told::Seen(rows),
        other => other,
    };
    Ok(Answer { value, exchanges })
}

fn untold() -> Result<Answer<Told>, CallError> {
    Ok(Answer { value: Told::Untold, exchanges: Vec::new() })
}

/// A whole list, or that it is refused to us; what must be waited for or tried again stays an error.
fn told<T>(
    answer: Result<Answer<T>, CallError>,
    rows: impl FnOnce(T) -> Vec<Master>,
) -> Result<Answer<Told>, CallError> {
    match answer {
        Ok(Answer { value, exchanges }) => Ok(Answer { value: Told::Whole(rows(value)), exchanges }),
        Err(CallError {
            kind: CallErrorKind::Unauthorized { reason } | CallErrorKind::Rejected { reason },
            exchanges,
        }) => Ok(Answer { value: Told::Refused(reason), exchanges }),
        Err(error) => Err(error),
    }
}

fn after(earlier: &[super::Exchange], mut error: CallError) -> CallError {
    error.exchanges.splice(0..0, earlier.iter().cloned());
    error
}

/// Rates of one tax, each a part of one, together; none where there is none, or where they make no sense together.
fn rate(parts: &[Decimal]) -> Option<Rate> {
    if parts.is_empty() {
        return None;
    }
    let sum = parts.iter().try_fold(Decimal::ZERO, |sum, part| sum.checked_add(*part))?;
    let millionths = sum.checked_mul(Decimal::from(1_000_000))?.round();
    millionths.to_i64().filter(|rate| (0..=10_000_000).contains(rate)).map(Rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_added_up_and_nonsense_is_none() {
        let of = |parts: &[&str]| {
            let parts: Vec<Decimal> = parts.iter().map(|part| part.parse().expect("a number")).collect();
            rate(&parts)
        };
        for (parts, want) in [
            (&["0.2"][..], Some(200_000)),
            (&["0.05", "0.09975"], Some(149_750)),
            (&["0"], Some(0)),
            (&[], None),
            (&["-0.2"], None),
            (&["20"], None),
            (&["79228162514264337593543950335", "1"], None),
        ] {
            assert_eq!(of(parts), want.map(Rate), "{parts:?}");
        }
    }

    #[test]
    fn a_list_that_is_refused_to_us_is_a_value_and_one_that_must_be_waited_for_is_not() {
        let failed = |kind| told::<()>(Err(CallError { kind, exchanges: Vec::new() }), |()| Vec::new());
        let why = || "not for you".to_owned();
        for kind in [CallErrorKind::Unauthorized { reason: why() }, CallErrorKind::Rejected { reason: why() }] {
            assert_eq!(failed(kind).expect("a value").value, Told::Refused(why()));
        }
        let until = crate::domain::time::Timestamp::from_secs(1);
        for kind in [
            CallErrorKind::Paced { until },
            CallErrorKind::Throttled { until },
            CallErrorKind::Unavailable { reason: why(), acted: false },
            CallErrorKind::Protocol { reason: why() },
        ] {
            assert!(failed(kind).is_err());
        }
    }
}
