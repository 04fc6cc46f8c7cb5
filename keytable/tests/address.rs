//! Networks and client addresses: what is refused, what to write instead, and who is inside.
//!
//! Does not test lists within a decision (package `grid`). Invariant: for a million random pairs,
//! a record, a [`Network`] and a comparison bit by bit agree on who is inside.

#![cfg(test)]

#[path = "support/random.rs"]
mod random;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use keytable::{
    AccountId, AddressList, AddressListError, ClientAddress, KeyHash, KeyId, Network, NetworkError,
    Record, RecordView, Scope, Status,
};

use random::Random;

fn client(text: &str) -> ClientAddress {
    ClientAddress::parse(text.as_bytes()).unwrap()
}

/// Whether the network admits the client; a record with it has to agree.
fn admits(network: &str, address: &str) -> bool {
    let network = Network::parse(network).unwrap();
    let client = client(address);
    let bytes = record_with(vec![network]);
    let view = RecordView::parse(&bytes).unwrap();
    assert_eq!(view.admits_address(&client), network.admits(&client));
    network.admits(&client)
}

/// The bytes of a record with these networks.
fn record_with(networks: Vec<Network>) -> Vec<u8> {
    let record = Record {
        key_hash: KeyHash::from_bytes([7; 32]),
        key_id: KeyId::parse("ak-1").unwrap(),
        account: AccountId::parse("demo").unwrap(),
        status: Status::Enabled,
        expires_at_unix_ms: None,
        addresses: AddressList::new(networks).unwrap(),
        scope: Scope::ALL,
        limits: None,
        is_account_limited: false,
    };
    record.encode().unwrap()
}

#[test]
fn leading_zeros_are_refused() {
    for text in [
        "010.0.0.0/8",
        "10.00.0.1",
        "0127.0.0.1",
        "10.0.0.0/08",
        "::/00",
        "00.0.0.0",
    ] {
        assert_eq!(
            Network::parse(text),
            Err(NetworkError::LeadingZero),
            "{text}"
        );
    }
}

#[test]
fn other_spellings_of_numbers_are_refused() {
    for text in [
        "0x7f.0.0.1",
        "2130706433",
        "127.1",
        "10.0.0.256",
        "10.0.0",
        "10.0.0.0.0",
        "10.0.0.-1",
        "+10.0.0.1",
        "10..0.1",
        "１０.0.0.1",
        "",
        "/",
        "/8",
        " 10.0.0.1",
        "10.0.0.1 ",
        "10.0.0.1\n",
        "10.0.0.0 /8",
        "example.com",
        "[2001:db8::1]",
        "10.0.0.1:80",
        "2001:db8::1::2",
        "12345::",
    ] {
        assert_eq!(
            Network::parse(text),
            Err(NetworkError::NotANetwork),
            "{text:?}"
        );
    }
}

#[test]
fn bad_prefix_lengths_are_refused() {
    for text in [
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/+8",
        "10.0.0.0/ 8",
        "10.0.0.0/8 ",
        "10.0.0.0/",
        "10.0.0.0/255.0.0.0",
        "10.0.0.0/8/8",
        "10.0.0.0/256",
        "10.0.0.0/99999999999999999999",
        "2001:db8::/129",
        "2001:db8::/٣٢",
    ] {
        assert_eq!(
            Network::parse(text),
            Err(NetworkError::PrefixLength),
            "{text:?}"
        );
    }
}

#[test]
fn host_bits_are_refused_with_the_network_to_write() {
    for (text, instead) in [
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("10.0.0.1/31", "10.0.0.0/31"),
        ("128.0.0.0/0", "0.0.0.0/0"),
        ("2001:db8::1/64", "2001:db8::/64"),
        ("::1/127", "::/127"),
    ] {
        let error = Network::parse(text).unwrap_err();
        assert_eq!(
            error,
            NetworkError::HostBits(Network::parse(instead).unwrap())
        );
        assert!(
            error.to_string().contains(&format!("write {instead} ")),
            "{error}"
        );
    }
}

#[test]
fn zone_ids_are_refused() {
    for text in [
        "fe80::1%eth0/64",
        "fe80::1%eth0",
        "fe80::1%25eth0",
        "fe80::%1/64",
    ] {
        assert_eq!(Network::parse(text), Err(NetworkError::ZoneId), "{text}");
    }
    for text in [
        "fe80::1%eth0",
        "fe80::1%25eth0",
        "[fe80::1%1]:80",
        "[fe80::1%eth0]:80",
    ] {
        assert_eq!(ClientAddress::parse(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn ipv4_written_as_ipv6_is_refused_with_the_address_to_write() {
    let inner = Ipv4Addr::new(10, 0, 0, 5);
    for text in ["::ffff:10.0.0.5", "::ffff:a00:5", "::FFFF:10.0.0.5/128"] {
        let error = Network::parse(text).unwrap_err();
        assert_eq!(error, NetworkError::MappedIpv4(inner), "{text}");
        assert!(error.to_string().ends_with("10.0.0.5"));
    }
    let error = Network::parse("::ffff:0:0/96").unwrap_err();
    assert_eq!(error, NetworkError::MappedIpv4(Ipv4Addr::UNSPECIFIED));
}

#[test]
fn a_mapped_client_is_an_ipv4_client() {
    assert!(admits("10.0.0.0/8", "[::ffff:10.0.0.5]:4711"));
    assert!(admits("10.0.0.0/8", "::ffff:a00:5"));
    assert!(!admits("::/0", "::ffff:10.0.0.5"));
    assert_eq!(
        client("::ffff:192.0.2.1").get(),
        IpAddr::from([192, 0, 2, 1])
    );
}

#[test]
fn no_other_ipv6_form_of_an_ipv4_address_is_that_address() {
    for address in [
        "::10.0.0.5",
        "64:ff9b::10.0.0.5",
        "2002:a00:5::",
        "::ffff:0:a00:5",
    ] {
        assert!(!admits("10.0.0.0/8", address), "{address}");
        assert!(!admits("0.0.0.0/0", address), "{address}");
        assert!(admits("::/0", address), "{address}");
    }
}

#[test]
fn one_family_never_admits_the_other() {
    assert!(!admits("::/0", "192.0.2.1"));
    assert!(!admits("0.0.0.0/0", "2001:db8::1"));
    assert!(admits("0.0.0.0/0", "192.0.2.1:1"));
    assert!(admits("::/0", "[2001:db8::1]:1"));
}

#[test]
fn edges_are_exact() {
    for (network, address, inside) in [
        ("10.0.0.0/8", "9.255.255.255", false),
        ("10.0.0.0/8", "10.0.0.0", true),
        ("10.0.0.0/8", "10.255.255.255", true),
        ("10.0.0.0/8", "11.0.0.0", false),
        ("10.0.0.0/31", "9.255.255.255", false),
        ("10.0.0.0/31", "10.0.0.1", true),
        ("10.0.0.0/31", "10.0.0.2", false),
        ("10.0.0.1", "10.0.0.0", false),
        ("10.0.0.1", "10.0.0.1", true),
        ("10.0.0.1/32", "10.0.0.2", false),
        (
            "2001:db8::/33",
            "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff",
            true,
        ),
        ("2001:db8::/33", "2001:db8:8000::", false),
        ("2001:db8::7/128", "2001:db8::7", true),
        ("2001:db8::7", "2001:db8::6", false),
        ("8000::/1", "7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false),
    ] {
        assert_eq!(admits(network, address), inside, "{network} {address}");
    }
}

#[test]
fn client_addresses_are_read_as_envoy_writes_them() {
    assert_eq!(client("192.0.2.1:4711").get(), IpAddr::from([192, 0, 2, 1]));
    assert_eq!(client("192.0.2.1").get(), IpAddr::from([192, 0, 2, 1]));
    let six: IpAddr = "2001:db8::1".parse().unwrap();
    assert_eq!(client("[2001:db8::1]:4711").get(), six);
    assert_eq!(client("2001:db8::1").get(), six);
}

#[test]
fn what_is_no_address_is_none() {
    for bytes in [
        b"".as_slice(),
        b"/tmp/envoy.sock",
        b"@abstract",
        b"envoy://internal_listener/endpoint",
        b"unknown",
        b",,,",
        b"\xff10.0.0.1",
        b"10.0.0.1:",
        b"10.0.0.1:http",
        b"10.0.0.1:80, 192.0.2.1",
        b"10.0.0.1:80:80",
        b"010.0.0.1",
        b"10.0.0.1 ",
        b"10.0.0.0/8",
        b"[10.0.0.1]:80",
        b"[::1",
        b"[::1]garbage",
        b"[]:80",
        b"10.0.0.1:65536",
    ] {
        let text = String::from_utf8_lossy(bytes);
        assert_eq!(ClientAddress::parse(bytes), None, "{text}");
    }
}

#[test]
fn lists_have_at_most_fifty_different_networks() {
    let many = |count: u8| -> Vec<Network> {
        (0..count)
            .map(|last| Network::parse(&format!("10.0.0.{last}")).unwrap())
            .collect()
    };
    assert!(AddressList::new(many(50)).is_ok());
    assert_eq!(
        AddressList::new(many(51)),
        Err(AddressListError::TooMany(51))
    );

    let twice = ["10.0.0.0/8", "2001:db8::7/128", "2001:DB8:0::7"];
    let networks = twice.map(|text| Network::parse(text).unwrap()).to_vec();
    assert_eq!(
        AddressList::new(networks),
        Err(AddressListError::Duplicate(2))
    );
}

#[test]
fn any_entry_of_a_list_admits() {
    let list = ["192.0.2.7", "10.0.0.0/8", "2001:db8::/32"];
    let bytes = record_with(list.map(|text| Network::parse(text).unwrap()).to_vec());
    let view = RecordView::parse(&bytes).unwrap();
    for (address, inside) in [
        ("192.0.2.7", true),
        ("10.1.1.1", true),
        ("2001:db8::1", true),
        ("192.0.2.8", false),
        ("2001:db9::1", false),
    ] {
        assert_eq!(view.admits_address(&client(address)), inside, "{address}");
    }
}

/// The first `length` bits of both are the same, one by one.
fn same_leading_bits(left: &[u8], right: &[u8], length: usize) -> bool {
    let bit = |bytes: &[u8], at: usize| bytes[at / 8] & (0x80 >> (at % 8)) != 0;
    (0..length).all(|at| bit(left, at) == bit(right, at))
}

/// `address` with every bit from `length` on cleared.
fn without_host_bits<const N: usize>(mut address: [u8; N], length: usize) -> [u8; N] {
    for at in length..N * 8 {
        address[at / 8] &= !(0x80 >> (at % 8));
    }
    address
}

/// An address near the network's edges: a copy of it with nothing, one bit or much changed.
fn neighbour<const N: usize>(random: &mut Random, net: [u8; N], length: usize) -> [u8; N] {
    let mut near = net;
    let bits = N * 8;
    match random.below(5) {
        0 => near
            .iter_mut()
            .for_each(|b| *b = random.next().to_le_bytes()[0]),
        1 => (length..bits).for_each(|at| near[at / 8] |= 0x80 >> (at % 8)),
        2 if length > 0 => near[(length - 1) / 8] ^= 0x80 >> ((length - 1) % 8),
        3 if length < bits => near[length / 8] ^= 0x80 >> (length % 8),
        _ => {
            let at = usize::try_from(random.below(u64::try_from(bits).unwrap())).unwrap();
            near[at / 8] ^= 0x80 >> (at % 8);
        }
    }
    near
}

/// Compares `pairs` addresses near one random network; gives how many were inside.
fn compare<const N: usize>(random: &mut Random, pairs: u32) -> u32
where
    IpAddr: From<[u8; N]>,
{
    let length = random.below(u64::try_from(N * 8 + 1).unwrap());
    let bits = usize::try_from(length).unwrap();
    let base: [u8; N] = std::array::from_fn(|_| random.next().to_le_bytes()[0]);
    let net = without_host_bits(base, bits);
    let network = Network::parse(&format!("{}/{length}", IpAddr::from(net))).unwrap();
    let bytes = record_with(vec![network]);
    let view = RecordView::parse(&bytes).unwrap();
    let mut inside = 0;
    for _ in 0..pairs {
        let address = neighbour(random, net, bits);
        let expected = same_leading_bits(&address, &net, bits);
        let client = ClientAddress::new(IpAddr::from(address));
        assert_eq!(
            view.admits_address(&client),
            expected,
            "{network} {client:?}"
        );
        assert_eq!(network.admits(&client), expected, "{network} {client:?}");
        inside += u32::from(expected);
    }
    inside
}

#[test]
fn a_million_random_pairs_agree_with_a_comparison_bit_by_bit() {
    let mut random = Random::seeded("a_million_random_pairs");
    let mut inside = 0;
    for _ in 0..10_000 {
        inside += compare::<4>(&mut random, 50);
        inside += compare::<16>(&mut random, 50);
    }
    println!("1000000 pairs, {inside} inside");
    assert!((200_000..800_000).contains(&inside), "one-sided: {inside}");
}

#[test]
fn texts_and_addresses_survive_the_way_through_a_record() {
    let texts = ["0.0.0.0/0", "192.0.2.7", "::/0", "2001:db8::/32", "::1"];
    let networks = texts.map(|text| Network::parse(text).unwrap()).to_vec();
    let bytes = record_with(networks.clone());
    let read = RecordView::parse(&bytes).unwrap().to_record().unwrap();
    assert_eq!(read.addresses.networks(), networks);
    let written = networks.iter().map(Network::to_string).collect::<Vec<_>>();
    assert_eq!(written, texts);
    assert_eq!(networks[1].address(), Ipv4Addr::new(192, 0, 2, 7));
    assert_eq!(
        networks[3].address(),
        "2001:db8::".parse::<Ipv6Addr>().unwrap()
    );
    assert_eq!((networks[0].length(), networks[1].length()), (0, 32));
}
