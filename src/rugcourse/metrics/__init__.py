"""What the processes count and measure, for Prometheus. docs/monitoring.md names each metric; a test compares."""
