//! Whom a request is counted for.

use std::net::IpAddr;

use aegis_core::{Peer, Principal};

use crate::store::{Per, Subject};

/// The party that `per` counts a request of `principal` from `peer` for.
pub(crate) fn of(per: Per, principal: &Principal, peer: Peer) -> Subject {
    match per {
        Per::Principal => Subject::Principal {
            issuer: principal.issuer.clone(),
            id: principal.id.clone(),
        },
        Per::Tenant => Subject::Tenant {
            issuer: principal.issuer.clone(),
            tenant: principal.tenant.clone(),
        },
        Per::Address => peer.address.map_or(Subject::Local, network),
    }
}

/// One customer holds a whole /64 of IPv6 at least: counting single addresses would count nothing.
fn network(address: IpAddr) -> Subject {
    match address.to_canonical() {
        IpAddr::V4(address) => Subject::Net4(address.to_bits()),
        IpAddr::V6(address) => Subject::Net6(u64::try_from(address.to_bits() >> 64).unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Subject {
        network(text.parse().unwrap())
    }

    #[test]
    fn addresses_of_one_network_are_one_party() {
        assert_eq!(net("2001:db8:0:1::1"), net("2001:db8:0:1:ffff::2"));
        assert_ne!(net("2001:db8:0:1::1"), net("2001:db8:0:2::1"));
        assert_eq!(net("::ffff:192.0.2.1"), net("192.0.2.1"));
        assert_ne!(net("192.0.2.1"), net("192.0.2.2"));
    }
}
