"""What clients may send and what they are told, word for word."""

import orjson
import pytest

from app.errors import AppError, Forbidden, Unavailable
from app.realtime import messages
from app.realtime.messages import Body, CloseCode, Ping, Subscribe, Unsubscribe
from tests.realtime.doubles import text_of


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type":"subscribe","channel":"kos101/boards/teams"}', Subscribe("kos101/boards/teams")),
        (
            '{"type":"subscribe","id":1,"channel":"kos101/orders","position":1290,"epoch":"9f3a61c0"}',
            Subscribe("kos101/orders", 1, 1290, "9f3a61c0"),
        ),
        ('{"type":"unsubscribe","id":"two","channel":"kos101"}', Unsubscribe("kos101", "two")),
        ('{"type":"ping","newer":[1,{"a":null}]}', Ping()),
    ],
)
def test_message_is_understood(text, message):
    assert messages.decode(text) == message


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "message_not_json"),
        ("subscribe", "message_not_json"),
        ('{"type":"ping"', "message_not_json"),
        ('{"type":"ping","id":"\\ud800"}', "message_not_json"),
        ('{"type":"ping","deep":' + "[" * 2000 + "]" * 2000 + "}", "message_not_json"),
        ("[]", "message_invalid"),
        ("null", "message_invalid"),
        ("{}", "message_type_unknown"),
        ('{"type":"publish"}', "message_type_unknown"),
        ('{"type":7}', "message_type_unknown"),
        ('{"type":"subscribe"}', "message_invalid"),
        ('{"type":"subscribe","channel":""}', "message_invalid"),
        ('{"type":"subscribe","channel":"a\\u0000b"}', "message_invalid"),
        ('{"type":"subscribe","channel":"a\\n"}', "message_invalid"),
        ('{"type":"subscribe","channel":"' + "a" * 251 + '"}', "message_invalid"),
        ('{"type":"subscribe","channel":"a","position":-1}', "message_invalid"),
        ('{"type":"subscribe","channel":"a","position":1.5}', "message_invalid"),
        ('{"type":"subscribe","channel":"a","position":1e400}', "message_invalid"),
        ('{"type":"subscribe","channel":"a","position":9007199254740992}', "message_invalid"),
        ('{"type":"subscribe","channel":"a","id":1.5}', "message_invalid"),
        ('{"type":"ping","id":"' + "x" * 65 + '"}', "message_invalid"),
    ],
)
def test_message_that_cannot_be_taken_is_refused_with_its_code(text, code):
    with pytest.raises(AppError) as caught:
        messages.decode(text)

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ('{"type":"publish","id":7}', 7),
        ('{"id":"seven"}', "seven"),
        ('{"id":[7]}', None),
        ('{"id":1.5}', None),
        ("[]", None),
        ("{", None),
    ],
)
def test_id_is_found_in_a_message_that_was_refused(text, identity):
    assert messages.id_of(text) == identity


def test_answers_and_publications_on_the_wire():
    snapshot = messages.encoded({"rows": []})
    delta = messages.encoded({"rows": [], "gone": []})

    assert text_of(messages.subscribed(1, "e/orders", Body("9f3a61c0", 13, snapshot))) == (
        '{"type":"subscribed","id":1,"channel":"e/orders","epoch":"9f3a61c0","position":13,"snapshot":{"rows":[]}}'
    )
    assert text_of(messages.subscribed(None, "e/orders", Body("9f3a61c0", 13, snapshot, reset=True))) == (
        '{"type":"subscribed","channel":"e/orders","epoch":"9f3a61c0","position":13,'
        '"reset":true,"snapshot":{"rows":[]}}'
    )
    assert text_of(messages.publication("e/orders", Body("9f3a61c0", 14, delta, previous=13))) == (
        '{"type":"publication","channel":"e/orders","previous":13,"position":14,"delta":{"rows":[],"gone":[]}}'
    )
    assert text_of(messages.publication("e/orders", Body("9f3a61c0", 14, snapshot))) == (
        '{"type":"publication","channel":"e/orders","epoch":"9f3a61c0","position":14,"snapshot":{"rows":[]}}'
    )
    assert text_of(messages.unsubscribed(2, "e")) == '{"type":"unsubscribed","id":2,"channel":"e"}'
    assert text_of(messages.pong(0)) == '{"type":"pong","id":0}'


def test_error_says_whether_trying_again_may_help():
    lasting = messages.failure(Forbidden("channel_forbidden", "No."), 1)
    passing = messages.failure(Unavailable("channel_unavailable", "Later."), None)

    assert orjson.loads(text_of(lasting)) == {
        "type": "error",
        "id": 1,
        "code": "channel_forbidden",
        "message": "No.",
    }
    assert orjson.loads(text_of(passing)) == {
        "type": "error",
        "code": "channel_unavailable",
        "message": "Later.",
        "retryable": True,
    }


def test_close_codes_tell_whether_to_come_back():
    come_back = {code.name for code in CloseCode if 4000 <= code < 4500}
    do_not = {code.name for code in CloseCode if 4500 <= code < 5000}

    assert come_back == {"UNAVAILABLE", "TOO_MANY_MESSAGES"}
    assert do_not == {"UNAUTHORIZED", "TOKEN_ENDED"}
