#!/usr/bin/env python3
"""Makes `attacks.json`: what a member who has the keys could seal and no honest one does, on top of the team of
`vectors.json`. The numbers are the design's. Needs what `make.py` needs.

    python3 crates/vault/testdata/team/attacks.py
"""

from make import *

OTHER = bytes(range(32, 64))
before = prev


def envelope_of(root, number, named=None):
    """A key, sealed as that of an epoch, and said to be that of another."""
    info = label("envelope", cbor([0, ws, env, number, me, 2]))
    sealed = suite.encrypt(root, recipient, info)
    body = cbor([0, ws, env, named or number, me, 2, me, sealed[:1120], sealed[1120:]])
    return cbor([body, ops.sign(label("sig/envelope", body))])


def third_epoch(wrapped):
    """The link of a third epoch with this as the key of the second, and the envelope of its own key."""
    context, root = ws + env + struct.pack(">Q", 3), b"\x03" * 32
    commitments = [derive(root, "epoch/commit-root", context),
                   derive(derive(root, "epoch/meta", context), "epoch/commit-meta", context)]
    op = [9, [env, 3, digest("recipients", cbor([[me, 2]])), *commitments, 2, wrapped(root, context)]]
    body = cbor([0, ws, len(links) + 1, before, 1_795_000_000_000, me, op])
    link = cbor([body, [[[0, [me]], ops.sign(label("sig/wlink", body))]]])
    return {"link": link, "envelope": envelope_of(root, 3)}


def wrap_of(second):
    def wrapped(root, context):
        aad = label("aad/slot-prev", cbor([0, ws, env, 3, 2]))
        return seal(derive(root, "epoch/prev-wrap", context), b"p" * 24, aad, second)
    return wrapped


def slot_of(meta_key, value_key, labels=("slot-meta", "slot-value"), whose=rid):
    at = cbor([0, ws, env, whose, 1, 2])
    return cbor([0, env, rid, 1, 2, seal(keys["meta"], b"a" * 24, label("aad/" + labels[0], at), meta_key),
                 seal(keys["value"], b"b" * 24, label("aad/" + labels[1], at), value_key)])


def committed_to(meta_key, value_key):
    """The record with these keys committed to; its parts are sealed with the honest ones."""
    body = cbor([header, [derive(meta_key, "dek/commit"), derive(value_key, "dek/commit"),
                          hashlib.sha256(sealed_meta).digest(), hashlib.sha256(sealed_value).digest()]])
    return cbor([body, ops.sign(label("sig/record", body))])


def envelope_case(number, name, shown, refused):
    return {"id": number, "name": name, "envelope": shown, "refused": refused}


def record_case(number, name, refused, shown=record, of=slot):
    return {"id": number, "name": name, "record": shown, "slot": of, "refused": refused}


write("attacks.json", {
    "envelopes": [
        envelope_case("40", "an insider seals another key", envelope_of(OTHER, 2),
                      "a key that is not the one of its epoch"),
        envelope_case("40b", "the key of the epoch before", envelope_of(FIRST, 2),
                      "a key that is not the one of its epoch"),
        envelope_case("41", "an old envelope", envelope_of(FIRST, 1), "an envelope with the key of this environment"),
        envelope_case("41b", "an old envelope, said to be new", envelope_of(FIRST, 1, named=2),
                      "an envelope that does not open"),
        envelope_case("42", "no envelope", None, "an envelope with the key of this environment"),
    ],
    "records": [
        record_case("43", "a slot with another secret's keys", ["slot", "slot"],
                    of=slot_of(b"\x0c" * 32, b"\x0d" * 32, whose=b"Q" * 16)),
        record_case("44", "a slot with its keys exchanged", ["slot", "slot"],
                    of=slot_of(dek_value, dek_meta, labels=("slot-value", "slot-meta"))),
        record_case("44b", "the keys exchanged, each wrapped as the other", ["commitment", "commitment"],
                    of=slot_of(dek_value, dek_meta)),
        record_case("45", "a second key, which opens", ["commitment", "commitment"],
                    shown=committed_to(OTHER, OTHER)),
        record_case("45b", "a second key for the value alone", [None, "commitment"],
                    shown=committed_to(dek_meta, OTHER)),
        record_case("45c", "the committed key, which does not open", ["part", "part"],
                    shown=committed_to(OTHER, OTHER), of=slot_of(OTHER, OTHER)),
    ],
    "epochs": [
        {"id": "89", "name": "a wrong key of the epoch before", **third_epoch(wrap_of(OTHER)),
         "refused": "a key that is not the one of its epoch"},
        {"id": "89b", "name": "no key of the epoch before", **third_epoch(lambda *_: b"\x07" * 72),
         "refused": "a wrapped key of an earlier epoch"},
        {"id": "89c", "name": "the twin: the right one", **third_epoch(wrap_of(SECOND)), "refused": None},
    ],
})
