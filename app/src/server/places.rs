//! Places for connections: so many for all, and of these so many for one address, so that nobody keeps everybody else
//! out by standing there in silence.

use super::web::ClientAddress;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use truecount::config::Network;

/// All places, and who holds how many.
#[derive(Debug)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    of_one: usize,
    without_share: Arc<[Network]>,
    held: Mutex<HashMap<IpAddr, usize>>,
    closed: AtomicU64,
}

/// A place of nobody yet; given back when dropped.
pub(super) type Free = OwnedSemaphorePermit;

/// Somebody's place; given back when dropped.
pub(super) struct Place {
    places: Arc<Places>,
    address: Option<IpAddr>,
    _free: Free,
}

impl Places {
    /// So many for all and so many for one address. `without_share` are the proxies: behind each stands everybody.
    pub(super) fn new(all: usize, of_one: usize, without_share: Arc<[Network]>) -> Arc<Self> {
        let all = Arc::new(Semaphore::new(all));
        Arc::new(Self { all, of_one, without_share, held: Mutex::default(), closed: AtomicU64::new(0) })
    }

    fn held(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a free place; none only if there will never be one again.
    pub(super) async fn free(&self) -> Option<Free> {
        Arc::clone(&self.all).acquire_owned().await.ok()
    }

    /// Gives it to whoever calls from this address, unless they hold their share already.
    pub(super) fn take(self: &Arc<Self>, free: Free, peer: IpAddr) -> Option<Place> {
        let peer = peer.to_canonical();
        let address = if self.without_share.iter().any(|network| network.contains(peer)) {
            None
        } else {
            Some(ClientAddress(peer).counted())
        };
        if let Some(address) = address {
            let mut held = self.held();
            let mine = held.get(&address).copied().unwrap_or(0);
            if mine >= self.of_one {
                self.closed.fetch_add(1, Ordering::Relaxed);
                return None;
            }
            held.insert(address, mine + 1);
        }
        Some(Place { places: Arc::clone(self), address, _free: free })
    }

    /// How many were turned away since this was asked last.
    pub(super) fn closed(&self) -> u64 {
        self.closed.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut held = self.places.held();
        let rest = held.get(&address).copied().unwrap_or(0).saturating_sub(1);
        if rest == 0 {
            held.remove(&address);
        } else {
            held.insert(address, rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use truecount::config::Config;

    /// A48: whoever stands there in silence takes the share of one address and no more; those beside it in IPv6 are
    /// one with it, a proxy has no share, and this machine has one unless it is the proxy.
    #[tokio::test]
    async fn one_address_has_a_share_of_the_places() {
        let settings = [("TRUSTED_PROXIES".to_owned(), "192.0.2.0/24".to_owned())];
        let proxies = Config::read(&settings.into()).expect("settings").trusted_proxies;
        let places = Places::new(100, 3, Arc::from(proxies));
        let ask = async |peer: &str| {
            let free = places.free().await.expect("there are places");
            places.take(free, peer.parse().expect("an address"))
        };
        let mut held = Vec::new();
        for (peer, want) in [
            ("198.51.100.1", [true, true, true, false, false]),
            ("198.51.100.2", [true, true, true, false, false]),
            ("::ffff:198.51.100.2", [false; 5]),
            ("2001:db8:1:2::3", [true, true, true, false, false]),
            ("2001:db8:1:2:ffff::4", [false; 5]),
            ("2001:db8:1:3::3", [true, true, true, false, false]),
            ("127.0.0.1", [true, true, true, false, false]),
            ("192.0.2.7", [true; 5]),
            ("::ffff:192.0.2.7", [true; 5]),
        ] {
            for (n, want) in want.into_iter().enumerate() {
                let place = ask(peer).await;
                assert_eq!(place.is_some(), want, "{peer} for the {n}th time");
                held.extend(place);
            }
        }
        assert_eq!((places.closed(), places.closed()), (20, 0), "counted once");
        drop(held);
        assert!(places.held().is_empty(), "everything was given back");
        assert_eq!(places.all.available_permits(), 100);
    }
}
