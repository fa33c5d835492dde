#!/usr/bin/env python3
"""Writes the vectors of the wash from real encoders, and sources.tsv, which says where each came from.

Run it in this folder. It needs coreutils, xxd, iconv, gzip, node and perl beside Python. The
spellings come from those programs, never from the table that builds the needles: a mistake made
twice would otherwise pass.

sources.tsv: file, canary, how many bytes at the front and at the back of the vector are not
determined by the value alone (they share bits with their neighbours, or are a byte order mark or
a line end), encoder, its version, the command.
"""

import html
import html.entities
import json
import os
import platform
import quopri
import base64
import subprocess
import urllib.parse
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent

PLAIN = "whCANARYq7ZpR4vN1xW8dTjH2mLs0FyBu5Gk9cEo3Xa6IrPt"
NASTY = "whCANARY\"q\\8/Zp'&R<k>%4v+=N;,é~ xW7dTjH2mLs0F %41&lt;\\n9"
CANARIES = {"plain": PLAIN, "nasty": NASTY, "basic": "user:" + PLAIN, "short": "q7Zp\"R4vN1"}

rows = []


def run(argv, data):
    return subprocess.run(argv, input=data, stdout=subprocess.PIPE, check=True).stdout


def version(argv):
    out = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False).stdout
    return out.decode(errors="replace").strip().splitlines()[0].strip()


PYTHON = ("python", platform.python_version())
NODE = ("node", version(["node", "--version"]))
PERL = ("perl", version(["perl", "-e", "print $^V"]))
BASE64 = ("coreutils base64", version(["base64", "--version"]).split()[-1])
BASE32 = ("coreutils base32", version(["base32", "--version"]).split()[-1])
OD = ("coreutils od", version(["od", "--version"]).split()[-1])
TR = ("coreutils tr", version(["tr", "--version"]).split()[-1])
XXD = ("xxd", version(["xxd", "--version"]))
ICONV = ("iconv", version(["iconv", "--version"]).split()[-1])
GZIP = ("gzip", version(["gzip", "--version"]).split()[-1])


def put(canary, name, data, encoder, command, front=0, back=0):
    file = f"{canary}-{name}.bin"
    (HERE / file).write_bytes(data)
    rows.append((file, canary, str(front), str(back), *encoder, command))


def perl(script, data):
    return run(["perl", "-CS", "-0777", "-ne", script], data)


def node(expression, text):
    return run(["node", "-e", f"process.stdout.write({expression})", text], b"")


def base64_edges(before, length, encoded):
    """Characters that hold bits of the neighbours: whole characters of 6 bits."""
    front = -(-before * 8 // 6)
    inside = (before + length) * 8 // 6
    return front, len(encoded) - inside


def spellings(canary, text):
    raw = text.encode()
    length = len(raw)

    put(canary, "raw", raw, PYTHON, "str.encode()")
    put(canary, "lower", run(["tr", "A-Z", "a-z"], raw), TR, "tr A-Z a-z")
    put(canary, "upper", run(["tr", "a-z", "A-Z"], raw), TR, "tr a-z A-Z")

    put(canary, "base64", run(["base64", "-w0"], raw), BASE64, "base64 -w0")
    put(canary, "base64-unpadded", run(["base64", "-w0"], raw).rstrip(b"="), BASE64, "base64 -w0 | tr -d =")
    put(canary, "base64-lines", run(["base64"], raw).rstrip(b"\n"), BASE64, "base64")
    put(canary, "base64-lines-20", run(["base64", "-w20"], raw).rstrip(b"\n"), BASE64, "base64 -w20")
    put(canary, "base64-crlf-20", run(["base64", "-w20"], raw).rstrip(b"\n").replace(b"\n", b"\r\n"), BASE64, "base64 -w20 | unix2dos")
    put(canary, "base64url", base64.urlsafe_b64encode(raw), PYTHON, "base64.urlsafe_b64encode")
    for before in (1, 2):
        data = b"?" * before + raw + b"\x7f?>?"
        std = base64.b64encode(data)
        url = base64.urlsafe_b64encode(data)
        front, back = base64_edges(before, length, std)
        put(canary, f"base64-shift{before}", std, PYTHON, f"base64.b64encode, {before} bytes before", front, back)
        put(canary, f"base64url-shift{before}", url, PYTHON, f"base64.urlsafe_b64encode, {before} bytes before", front, back)
    put(canary, "base32", run(["base32", "-w0"], raw), BASE32, "base32 -w0")
    put(canary, "base32-lines", run(["base32", "-w24"], raw).rstrip(b"\n"), BASE32, "base32 -w24")

    put(canary, "hex", run(["xxd", "-p", "-c256"], raw).rstrip(b"\n"), XXD, "xxd -p -c256")
    put(canary, "hex-upper", run(["xxd", "-u", "-p", "-c256"], raw).rstrip(b"\n"), XXD, "xxd -u -p -c256")
    put(canary, "hex-lines", run(["xxd", "-p", "-c30"], raw).rstrip(b"\n"), XXD, "xxd -p -c30")
    od = run(["od", "-An", "-v", "-tx1"], raw).replace(b" ", b"").replace(b"\n", b"")
    put(canary, "hex-od", od, OD, "od -An -v -tx1 | tr -d ' \\n'")

    put(canary, "percent", urllib.parse.quote(text, safe="").encode(), PYTHON, "urllib.parse.quote(safe='')")
    put(canary, "percent-path", urllib.parse.quote(text).encode(), PYTHON, "urllib.parse.quote")
    put(canary, "percent-plus", urllib.parse.quote_plus(text).encode(), PYTHON, "urllib.parse.quote_plus")
    twice = urllib.parse.quote(urllib.parse.quote(text, safe=""), safe="")
    put(canary, "percent-twice", twice.encode(), PYTHON, "urllib.parse.quote, twice")
    put(canary, "percent-component", node("encodeURIComponent(process.argv[1])", text), NODE, "encodeURIComponent")
    put(canary, "percent-escape", node("escape(process.argv[1])", text), NODE, "escape")
    full = 'utf8::encode($_); print map { sprintf "%s", $_ } map { sprintf "%%%02X", ord } split //'
    put(canary, "percent-full", perl(full, raw), PERL, "sprintf '%%%02X' of every byte")
    put(canary, "percent-full-lower", perl(full.replace("02X", "02x"), raw), PERL, "sprintf '%%%02x' of every byte")
    put(canary, "percent-full-twice", perl(full.replace('"%%%02X"', '"%%25%02X"'), raw), PERL, "sprintf '%%25%02X' of every byte")

    put(canary, "json", json.dumps(text).encode()[1:-1], PYTHON, "json.dumps, without its quotes")
    put(canary, "json-utf8", node("JSON.stringify(process.argv[1])", text)[1:-1], NODE, "JSON.stringify, without its quotes")
    put(canary, "json-twice", json.dumps(json.dumps(text)[1:-1]).encode()[1:-1], PYTHON, "json.dumps, twice")
    put(canary, "json-slash", json.dumps(text).replace("/", "\\/").encode()[1:-1], PYTHON, "json.dumps, / as \\/ (PHP's way)")
    each = 'print map { sprintf "\\\\u%04x", ord } split //'
    put(canary, "json-full", perl(each, raw), PERL, "sprintf '\\u%04x' of every character")
    put(canary, "json-full-upper", perl(each.replace("04x", "04X"), raw), PERL, "sprintf '\\u%04X' of every character")

    bare = 'print map { sprintf "&#%d", ord } split //'
    put(canary, "html-dec-bare", perl(bare, raw), PERL, "sprintf '&#%d' of every character")
    put(canary, "html-hex-bare", perl(bare.replace("%d", "x%x"), raw), PERL, "sprintf '&#x%x' of every character")
    put(canary, "html", html.escape(text).encode(), PYTHON, "html.escape")
    named = "".join(f"&{html.entities.codepoint2name[ord(c)]};" if ord(c) in html.entities.codepoint2name else c for c in text)
    put(canary, "html-named", named.encode(), PYTHON, "html.entities.codepoint2name")
    put(canary, "html-charref", html.escape(text).encode("ascii", "xmlcharrefreplace"), PYTHON, "html.escape, encode('ascii', 'xmlcharrefreplace')")
    put(canary, "html-dec", perl('print map { sprintf "&#%d;", ord } split //', raw), PERL, "sprintf '&#%d;' of every character")
    put(canary, "html-hex", perl('print map { sprintf "&#x%x;", ord } split //', raw), PERL, "sprintf '&#x%x;' of every character")
    put(canary, "html-hex-upper", perl('print map { sprintf "&#x%04X;", ord } split //', raw), PERL, "sprintf '&#x%04X;' of every character")

    put(canary, "quoted-printable", quopri.encodestring(raw), PYTHON, "quopri.encodestring")
    qp = run(["perl", "-MMIME::QuotedPrint", "-0777", "-ne", 'print encode_qp("long enough a line to break the value in two: $_", "\\r\\n")'], raw)
    lead = b"long enough a line to break the value in two: "
    assert qp.startswith(lead)
    put(canary, "quoted-printable-soft", qp[len(lead):].removesuffix(b"=\r\n"), PERL, "MIME::QuotedPrint::encode_qp in a long line, its start cut off")

    put(canary, "utf-16le", run(["iconv", "-f", "UTF-8", "-t", "UTF-16LE"], raw), ICONV, "iconv -t UTF-16LE")
    put(canary, "utf-16be", run(["iconv", "-f", "UTF-8", "-t", "UTF-16BE"], raw), ICONV, "iconv -t UTF-16BE")
    put(canary, "latin1", run(["iconv", "-f", "UTF-8", "-t", "ISO-8859-1"], raw), ICONV, "iconv -t ISO-8859-1")


def spaced():
    """A form writes a space as a plus, and whoever reads a plus in one takes it for a space."""
    words = "correct horse battery staple"
    (HERE / "spaced.value").write_bytes(words.encode())
    put("spaced", "percent-plus", urllib.parse.quote_plus(words).encode(), PYTHON, "urllib.parse.quote_plus")
    plus = words.replace(" ", "+")
    (HERE / "plus.value").write_bytes(plus.encode())
    put("plus", "unquoted", urllib.parse.unquote_plus(plus).encode(), PYTHON, "urllib.parse.unquote_plus")


def squeezed():
    """Bodies that come encoded: the plain canary in a sentence."""
    body = f'{{"you sent": "Bearer {PLAIN}", "and": "{PLAIN}"}}\n'.encode()
    (HERE / "body.txt").write_bytes(body)
    os.utime(HERE / "body.txt", (1, 1))  # gzip writes the time into the head
    rows.append(("body.txt", "body", "0", "0", *PYTHON, "str.encode()"))
    gz = run(["gzip", "-9nc"], body)
    raw = zlib.compressobj(9, zlib.DEFLATED, -15)
    put("body", "gzip", gz, GZIP, "gzip -9nc")
    put("body", "gzip-two-members", run(["gzip", "-9nc"], body[:20]) + run(["gzip", "-1nc"], body[20:]), GZIP, "two runs of gzip, one after the other")
    put("body", "gzip-named", subprocess.run(["gzip", "-9c", "body.txt"], cwd=HERE, stdout=subprocess.PIPE, check=True).stdout, GZIP, "gzip -9c body.txt (the head holds a name)")
    put("body", "zlib", zlib.compress(body, 9), PYTHON, "zlib.compress")
    put("body", "deflate", raw.compress(body) + raw.flush(), PYTHON, "zlib.compressobj(wbits=-15)")
    put("body", "gzip-of-zlib", run(["gzip", "-9nc"], zlib.compress(body)), GZIP, "zlib.compress, then gzip -9nc")
    put("body", "bomb", run(["gzip", "-9nc"], bytes(16 << 20)), GZIP, "16 MiB of zeros, gzip -9nc")


for canary, text in CANARIES.items():
    (HERE / f"{canary}.value").write_bytes(text.encode())
    spellings(canary, text)
spaced()
squeezed()
head = "file\tcanary\tfront\tback\tencoder\tversion\tcommand\n"
(HERE / "sources.tsv").write_text(head + "".join("\t".join(row) + "\n" for row in rows))
