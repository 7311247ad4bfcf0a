"""The sync engine: reads a stream, decides who is who, writes in batches and accounts for every input."""
