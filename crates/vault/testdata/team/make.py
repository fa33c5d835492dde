#!/usr/bin/env python3
"""Makes `vectors.json`: a small team, written by a second implementation of the formats. Nothing here comes from
Withheld but the labels and the order of the fields. Needs `cryptography` 48 or later.

    python3 crates/vault/testdata/team/make.py
"""

import base64
import hashlib
import hmac
import json
import pathlib
import struct

from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

HERE = pathlib.Path(__file__).parent


# Encoding: integers, byte strings, text, arrays.

def head(major, number):
    if number < 24:
        return bytes([major << 5 | number])
    for size, form in ((1, ">B"), (2, ">H"), (4, ">I"), (8, ">Q")):
        if number < 1 << 8 * size:
            return bytes([major << 5 | 24 + size.bit_length() - 1]) + struct.pack(form, number)


def cbor(thing):
    if isinstance(thing, int):
        return head(0, thing)
    if isinstance(thing, bytes):
        return head(2, len(thing)) + thing
    if isinstance(thing, str):
        return head(3, len(thing.encode())) + thing.encode()
    return head(4, len(thing)) + b"".join(map(cbor, thing))


def label(name, content=b""):
    return b"withheld/v0/" + name.encode() + b"\0" + content


def digest(name, content):
    return hashlib.sha256(label(name, content)).digest()


def derive(key, name, context=b""):
    return HKDF(hashes.SHA256(), 32, None, label(name, context)).derive(key)


# XChaCha20-Poly1305: HChaCha20, then the cipher of RFC 8439.

def rotate(word, by):
    return (word << by | word >> 32 - by) & 0xFFFFFFFF


def hchacha20(key, nonce):
    s = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))
    quarters = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
    for _ in range(10):
        for a, b, c, d in quarters:
            for x, y, z, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                s[x] = s[x] + s[y] & 0xFFFFFFFF
                s[z] = rotate(s[z] ^ s[x], by)
    return struct.pack("<8I", *s[:4], *s[12:])


def seal(key, nonce, aad, plain):
    inner = ChaCha20Poly1305(hchacha20(key, nonce[:16]))
    return nonce + inner.encrypt(bytes(4) + nonce[16:], plain, aad)


# draft-irtf-cfrg-xchacha, section 2.2.1
assert hchacha20(bytes(range(32)), bytes.fromhex("000000090000004a0000000031415927")) == bytes.fromhex(
    "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc")


# A device, and the workspace that it founds.

def ed25519(seed):
    return Ed25519PrivateKey.from_private_bytes(seed)


def public(key):
    return key.public_key().public_bytes_raw()


SEED, OWNER = bytes(range(32)), bytes(range(32, 64))
ops, admin = ed25519(derive(SEED, "device/ed25519")), ed25519(OWNER)
expanded = hashlib.shake_256(derive(SEED, "device/x-wing")).digest(96)
ml, dh = MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), X25519PrivateKey.from_private_bytes(expanded[64:])
kem = public(ml) + public(dh)
device = [public(ops), public(admin), kem]
me = digest("device-id", cbor(device))[:16]
member, env, rid = b"M" * 16, b"E" * 16, b"R" * 16

links, prev = [], bytes(32)


def link(ws, op, name, key):
    global prev
    body = cbor([0, ws, len(links) + 1, prev, 1_795_000_000_000, me, op])
    prev = digest("wlink", body)
    signer = {"ops": 0, "admin": 1}[name]
    links.append(cbor([body, [[[signer, [me]], key.sign(label("sig/wlink", body))]]]))
    return prev


ws = link(bytes(32), [0, [1, member, device, b"S" * 16]], "admin", admin)
link(ws, [1, [env]], "admin", admin)


def epoch(n, root, previous):
    context = ws + env + struct.pack(">Q", n)
    keys = {name: derive(root, "epoch/" + name, context) for name in ("meta", "value", "compare", "prev-wrap")}
    wrapped = []
    if previous:
        aad = label("aad/slot-prev", cbor([0, ws, env, n, n - 1]))
        wrapped = [seal(keys["prev-wrap"], b"p" * 24, aad, previous)]
    link(ws, [9, [env, n, digest("recipients", cbor([[me, 2]])), derive(root, "epoch/commit-root", context),
                  derive(keys["meta"], "epoch/commit-meta", context), n - 1, *wrapped]], "ops", ops)
    return keys


FIRST, SECOND = b"\x01" * 32, b"\x02" * 32
epoch(1, FIRST, None)
keys = epoch(2, SECOND, FIRST)

# The envelope of the second key to the device itself.
suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
recipient = hpke.MLKEM768X25519PublicKey(ml.public_key(), dh.public_key())
sealed = suite.encrypt(SECOND, recipient, label("envelope", cbor([0, ws, env, 2, me, 2])))
body = cbor([0, ws, env, 2, me, 2, me, sealed[:1120], sealed[1120:]])
envelope = cbor([body, ops.sign(label("sig/envelope", body))])

# One version of one secret, under the second key.
VALUE = b"whCANARYsecondImplementation"
bindings = b'[{"host":"api.example.com","port":443,"place":"bearer"}]'
approval = admin.sign(label("sig/bindings", cbor([ws, "billing/dev", "STRIPE_KEY", 1, bindings])))
tag = hmac.digest(keys["compare"], label("value-tag", env + rid + VALUE), "sha256")[:16]
meta = cbor(["STRIPE_KEY", 2, tag, [bindings, 1, me, approval]])


def padded(plain, least):
    plain = struct.pack(">I", len(plain)) + plain
    exponent = len(plain).bit_length() - 1
    step = 1 << exponent - exponent.bit_length()
    return plain.ljust(max(least, -(-len(plain) // step) * step), b"\0")


header = [0, ws, env, rid, 1, bytes(32), me, 0]
dek_meta, dek_value = b"\x0a" * 32, b"\x0b" * 32
sealed_meta = seal(derive(dek_meta, "dek/key"), b"m" * 24, label("aad/meta", cbor(header)), padded(meta, 128))
sealed_value = seal(derive(dek_value, "dek/key"), b"v" * 24, label("aad/value", cbor(header)), padded(VALUE, 256))
body = cbor([header, [derive(dek_meta, "dek/commit"), derive(dek_value, "dek/commit"),
                      hashlib.sha256(sealed_meta).digest(), hashlib.sha256(sealed_value).digest()]])
record = cbor([body, ops.sign(label("sig/record", body))])
place = cbor([0, ws, env, rid, 1, 2])
slot = cbor([0, env, rid, 1, 2,
             seal(keys["meta"], b"a" * 24, label("aad/slot-meta", place), dek_meta),
             seal(keys["value"], b"b" * 24, label("aad/slot-value", place), dek_value)])

# An invitation to see at least the first two links.
SERVER, INVITED = "team.example.com:8443", b"I" * 16
raw = ws + struct.pack(">I", len(links)) + prev[:16] + INVITED
raw += digest("invite-check", SERVER.encode() + b"\0" + raw)[:4]
line = "wh0." + SERVER + "." + base64.urlsafe_b64encode(raw).decode()
invite_key = public(ed25519(derive(INVITED, "invite")))

state = derive(SEED, "device/state-mac")
vectors = {
    "ws": ws, "device": me, "ops": public(ops), "kem_sha256": hashlib.sha256(kem).digest(),
    "state_mac": hmac.digest(state, label("local-state", b"state"), "sha256"),
    "links": links, "envelope": envelope, "record": record, "meta": sealed_meta, "value": sealed_value, "slot": slot,
    "tag": tag, "line": line, "invite_key": invite_key, "invite_id": digest("invite-id", invite_key)[:16],
}


def written(thing):
    if isinstance(thing, list):
        return [written(one) for one in thing]
    if isinstance(thing, dict):
        return {name: written(one) for name, one in thing.items()}
    return thing.hex() if isinstance(thing, bytes) else thing


def write(name, thing):
    (HERE / name).write_text(json.dumps(written(thing), indent=1) + "\n")


if __name__ == "__main__":
    write("vectors.json", vectors)
