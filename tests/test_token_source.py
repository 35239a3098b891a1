"""Tokens by the client-credentials grant, against an endpoint on loopback."""

import base64
import http.server
import json
import logging
import re
import threading
import time
import urllib.parse
from collections.abc import Iterator
from typing import ClassVar

import pytest
from confluent_kafka.admin import AdminClient

from kafkaops.cluster.properties import oauth

SECRET = "SeNtInEl-s3cr3t"


class Endpoint(http.server.BaseHTTPRequestHandler):
    requests: ClassVar[list[tuple[str, dict[str, list[str]]]]] = []
    answer: ClassVar[tuple[int, bytes]] = (200, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        login = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
        self.requests.append((login, urllib.parse.parse_qs(body)))
        status, content = self.answer
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST  # noqa: N815 the standard library's name

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[str]:
    Endpoint.requests.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/token"
        server.shutdown()
        thread.join()


def tokens(endpoint: str) -> oauth.TokenSource:
    credentials = oauth.ClientCredentials(endpoint, "me", SECRET, "kafka", {}, None)
    return oauth.TokenSource(credentials, 5)


def token_answer(**fields: object) -> tuple[int, bytes]:
    return 200, json.dumps({"access_token": "abc"} | fields).encode()


def test_a_token_is_asked_for_once_and_kept(endpoint: str) -> None:
    Endpoint.answer = token_answer(expires_in=3600)
    source = tokens(endpoint)

    assert [source.token(), source.token()] == ["abc", "abc"]
    assert Endpoint.requests == [(f"me:{SECRET}", {"grant_type": ["client_credentials"], "scope": ["kafka"]})]


@pytest.mark.parametrize("fields", [{}, {"expires_in": 0}, {"expires_in": {}}, {"expires_in": -1}])
def test_a_token_of_unknown_life_is_not_kept(endpoint: str, fields: dict[str, object]) -> None:
    Endpoint.answer = token_answer(**fields)
    source = tokens(endpoint)
    source.token()
    source.token()

    assert len(Endpoint.requests) == 2


def test_a_token_is_renewed_at_80_percent_of_its_life(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    Endpoint.answer = token_answer(expires_in=100)
    source = tokens(endpoint)
    asked = []
    for now[0] in (1000.0, 1079.0, 1081.0):
        source.token()
        asked.append(len(Endpoint.requests))

    assert asked == [1, 1, 2]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ((401, SECRET.encode()), "the token endpoint answered with HTTP status 401"),
        ((302, b""), "the token endpoint answered with HTTP status 302"),
        ((200, SECRET.encode()), "the token endpoint's answer is not JSON with a token"),
        ((200, b"[]"), "the token endpoint's answer is not JSON with a token"),
        ((200, b"\xff"), "the token endpoint's answer is not JSON with a token"),
        (token_answer(access_token="a\1b"), "the token endpoint's answer is not JSON with a token"),
        (token_answer(access_token=""), "the token endpoint's answer is not JSON with a token"),
    ],
)
def test_no_token_is_one_sentence(endpoint: str, answer: tuple[int, bytes], sentence: str) -> None:
    Endpoint.answer = answer

    with pytest.raises(oauth.TokenError, match=f"^{re.escape(sentence)}$"):
        tokens(endpoint).token()
    assert len(Endpoint.requests) == 1  # above all, no redirect was followed with the secret


def test_an_endpoint_that_nobody_serves_is_one_sentence() -> None:
    with pytest.raises(oauth.TokenError, match=r"^the token endpoint cannot be reached$"):
        tokens("http://127.0.0.1:1/token").token()


def test_librdkafka_asks_the_endpoint_for_the_same(endpoint: str) -> None:
    Endpoint.answer = (401, b"{}")
    credentials = oauth.ClientCredentials(endpoint, "me", SECRET, "kafka", {}, None)
    login = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "OAUTHBEARER"} | oauth.for_confluent(credentials)

    client = AdminClient({"bootstrap.servers": "127.0.0.1:1"} | login, logger=logging.getLogger("quiet"))
    deadline = time.monotonic() + 10
    while not Endpoint.requests and time.monotonic() < deadline:
        client.poll(0.05)

    assert Endpoint.requests[0] == (f"me:{SECRET}", {"grant_type": ["client_credentials"], "scope": ["kafka"]})
