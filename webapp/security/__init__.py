"""Encryption at rest and the question who is asking."""
