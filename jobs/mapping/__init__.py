"""Cliniko records to HubSpot properties: pure functions without I/O, clock or database."""
