"""The HubSpot API, dated version."""
