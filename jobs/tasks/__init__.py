"""What the workers run: thin entries, one file per cause."""
