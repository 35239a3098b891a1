import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from kafkaops.cluster.properties import jaas, keystores, oauth, tls
from kafkaops.cluster.properties.settings import Part, Settings

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
_LOGIN_MODULES = {
    "org.apache.kafka.common.security.plain.PlainLoginModule": ("PLAIN",),
    "org.apache.kafka.common.security.scram.ScramLoginModule": ("SCRAM-SHA-256", "SCRAM-SHA-512"),
    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule": ("OAUTHBEARER",),
}
_CALLBACK_HANDLERS = (
    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
    "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler",
)
_USERNAME, _PASSWORD = "sasl.username", "sasl.password"
_CLIENT_ID = "sasl.oauthbearer.client.credentials.client.id"
_CLIENT_SECRET = "sasl.oauthbearer.client.credentials.client.secret"  # noqa: S105 a setting's name
_SCOPE = "sasl.oauthbearer.scope"
_EXTENSION = "extension_"
# a login module's option -> the setting that says the same
_JAAS_OPTIONS = {
    "username": _USERNAME,
    "password": _PASSWORD,
    "clientId": _CLIENT_ID,
    "clientSecret": _CLIENT_SECRET,
    "scope": _SCOPE,
}
_UNSUPPORTED = ("GSSAPI", "AWS_MSK_IAM")
_OAUTH_ONLY = ("sasl.oauthbearer.", "sasl.login.", "https.")


def part(settings: Settings, timeout: float) -> Part:
    mechanism = _mechanism(settings)
    said = _Said(settings, _jaas(settings, mechanism))
    if mechanism == "OAUTHBEARER":
        return _oauth(said, timeout)
    username, password = said.credential(_USERNAME), said.credential(_PASSWORD)
    return Part(
        {"sasl.mechanism": mechanism, _USERNAME: username, _PASSWORD: password},
        {"sasl_mechanism": mechanism, "sasl_plain_username": username, "sasl_plain_password": password},
        f"User:{username}",
    )


def _mechanism(settings: Settings) -> str:
    name = "sasl.mechanism"
    if (text := (settings.plain(name) or "").upper()) in _UNSUPPORTED:
        raise settings.problem(name, f"{text} is not supported", f"write one of {', '.join(MECHANISMS)}")
    mechanism = settings.choice(name, MECHANISMS)
    foreign = (_USERNAME, _PASSWORD) if mechanism == "OAUTHBEARER" else _OAUTH_ONLY
    for other in settings.entries:
        if other.startswith(foreign):
            raise settings.problem(other, f"has no effect with `{settings.entries[name].key}` {mechanism}")
    return mechanism


def _jaas(settings: Settings, mechanism: str) -> dict[str, str]:
    """The options of the login module, by the names of the settings that say the same."""
    name = "sasl.jaas.config"
    if name not in settings.entries:
        return {}
    with settings.blaming(name):
        # references are looked up after parsing, so that a password may hold a quote or a semicolon
        login = jaas.parse(settings.entries[name].value)
    if mechanism not in _LOGIN_MODULES.get(login.module, ()):
        modules = [module for module, mechanisms in _LOGIN_MODULES.items() if mechanism in mechanisms]
        raise settings.problem(name, f"must name the login module of {mechanism}", f"write `{modules[0]} required`")
    return {_setting(settings, each, mechanism): settings.resolved(name, text) for each, text in login.options.items()}


def _setting(settings: Settings, option: str, mechanism: str) -> str:
    oauth_login = mechanism == "OAUTHBEARER"
    if oauth_login and option.startswith(_EXTENSION):
        return option
    setting = _JAAS_OPTIONS.get(option, option)
    if setting not in ((_CLIENT_ID, _CLIENT_SECRET, _SCOPE) if oauth_login else (_USERNAME, _PASSWORD)):
        options = "`clientId`, `clientSecret`, `scope`, `extension_NAME`" if oauth_login else "`username`, `password`"
        raise settings.problem("sasl.jaas.config", f"has an option that is not one of {options}")
    return setting


@dataclass(frozen=True, slots=True)
class _Said:
    """What may stand in the login module or in a setting of its own."""

    settings: Settings
    in_module: Mapping[str, str] = field(repr=False)

    def credential(self, name: str) -> str:
        found = self._once(name, self.settings.credential(name))
        if not found:
            where = name if name in self.settings.entries else "sasl.jaas.config"
            if where in self.settings.entries:
                raise self.settings.problem(where, f"gives no `{name}`" if where != name else "is empty")
            raise self.settings.problem(name, "is missing")
        return found

    def scope(self) -> str | None:
        return self._once(_SCOPE, self.settings.plain(_SCOPE))

    def _once(self, name: str, alone: str | None) -> str | None:
        inside = self.in_module.get(name)
        if inside is not None and alone is not None and inside != alone:
            raise self.settings.problem(name, "and `sasl.jaas.config` differ", "keep one of them")
        return alone if inside is None else inside


def _oauth(said: _Said, timeout: float) -> Part:
    settings = said.settings
    settings.choice("sasl.oauthbearer.method", ("oidc",), default="oidc")
    settings.choice("sasl.oauthbearer.grant.type", ("client_credentials",), default="client_credentials")
    settings.choice("sasl.login.callback.handler.class", _CALLBACK_HANDLERS, default=_CALLBACK_HANDLERS[0])
    wanted = oauth.ClientCredentials(
        endpoint=_endpoint(settings),
        client_id=said.credential(_CLIENT_ID),
        client_secret=said.credential(_CLIENT_SECRET),
        scope=said.scope(),
        extensions=_extensions(said),
        authorities=_endpoint_authorities(settings),
    )
    return Part(
        {"sasl.mechanism": "OAUTHBEARER", **oauth.for_confluent(wanted)},
        {
            "sasl_mechanism": "OAUTHBEARER",
            "sasl_oauth_token_provider": oauth.for_kafka_python(wanted, timeout),
        },
    )


def _endpoint(settings: Settings) -> str:
    name = "sasl.oauthbearer.token.endpoint.url"
    text = settings.plain(name)
    if text is None:
        raise settings.problem(name, "is missing", "OAUTHBEARER is supported with the client-credentials grant")
    if not _is_endpoint(text):
        raise settings.problem(name, "must be an http or https address, without a user name in it")
    return text


def _is_endpoint(text: str) -> bool:
    try:
        address = urlsplit(text)
    except ValueError:
        return False
    printable = re.fullmatch(r"[!-~]+", text) is not None
    return printable and address.scheme in ("http", "https") and bool(address.hostname) and "@" not in address.netloc


def _extensions(said: _Said) -> dict[str, str]:
    name = "sasl.oauthbearer.extensions"
    text = said.settings.plain(name)
    found = {k.removeprefix(_EXTENSION): v for k, v in said.in_module.items() if k.startswith(_EXTENSION)}
    for each in text.split(",") if text else ():
        key, separator, value = each.strip().partition("=")
        if not (key.isascii() and key.isalpha() and separator) or found.setdefault(key, value) != value:
            raise said.settings.problem(name, "must be a list of NAME=VALUE, each name of letters and given once")
    return found


def _endpoint_authorities(settings: Settings) -> str | None:
    """Java and librdkafka both verify the endpoint with what the system trusts, not with the brokers' authorities."""
    settings.at_most_one("https.ca.location", "https.ca.pem")
    if (store := settings.file("https.ca.location")) is not None:
        with settings.blaming("https.ca.location"):
            return keystores.certificates(store)
    return tls.inline_certificates(settings, "https.ca.pem")
