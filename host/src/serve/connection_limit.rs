//! The limit of connections that are open at once: in all, and from one source, so that one machine cannot take them all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::access::source::network;

/// The permits of a listener's connections.
pub(super) struct ConnectionLimit {
    most: usize,
    most_of_one: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    in_all: usize,
    by_source: HashMap<IpAddr, usize>,
}

impl ConnectionLimit {
    /// A limit of `most` connections in all, and `most_of_one` of one source.
    pub fn new(most: usize, most_of_one: usize) -> Arc<Self> {
        Arc::new(Self { most, most_of_one, taken: Mutex::default() })
    }

    /// A permit, which holds until it is dropped; none where there is none left. `peer` is none for those who are not counted by
    /// source: the machine itself, and proxies, behind which everybody stands.
    pub fn take(self: &Arc<Self>, peer: Option<IpAddr>) -> Option<ConnectionPermit> {
        let mut taken = self.lock();
        if taken.in_all >= self.most {
            return None;
        }
        let source = peer.map(network);
        if let Some(source) = source {
            let of_source = taken.by_source.entry(source).or_default();
            if *of_source >= self.most_of_one {
                return None;
            }
            *of_source += 1;
        }
        taken.in_all += 1;
        Some(ConnectionPermit { limit: Arc::clone(self), source })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to be one of the open connections, given back when it is dropped.
pub(super) struct ConnectionPermit {
    limit: Arc<ConnectionLimit>,
    source: Option<IpAddr>,
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut taken = self.limit.lock();
        taken.in_all -= 1;
        let Some(source) = self.source else { return };
        if let Some(of_source) = taken.by_source.get_mut(&source) {
            *of_source -= 1;
            if *of_source == 0 {
                taken.by_source.remove(&source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_takes_its_share_and_a_network_is_one_source() {
        let limit = ConnectionLimit::new(5, 2);
        let take = |address: &str| limit.take(Some(address.parse().unwrap()));
        let (first, _second) = (take("192.0.2.1").unwrap(), take("192.0.2.1").unwrap());
        assert!(take("192.0.2.1").is_none());
        let _other = take("192.0.2.2").unwrap();
        drop(first);
        let _again = take("192.0.2.1").unwrap();
        let _v6 = take("2001:db8::1").unwrap();
        let _same_network = take("2001:db8::2").unwrap();
        assert!(take("2001:db8::3").is_none(), "its network has its share, and all permits are taken");
        assert!(limit.take(None).is_none(), "all permits are taken");
        drop((_other, _again, _v6, _same_network, _second));
        assert!(limit.lock().by_source.is_empty(), "nothing is remembered of who is gone");
        let all: Vec<_> = (0..5).filter_map(|_| limit.take(None)).collect();
        assert_eq!(all.len(), 5, "who is not counted by source has all permits");
    }
}
