//! The networks of a record, read in place.
//!
//! Does not decide about a client. Invariant: what [`read_networks`] gives was checked network by network.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::address::{AddressList, Network};
use crate::encoding::wire::{Reader, Write};
use crate::limits::NETWORKS_MAX;

pub(super) const V4_BYTES: usize = 5;
pub(super) const V6_BYTES: usize = 17;

/// Two counts, then all IPv4 networks, then all IPv6 networks.
pub(super) fn put_networks(out: &mut Vec<u8>, list: &AddressList) {
    let v4 = || {
        list.networks()
            .iter()
            .filter(|network| network.address().is_ipv4())
    };
    let v6 = || {
        list.networks()
            .iter()
            .filter(|network| network.address().is_ipv6())
    };
    out.push(u8::try_from(v4().count()).unwrap_or(u8::MAX));
    out.push(u8::try_from(v6().count()).unwrap_or(u8::MAX));
    for network in v4().chain(v6()) {
        match network.address() {
            IpAddr::V4(address) => out.put(&address.octets()),
            IpAddr::V6(address) => out.put(&address.octets()),
        }
        out.push(network.length());
    }
}

pub(super) fn read_networks<'a>(reader: &mut Reader<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let v4_count = usize::from(reader.u8()?);
    let v6_count = usize::from(reader.u8()?);
    if v4_count + v6_count > NETWORKS_MAX {
        return None;
    }
    let v4 = reader.bytes(v4_count * V4_BYTES)?;
    let v6 = reader.bytes(v6_count * V6_BYTES)?;
    let v4_sound = v4.chunks_exact(V4_BYTES).all(|chunk| {
        let (net, length) = split_network::<4>(chunk);
        Network::from_parts(IpAddr::V4(Ipv4Addr::from(net)), length).is_some()
    });
    let v6_sound = v6.chunks_exact(V6_BYTES).all(|chunk| {
        let (net, length) = split_network::<16>(chunk);
        Network::from_parts(IpAddr::V6(Ipv6Addr::from(net)), length).is_some()
    });
    (v4_sound && v6_sound).then_some((v4, v6))
}

/// Address bytes and prefix length of one encoded network.
pub(super) fn split_network<const N: usize>(chunk: &[u8]) -> ([u8; N], u8) {
    match chunk.split_first_chunk::<N>() {
        Some((net, [length])) => (*net, *length),
        _ => ([0xff; N], u8::MAX),
    }
}

/// Whether `address` has the first `length` bits of `net`; never for an impossible length.
pub(super) fn inside<T>(address: T, net: T, length: u8, bits: u8) -> bool
where
    T: Copy + PartialEq + core::ops::BitXor<Output = T> + core::ops::Shr<u8, Output = T>,
    T: From<u8>,
{
    match bits.checked_sub(length) {
        None => false,
        Some(shift) if shift == bits => true,
        Some(shift) => (address ^ net) >> shift == T::from(0),
    }
}
