"""Clients of the two APIs. They know HTTP, limits and tokens; they know no database and no mapping."""
