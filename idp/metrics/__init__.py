"""Numbers for Prometheus. Nothing of it is loaded where IDP_METRICS_LISTEN is not set."""
