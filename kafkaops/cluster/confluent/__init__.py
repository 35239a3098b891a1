"""What only librdkafka can: say why a first handshake fails, be a member of a consumer group, write in transactions and read what they committed. The only user of confluent-kafka."""
