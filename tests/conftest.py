"""For the pure tests: hypothesis tries the same examples on every machine, and no example is slow enough to be told so."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "kafkaops", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=False
)
settings.load_profile("kafkaops")
