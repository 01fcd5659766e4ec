"""The gateway process: MQTT in, Kafka (or, on one machine, the store) out, receipts back."""
