#!/usr/bin/env python3
"""Makes the vectors beside this file with the encoders of Python and coreutils. `clean-*` hold no canary.

    python3 crates/testkit/testdata/oracle/make.py
"""

import base64
import binascii
import gzip
import html
import json
import pathlib
import quopri
import subprocess
import urllib.parse
import zlib

HERE = pathlib.Path(__file__).parent
PLAIN = b"whCANARYq7ZpX2vT9mKc4LwB8sDf1GhJ6nRt3YyUeAo5QiWx"
NASTY = "whCANARYab3Dz9Q+/\"\\'Kp2mX7v&<>%e8LsT4u ;=,é9cVbN6mQwE2rT5yU".encode()
BASIC = b"user:" + PLAIN
PROSE = b"The quick brown fox returns 42 of 100 items, see https://api.test/v1/x?page=2&k=a%20b+c \\u00e9 &amp; =3D \n"


def coreutils(program, *arguments, data):
    return subprocess.run([program, *arguments], input=data, capture_output=True, check=True).stdout


def entities(text, form):
    return "".join(form % ord(c) for c in text).encode()


def chunked(data, size):
    parts = [data[i : i + size] for i in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def raw_deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
nasty = NASTY.decode()
full_percent = lambda data, form: b"".join(form % byte for byte in data)
vectors = {
    "raw": b"x=" + PLAIN + b";",
    "raw-nasty": NASTY,
    "folded-lower": PLAIN.lower(),
    "folded-upper": PLAIN.upper(),
    "cut-15-characters": b"error near " + PLAIN[20:35] + b" ...",
    "base64-align0": base64.b64encode(PLAIN),
    "base64-align1": b"prefix " + base64.b64encode(b"a" + PLAIN + b"zz"),
    "base64-align2": b"k:" + base64.b64encode(b"ab" + PLAIN),
    "base64-unpadded": base64.b64encode(PLAIN + b"1").rstrip(b"="),
    "base64-basic": b"Authorization: Basic " + base64.b64encode(BASIC),
    "base64-nasty": base64.b64encode(NASTY),
    "base64-beside-digits": b"abc" + base64.b64encode(PLAIN),
    "base64-cut": b"..." + base64.b64encode(PLAIN)[16:36] + b"...",
    "base64url": base64.urlsafe_b64encode(b"?>" + NASTY).rstrip(b"="),
    "base64-mime-76": coreutils("base64", "-w", "76", data=b"from: a long line before it, so that it wraps " + PLAIN),
    "base64-mime-crlf": base64.encodebytes(b"x" * 40 + PLAIN).replace(b"\n", b"\r\n"),
    "base64-in-json-lines": json.dumps({"k": base64.encodebytes(b"x" * 40 + PLAIN).decode()}).encode(),
    "hex-lower": binascii.hexlify(PLAIN),
    "hex-upper": coreutils("basenc", "--base16", "-w", "0", data=PLAIN),
    "hex-od-spaced": coreutils("od", "-An", "-v", "-tx1", data=PLAIN),
    "hex-cut": binascii.hexlify(PLAIN)[40:57],
    "base32": coreutils("base32", "-w", "0", data=PLAIN),
    "base32-wrapped": coreutils("base32", "-w", "20", data=b"abc" + PLAIN),
    "base32-lower": base64.b32encode(b"a" + PLAIN).lower(),
    "percent-minimal": urllib.parse.quote(NASTY).encode(),
    "percent-plus": urllib.parse.quote_plus(NASTY).encode(),
    "percent-full": full_percent(PLAIN, b"%%%02X"),
    "percent-full-lower": full_percent(NASTY, b"%%%02x"),
    "percent-mixed": b"".join(b"%%%02X" % c if i % 3 else bytes([c]) for i, c in enumerate(PLAIN)),
    "percent-double": urllib.parse.quote(urllib.parse.quote(NASTY)).encode(),
    "json": json.dumps({"k": nasty}).encode(),
    "json-slashes": json.dumps(nasty, ensure_ascii=False).replace("/", "\\/").encode(),
    "json-u-all": "".join("\\u%04x" % ord(c) for c in nasty).encode(),
    "json-u-upper": "".join("\\u%04X" % ord(c) for c in PLAIN.decode()).encode(),
    "json-twice": json.dumps(json.dumps({"k": nasty})).encode(),
    "javascript-x": full_percent(PLAIN, b"\\x%02x"),
    "html-named": html.escape(nasty).encode(),
    "html-decimal": entities(nasty, "&#%d;"),
    "html-hex": entities(nasty, "&#x%X;"),
    "html-mixed": b"".join(b"&#%d;" % c if i % 2 else bytes([c]) for i, c in enumerate(PLAIN)),
    "quoted-printable": quopri.encodestring(b"see " * 15 + NASTY, quotetabs=True),
    "quoted-printable-full": full_percent(PLAIN, b"=%02X"),
    "utf-16le": nasty.encode("utf-16-le"),
    "utf-16be-after-a-byte": b"x" + nasty.encode("utf-16-be"),
    "gzip": gzip.compress(PROSE * 20 + PLAIN + PROSE, mtime=0),
    "gzip-second-member": gzip.compress(PROSE, mtime=0) + gzip.compress(PLAIN, mtime=0),
    "gzip-torn": gzip.compress(PROSE + PLAIN * 3 + PROSE * 40, mtime=0)[:-30],
    "gzip-after-a-head": b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n" + gzip.compress(PLAIN, mtime=0),
    "zlib": b"junk" + zlib.compress(PROSE * 5 + PLAIN),
    "deflate": raw_deflate(PROSE * 5 + PLAIN),
    "chunked-1": HEAD + chunked(b"so: " + PLAIN, 1),
    "chunked-7": HEAD + chunked(PLAIN, 7),
    "chunked-gzip": HEAD + chunked(gzip.compress(PLAIN, mtime=0), 11),
    "stack-gzip-gzip": gzip.compress(gzip.compress(PLAIN, mtime=0), mtime=0),
    "stack-base64-base64": base64.b64encode(base64.b64encode(PLAIN)),
    "stack-percent-base64": urllib.parse.quote(base64.b64encode(NASTY)).encode(),
    "stack-json-html-percent": json.dumps({"a": html.escape(urllib.parse.quote(NASTY, safe="") + "&")}).encode(),
    "stack-chunked-gzip-json-base64": HEAD
    + chunked(gzip.compress(json.dumps({"k": base64.b64encode(NASTY).decode()}).encode(), mtime=0), 5),
    "clean-prose": PROSE * 40,
    "clean-public-prefix": b"the key begins with whCANARY and whCANARYwithheldStripeKey0123456789abcdefghijklmnop",
    "clean-14-characters": b"error near " + PLAIN[20:34] + b" ...",
    "clean-prefix-and-7": b"x" + PLAIN[:15] + b"x",
    "clean-reversed": PLAIN[::-1],
    "clean-gzip": gzip.compress(PROSE * 50, mtime=0),
    "clean-base64": base64.b64encode(PROSE * 20),
    "clean-chunked": HEAD + chunked(PROSE * 9, 13),
    "clean-bytes": bytes(range(256)) * 64,
}

for old in HERE.glob("*.bin"):
    old.unlink()
for name, data in vectors.items():
    (HERE / f"{name}.bin").write_bytes(data)
