"""The closed list of settings that a client properties file may hold, in Java's spelling and in librdkafka's.

Sources: Kafka's AdminClientConfig, SslConfigs and SaslConfigs (3.5 to 4.4); librdkafka 2.16 CONFIGURATION.md.
"""

import difflib
import re

# librdkafka's name -> Java's, where both mean the same
SPELLINGS = {
    "sasl.mechanisms": "sasl.mechanism",
    "sasl.oauthbearer.client.id": "sasl.oauthbearer.client.credentials.client.id",
    "sasl.oauthbearer.client.secret": "sasl.oauthbearer.client.credentials.client.secret",
    "ssl.ca.location": "ssl.truststore.location",
    "ssl.ca.pem": "ssl.truststore.certificates",
    "ssl.certificate.pem": "ssl.keystore.certificate.chain",
    "ssl.key.pem": "ssl.keystore.key",
    "socket.timeout.ms": "request.timeout.ms",
    "metadata.broker.list": "bootstrap.servers",
}

# `${ENV}`, `file:` and `command:` are understood in these and nowhere else
CREDENTIALS = frozenset(
    {
        "sasl.jaas.config",
        "sasl.oauthbearer.client.credentials.client.id",
        "sasl.oauthbearer.client.credentials.client.secret",
        "sasl.password",
        "sasl.username",
        "ssl.key.password",
        "ssl.keystore.certificate.chain",
        "ssl.keystore.key",
        "ssl.keystore.password",
        "ssl.truststore.password",
    }
)

SECRETS = CREDENTIALS - {
    "sasl.oauthbearer.client.credentials.client.id",
    "sasl.username",
    "ssl.keystore.certificate.chain",
    "ssl.truststore.password",  # guards public certificates
}

HONOURED = CREDENTIALS | {
    "bootstrap.servers",
    "client.dns.lookup",
    "client.id",
    "connections.max.idle.ms",
    "enable.ssl.certificate.verification",
    "https.ca.location",
    "https.ca.pem",
    "metadata.max.age.ms",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "request.timeout.ms",
    "sasl.login.callback.handler.class",
    "sasl.mechanism",
    "sasl.oauthbearer.extensions",
    "sasl.oauthbearer.grant.type",
    "sasl.oauthbearer.method",
    "sasl.oauthbearer.scope",
    "sasl.oauthbearer.token.endpoint.url",
    "security.protocol",
    "socket.connection.setup.timeout.ms",
    "ssl.certificate.location",
    "ssl.enabled.protocols",
    "ssl.endpoint.identification.algorithm",
    "ssl.key.location",
    "ssl.keystore.location",
    "ssl.keystore.type",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.type",
}

# Accepted without an effect; each because nothing that it asks for could come out differently
HARMLESS = frozenset(
    {
        "default.api.timeout.ms",  # the command's own time-out bounds every call
        "retries",  # what is tried again is decided per request, within that time-out
        "retry.backoff.max.ms",  # the same
        "retry.backoff.ms",  # the same
        "sasl.login.connect.timeout.ms",  # the command's time-out bounds the token request
        "sasl.login.read.timeout.ms",  # the same
        "sasl.login.retry.backoff.max.ms",  # a token that cannot be had ends the command
        "sasl.login.retry.backoff.ms",  # the same
        "socket.connection.setup.timeout.max.ms",  # the command's time-out bounds all attempts together
        "ssl.protocol",  # names Java's SSLContext; `ssl.enabled.protocols` is what limits versions
    }
)

# Known, and refused with the reason
_REFUSED = {
    "config.providers": "kafkaops reads `${NAME}`, `file:PATH` and `command:WORDS` itself",
    "enable.sasl.oauthbearer.unsecure.jwt": "unsecured tokens are for tests of Java clients",
    "interceptor.classes": "it would load code",
    "metric.reporters": "it would load code",
    "sasl.client.callback.handler.class": "it would load code",
    "sasl.login.class": "it would load code",
    "sasl.oauthbearer.config": "tokens come by the client-credentials grant only",
    "security.providers": "it would load code",
    "ssl.cipher.suites": "Java and OpenSSL name cipher suites differently",
    "ssl.crl.location": "revocation lists cannot be given to both clients",
    "ssl.engine.factory.class": "it would load code",
    "ssl.engine.location": "it would load code",
    "ssl.keymanager.algorithm": "the key is used as it is in the store",
    "ssl.provider": "it would load code",
    "ssl.providers": "it would load code",
    "ssl.trustmanager.algorithm": "certificates are always verified by OpenSSL",
}
_REFUSED_FAMILIES = {
    "plugin.": "it would load code",
    "sasl.kerberos.": "there is no Kerberos login",
    "sasl.oauthbearer.assertion.": "tokens come by the client-credentials grant only",
    "sasl.oauthbearer.metadata.": "tokens come by the client-credentials grant only",
    "sasl.oauthbearer.jwks.": "it is a setting of brokers",
    "sasl.login.refresh.": "a token is fetched anew when 80 % of its life is over",
}

# Settings of producers and consumers that people paste along
_DATA_PLANE = frozenset(
    {
        "acks",
        "allow.auto.create.topics",
        "auto.offset.reset",
        "batch.size",
        "buffer.memory",
        "compression.type",
        "delivery.timeout.ms",
        "enable.auto.commit",
        "enable.idempotence",
        "auto.commit.interval.ms",
        "fetch.max.bytes",
        "fetch.max.wait.ms",
        "fetch.min.bytes",
        "group.id",
        "group.instance.id",
        "group.protocol",
        "heartbeat.interval.ms",
        "isolation.level",
        "key.deserializer",
        "key.serializer",
        "linger.ms",
        "max.block.ms",
        "max.in.flight.requests.per.connection",
        "max.partition.fetch.bytes",
        "max.poll.interval.ms",
        "max.poll.records",
        "max.request.size",
        "partition.assignment.strategy",
        "partitioner.class",
        "schema.registry.url",
        "session.timeout.ms",
        "transaction.timeout.ms",
        "transactional.id",
        "value.deserializer",
        "value.serializer",
    }
)
# The words of a login module whose lines lack the backslash that joins them
_JAAS_WORDS = frozenset({"username", "password", "clientId", "clientSecret", "scope"})
_SETTING_NAME = re.compile(r"[a-z]{2,20}(\.[a-z0-9]{1,20}){1,6}")


def refusal(key: str) -> tuple[str, str | None]:
    """Why this key, which is not in the list, is refused: a sentence, and what to do."""
    if key in _REFUSED:
        return f"`{key}` is not supported: {_REFUSED[key]}", None
    if family := next((prefix for prefix in _REFUSED_FAMILIES if key.startswith(prefix)), None):
        return f"`{family}*` is not supported: {_REFUSED_FAMILIES[family]}", None
    if key in _DATA_PLANE:
        return f"`{key}` is a setting of producers and consumers, not of a connection", "remove the line"
    if key in _JAAS_WORDS:
        hint = "end every line of `sasl.jaas.config` but the last with a backslash"
        return f"`{key}` is not a setting but an option of a login module", hint
    nearest = difflib.get_close_matches(key[:100], sorted(HONOURED | set(SPELLINGS)), n=1, cutoff=0.8)
    if nearest or _SETTING_NAME.fullmatch(key):
        return f"unknown setting `{key}`", f"did you mean `{nearest[0]}`?" if nearest else None
    # a stray line of a key or of a password must not be repeated on a screen
    return "this line does not begin with the name of a setting", None
