use super::*;

#[test]
fn p14_what_may_serve_again() {
    for (fields, version, kept) in [
        (&[][..], Version::HTTP_11, true),
        (&[], Version::HTTP_10, false),
        (&[("connection", "keep-alive")], Version::HTTP_10, false),
        (&[("connection", "keep-alive")], Version::HTTP_11, true),
        (&[("connection", "x, Close")], Version::HTTP_11, false),
        (&[("connection", "closed")], Version::HTTP_11, true),
        (
            &[("www-authenticate", "Basic realm=\"ntlm\"")],
            Version::HTTP_11,
            true,
        ),
        (&[("www-authenticate", "NTLM")], Version::HTTP_11, false),
        (
            &[("www-authenticate", "Basic realm=x, Negotiate abc=")],
            Version::HTTP_11,
            false,
        ),
        (
            &[
                ("www-authenticate", "Basic"),
                ("www-authenticate", "nTlM TlRM"),
            ],
            Version::HTTP_11,
            false,
        ),
    ] {
        let mut response = Response::new(());
        *response.version_mut() = version;
        for (name, value) in fields {
            response
                .headers_mut()
                .append(*name, HeaderValue::from_static(value));
        }
        assert_eq!(may_be_kept(&response), kept, "{fields:?} {version:?}");
    }
}
