"""Dashboards: what Grafana shows of objectives, of the crowd and of faults; written as code, read by people on call."""
