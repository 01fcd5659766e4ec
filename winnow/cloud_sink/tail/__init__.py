"""Events on a terminal, from Kafka, a store or an MQTT broker."""
