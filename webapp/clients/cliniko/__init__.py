"""The Cliniko REST API v1."""
