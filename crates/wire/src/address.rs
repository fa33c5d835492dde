//! Which addresses may be dialled: a pure function of the address, so that a table can test it.
//!
//! A name never decides: it is the address that a connection would go to which is judged, in
//! whatever form it stands (mapped, NAT64, 6to4 and their kin are judged by what they embed).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[cfg(test)]
mod tests;

/// What an address is to us. Ordered: of two judgements the later one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// A host of the internet.
    Public,
    /// This machine or a private network: only for a binding with `--private`.
    Private,
    /// Metadata services, link-local, multicast and what is no destination at all: never.
    Never,
}

/// How far a request may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reach {
    /// Hosts of the internet.
    Public,
    /// The binding has `--private`: loopback and private networks as well.
    Private,
}

impl Reach {
    /// Whether an address of this class may be dialled.
    pub(crate) fn covers(self, class: Class) -> bool {
        match class {
            Class::Public => true,
            Class::Private => self == Self::Private,
            Class::Never => false,
        }
    }
}

/// Names of metadata services: never resolved, whatever they would resolve to.
pub(crate) fn is_metadata_name(host: &str) -> bool {
    matches!(host, "metadata.google.internal" | "metadata.goog")
}

/// Judges an address.
pub(crate) fn class(ip: IpAddr) -> Class {
    match ip {
        IpAddr::V4(ip) => class_v4(ip),
        IpAddr::V6(ip) => class_v6(ip),
    }
}

/// Metadata services outside 169.254.0.0/16, which is refused whole.
const METADATA_V4: &[Ipv4Addr] = &[
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(168, 63, 129, 16),
];

fn class_v4(ip: Ipv4Addr) -> Class {
    if METADATA_V4.contains(&ip) {
        return Class::Never;
    }
    match ip.octets() {
        // "This host": Linux connects 0.0.0.0 to loopback.
        [0, ..] => Class::Never,
        [127, ..] | [10, ..] | [192, 168, ..] => Class::Private,
        [172, second, ..] if (16..=31).contains(&second) => Class::Private,
        // Shared address space of carriers (RFC 6598), also of overlay networks.
        [100, second, ..] if (64..=127).contains(&second) => Class::Private,
        // Benchmarking (RFC 2544): local resolvers hand out names' stand-ins from it.
        [198, 18 | 19, ..] => Class::Private,
        [169, 254, ..] => Class::Never,
        // Protocol assignments, documentation, and the retired relays of 6to4.
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] => {
            Class::Never
        }
        // Multicast, reserved, broadcast.
        [first, ..] if first >= 224 => Class::Never,
        _ => Class::Public,
    }
}

/// Metadata services inside the unique local range.
const METADATA_V6: &[Ipv6Addr] = &[
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

fn class_v6(ip: Ipv6Addr) -> Class {
    if METADATA_V6.contains(&ip) {
        return Class::Never;
    }
    let segments = ip.segments();
    let own = match segments {
        [0, 0, 0, 0, 0, 0, 0, 1] => Class::Private,
        // Mapped, NAT64, 6to4: as good as the address inside.
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] | [0x2002, ..] => {
            Class::Public
        }
        // Teredo, benchmarking and ORCHID; documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Class::Never,
        [0xfc00..=0xfdff, ..] => Class::Private,
        [0x2000..=0x3fff, ..] => Class::Public,
        // Unspecified, v4-compatible, discard, local-use NAT64, link- and site-local, multicast,
        // and what nobody has been given.
        _ => Class::Never,
    };
    embedded(segments).map_or(own, |inside| own.max(class_v4(inside)))
}

/// The IPv4 address that an IPv6 address leads to, where its form has one.
fn embedded(segments: [u16; 8]) -> Option<Ipv4Addr> {
    let (high, low) = match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => (high, low),
        [0x2002, high, low, ..] => (high, low),
        // ISATAP (RFC 5214): the interface identifier.
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => (high, low),
        _ => return None,
    };
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Some(Ipv4Addr::new(a, b, c, d))
}
