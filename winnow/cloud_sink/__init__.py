"""The cloud side: Kafka in; store, audit, page and tail out."""
