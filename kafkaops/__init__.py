"""Keeps a Kafka cluster equal to the YAML in a git repository."""
