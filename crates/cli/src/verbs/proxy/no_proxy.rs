//! Which hosts a program reaches without the broker: this machine, and what the user's own setting
//! names; never a host that a key is bound to, for there the program would send a placeholder.

use withheld_core::destination::{Host, HostPattern};

/// Names of this machine.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The value for the variable.
pub(super) fn of(own: &str, reached: &[&HostPattern]) -> String {
    let own = own
        .split([',', ' '])
        .map(str::trim)
        .filter(|entry| !entry.is_empty());
    let mut kept: Vec<&str> = Vec::new();
    for entry in LOOPBACK.into_iter().chain(own) {
        if !kept.contains(&entry) && !reached.iter().any(|host| covers(entry, host)) {
            kept.push(entry);
        }
    }
    kept.join(",")
}

/// Whether programs would take the entry for the host, by any of the readings that are in use: `*`,
/// a name with and without its subdomains, with a port, a network that holds an address.
fn covers(entry: &str, reached: &HostPattern) -> bool {
    if entry == "*" {
        return true;
    }
    let written = reached.to_string();
    let host = written.trim_start_matches(['*', '.']);
    if let Ok(address) = host.parse::<std::net::IpAddr>()
        && entry.contains('/')
    {
        return network_holds(entry, address);
    }
    let name = without_port(entry).trim_start_matches(['*', '.']);
    let Ok(name) = Host::parse(name) else {
        return false;
    };
    let name = name.as_str();
    let is_at_or_below = |host: &str, name: &str| {
        host == name
            || host
                .strip_suffix(name)
                .is_some_and(|rest| rest.ends_with('.'))
    };
    // A wildcard of ours also covers what lies below it.
    is_at_or_below(host, name) || (!reached.is_exact() && is_at_or_below(name, host))
}

fn without_port(entry: &str) -> &str {
    match entry.rsplit_once(':') {
        Some((host, port))
            if !host.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            host
        }
        _ => entry,
    }
}

/// Whether a network in CIDR form holds the address; one that cannot be read is taken to.
fn network_holds(entry: &str, address: std::net::IpAddr) -> bool {
    use std::net::IpAddr;
    let read = entry.split_once('/').and_then(|(network, bits)| {
        Some((network.parse::<IpAddr>().ok()?, bits.parse::<u32>().ok()?))
    });
    match (read, address) {
        (Some((IpAddr::V4(network), bits)), IpAddr::V4(address)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            u32::from(network) & mask == u32::from(address) & mask
        }
        (Some((IpAddr::V6(network), bits)), IpAddr::V6(address)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            u128::from(network) & mask == u128::from(address) & mask
        }
        (Some((IpAddr::V4(_), _)), IpAddr::V6(_)) | (Some((IpAddr::V6(_), _)), IpAddr::V4(_)) => {
            false
        }
        _ => true,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn entries_that_cover_a_reached_host_go() {
        for (own, reached, left) in [
            ("", &[][..], "localhost,127.0.0.1,::1"),
            (
                "corp.test, db.test",
                &["api.test"],
                "localhost,127.0.0.1,::1,corp.test,db.test",
            ),
            ("*", &["api.test"], "localhost,127.0.0.1,::1"),
            ("test", &["api.test"], "localhost,127.0.0.1,::1"),
            (".test", &["api.test"], "localhost,127.0.0.1,::1"),
            ("*.test", &["api.test"], "localhost,127.0.0.1,::1"),
            ("api.test:443", &["api.test"], "localhost,127.0.0.1,::1"),
            ("pi.test", &["api.test"], "localhost,127.0.0.1,::1,pi.test"),
            (
                "a.example.com",
                &["*.example.com"],
                "localhost,127.0.0.1,::1",
            ),
            ("localhost", &["localhost"], "127.0.0.1,::1"),
            ("10.0.0.0/8", &["10.1.2.3", "127.0.0.1"], "localhost,::1"),
            (
                "10.0.0.0/8",
                &["192.0.2.1"],
                "localhost,127.0.0.1,::1,10.0.0.0/8",
            ),
            ("0.0.0.0/0", &["192.0.2.1"], "localhost,127.0.0.1,::1"),
        ] {
            let reached: Vec<HostPattern> = reached
                .iter()
                .map(|host| HostPattern::parse(host).unwrap())
                .collect();
            let reached: Vec<&HostPattern> = reached.iter().collect();
            assert_eq!(of(own, &reached), left, "{own} {reached:?}");
        }
    }
}
