"""The dashboard and the alerts of docs/monitoring in a real Prometheus, beside a server that is used. Made by hand."""
