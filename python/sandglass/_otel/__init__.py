"""The client's own telemetry, by OpenTelemetry's API alone."""
