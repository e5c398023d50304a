"""The standalone scorer's own arithmetic: Ed25519 by the vectors of RFC 8032, and what it takes for canonical."""

import pytest

from app.audit.signing import SigningKey, is_signed
from recount import kos_recount

# RFC 8032, section 7.1, tests 1 to 3: public key, message, signature.
SIGNATURES = [
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
]
VECTORS = [
    ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "", SIGNATURES[0]),
    ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72", SIGNATURES[1]),
    ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82", SIGNATURES[2]),
]


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_signatures_of_the_standard_hold_and_no_others(public: str, message: str, signature: str):
    key, said, signed = map(bytes.fromhex, (public, message, signature))
    s = int.from_bytes(signed[32:], "little")
    # The same point by another number: refused, so that nobody can make a second signature of a first one.
    twin = signed[:32] + (s + kos_recount.ORDER).to_bytes(32, "little")

    for verify in (kos_recount.is_signed, is_signed):
        assert verify(key, signed, said)
        assert not verify(key, signed, said + b"x")
        assert not verify(key, twin, said)
        assert not verify(key, signed[:63], said)
        assert not verify(key, bytes(64), said)
        assert not verify(SigningKey(bytes(32)).public, signed, said)


@pytest.mark.parametrize("data", [b"\x02" + bytes(31), b"\xff" * 32, b"\x01" + bytes(30) + b"\x80"])
def test_bytes_that_are_no_point_are_no_key(data: bytes):
    assert kos_recount.point(data) is None


@pytest.mark.parametrize(
    "line",
    [
        b'{"a":null}\n',
        b'{"a":1.0}\n',
        b'{"a":1e3}\n',
        b'{"a":NaN}\n',
        b'{"a":9223372036854775808}\n',
        b'{"a":-9223372036854775809}\n',
        b'{"b":1,"a":1}\n',
        b'{"a":1,"a":1}\n',
        b'{"a": 1}\n',
        b'{"a":"\\u00e9"}\n',
        b'{"a":"\\/"}\n',
        b'{"a":"\\ud800"}\n',
        b'{"a":"\xff"}\n',
        b"[1]\n",
        b"\n",
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
    ],
)
def test_line_that_is_not_canonical_is_refused(line: bytes):
    with pytest.raises(kos_recount.Wrong) as raised:
        kos_recount.parsed(line, 7)

    assert (raised.value.found["code"], raised.value.found["line"]) == ("line_unreadable", 7)


def test_line_that_is_canonical_is_taken():
    line = '{"a":"null \\u0001\\n é 1234567890123456789.5","b":[-9223372036854775808,true,{}]}\n'

    assert kos_recount.parsed(line.encode(), 1)["b"] == [-(2**63), True, {}]


def test_amounts_are_shown_with_all_decimals_of_their_currency():
    scores = kos_recount.Scores()

    def shown(amount: int, exponent: int) -> object:
        scores.exponent = exponent
        return scores.shown(amount, kos_recount.NET)

    assert [shown(5, 2), shown(-1_234, 2), shown(7, 0), shown(1_234, 3)] == ["0.05", "-12.34", "7", "1.234"]
