"""OAUTHBEARER by the client-credentials grant (KIP-768, RFC 6749 section 4.4), the same for both clients."""

import base64
import json
import re
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

_ANSWER_LIMIT = 1024 * 1024
_FRESH = 0.8  # of a token's life
_SECONDS = re.compile(r"[0-9]{1,9}")
_TOKEN = re.compile(r"[!-~]+")


class TokenError(Exception):
    """The token endpoint gave no token; the sentence holds nothing of what it answered."""


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    endpoint: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None
    extensions: Mapping[str, str]
    authorities: str | None  # PEM, for the endpoint's certificate; None = those that the system trusts


def for_confluent(credentials: ClientCredentials) -> dict[str, str | int | bool]:
    found: dict[str, str | int | bool] = {
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.token.endpoint.url": credentials.endpoint,
        "sasl.oauthbearer.client.id": credentials.client_id,
        "sasl.oauthbearer.client.secret": credentials.client_secret,
    }
    if credentials.scope is not None:
        found["sasl.oauthbearer.scope"] = credentials.scope
    if credentials.extensions:
        found["sasl.oauthbearer.extensions"] = ",".join(f"{k}={v}" for k, v in credentials.extensions.items())
    if credentials.authorities is not None:
        found["https.ca.pem"] = credentials.authorities
    return found


def for_kafka_python(credentials: ClientCredentials, timeout: float) -> "TokenSource":
    from kafka.net.sasl.oauth import AbstractTokenProvider  # noqa: PLC0415 only those who log in so pay for it

    AbstractTokenProvider.register(TokenSource)
    return TokenSource(credentials, timeout)


class TokenSource:
    """What kafka-python asks for a token; one is kept for 80 % of its life."""

    def __init__(self, credentials: ClientCredentials, timeout: float) -> None:
        self._credentials = credentials
        self._timeout = timeout
        self._token = ""
        self._stale_at = 0.0

    def token(self) -> str:
        if time.monotonic() >= self._stale_at:
            asked_at = time.monotonic()
            self._token, life = _fetch(self._credentials, self._timeout)
            self._stale_at = asked_at + _FRESH * life
        return self._token

    def extensions(self) -> dict[str, str]:
        return dict(self._credentials.extensions)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Refuse: urllib would carry the secret to wherever the answer points."""


def _fetch(credentials: ClientCredentials, timeout: float) -> tuple[str, int]:
    """A token and its life in seconds, 0 when it is not told."""
    context = ssl.create_default_context(cadata=credentials.authorities)
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _NoRedirects)
    try:
        with opener.open(_request(credentials), timeout=timeout) as answer:
            return _token_and_life(json.loads(answer.read(_ANSWER_LIMIT)))
    except urllib.error.HTTPError as error:
        error.close()
        raise TokenError(f"the token endpoint answered with HTTP status {error.code}") from None
    except ssl.SSLCertVerificationError:
        raise TokenError("the token endpoint's certificate does not verify") from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise TokenError("the token endpoint's certificate does not verify") from None
        raise TokenError("the token endpoint cannot be reached") from None
    except (OSError, HTTPException):
        raise TokenError("the token endpoint cannot be reached") from None
    except ValueError:
        raise TokenError("the token endpoint's answer is not JSON with a token") from None


def _request(credentials: ClientCredentials) -> urllib.request.Request:
    form = {"grant_type": "client_credentials"} | ({"scope": credentials.scope} if credentials.scope else {})
    login = base64.b64encode(f"{credentials.client_id}:{credentials.client_secret}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "Accept": "application/json"}
    return urllib.request.Request(  # noqa: S310 the scheme was checked where the address was read
        credentials.endpoint, urllib.parse.urlencode(form).encode(), headers
    )


def _token_and_life(answer: Any) -> tuple[str, int]:
    match answer:
        case {"access_token": str(token)} if _TOKEN.fullmatch(token):
            life = str(answer.get("expires_in"))  # a number, which some endpoints write as text
            return token, int(life) if _SECONDS.fullmatch(life) else 0
        case _:
            raise ValueError("no token")
