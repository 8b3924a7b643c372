//! Stores that are open now, wherever on earth that is: a demonstration at midnight should not be a quiet one.

use chrono::Timelike as _;
use truecount::domain::time::Timestamp;
use truecount::sim::Store;

/// Retailers with their zone, currency and two stores each.
const RETAILERS: [(chrono_tz::Tz, &str, [&str; 2]); 5] = [
    (chrono_tz::Europe::London, "GBP", ["King’s Cross", "Soho"]),
    (chrono_tz::America::New_York, "USD", ["Bleecker Street", "Brooklyn"]),
    (chrono_tz::America::Los_Angeles, "USD", ["Abbot Kinney", "Silver Lake"]),
    (chrono_tz::Australia::Sydney, "AUD", ["Paddington", "Newtown"]),
    (chrono_tz::Asia::Singapore, "SGD", ["Tiong Bahru", "Orchard"]),
];

/// The stores of the first retailer whose clock stands between eleven and seven; London's when none does.
pub(super) fn where_it_is_day(now: Timestamp) -> Vec<Store> {
    let open = |zone: chrono_tz::Tz| (11..19).contains(&now.to_utc().with_timezone(&zone).hour());
    let chosen = RETAILERS.iter().find(|(zone, _, _)| open(*zone)).or_else(|| RETAILERS.first());
    chosen.map_or_else(Vec::new, |(zone, currency, names)| {
        names.iter().map(|name| Store::new(name, *zone, currency)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somewhere_it_is_always_day() {
        for hour in 0..24 {
            let now = Timestamp::from_secs(1_772_409_600 + hour * 3_600);
            let stores = where_it_is_day(now);
            let zone = stores.first().map(|store| store.zone).unwrap();
            let local = now.to_utc().with_timezone(&zone).hour();
            assert_eq!(stores.len(), 2);
            assert!((10..20).contains(&local), "at {hour} UTC it is {local} in {zone}");
        }
    }
}
