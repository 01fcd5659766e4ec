"""What is measured: small programs, each run in a process of its own so that its cost is its own."""
