"""What every process needs and no domain knows: clock, settings, retry, logs, metrics, TLS, stopping."""
