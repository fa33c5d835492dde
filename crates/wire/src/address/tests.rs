//! H10, H11: every range by an address of each edge, written by hand from the registries
//! (IANA special-purpose address registries) and the rows.

use super::*;

fn is(class_of: Class, addresses: &[&str]) {
    for written in addresses {
        let ip: IpAddr = written.parse().expect(written);
        assert_eq!(class(ip), class_of, "{written}");
    }
}

#[test]
fn hosts_of_the_internet_are_public() {
    is(
        Class::Public,
        &[
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450:4001:81b::200e",
            "64:ff9b::1.1.1.1",
            "2002:101:101::1",
            "::ffff:1.1.1.1",
        ],
    );
}

#[test]
fn h10_this_machine_and_private_networks_in_every_form() {
    is(
        Class::Private,
        &[
            "127.0.0.1",
            "127.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.168.0.1",
            "100.64.0.0",
            "100.127.255.255",
            "198.18.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:7f00:1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2002:c0a8:101::1",
            "fc00::1",
            "fd12:3456:789a::1",
            "2a00:1450::5efe:10.0.0.1",
            "2a00:1450::200:5efe:10.0.0.1",
        ],
    );
}

#[test]
fn what_is_no_destination_is_never_dialled() {
    is(
        Class::Never,
        &[
            "0.0.0.0",
            "0.1.2.3",
            "169.254.0.1",
            "169.254.255.255",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
            "192.88.99.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::2",
            "::127.0.0.1",
            "::ffff:0.0.0.0",
            "64:ff9b::",
            "64:ff9b:1::7f00:1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "4000::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ],
    );
}

#[test]
fn h11_metadata_services_in_every_form() {
    is(
        Class::Never,
        &[
            "169.254.169.254",
            "169.254.170.2",
            "169.254.170.23",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
            "fd00:ec2::254",
            "fd20:ce::254",
            "::ffff:169.254.169.254",
            "::ffff:100.100.100.200",
            "64:ff9b::169.254.169.254",
            "64:ff9b::a83f:8110",
            "2002:a9fe:a9fe::1",
            "2002:6464:64c8::",
            "::169.254.169.254",
        ],
    );
    assert!(is_metadata_name("metadata.google.internal"));
    assert!(!is_metadata_name("metadata.google.internal.example.com"));
}

#[test]
fn private_reaches_private_and_never_metadata() {
    assert!(Reach::Public.covers(Class::Public) && Reach::Private.covers(Class::Public));
    assert!(!Reach::Public.covers(Class::Private) && Reach::Private.covers(Class::Private));
    assert!(!Reach::Public.covers(Class::Never) && !Reach::Private.covers(Class::Never));
}
