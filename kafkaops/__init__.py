"""Keeps a Kafka cluster equal to the YAML in a git repository."""

__version__ = "0.1.0"
