"""The worker: one process that does what no request does. Several may run, on one node or on many."""
