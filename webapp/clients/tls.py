"""How all clients check a server's certificate.

Made once, at import: reading the certificates takes 30 ms of CPU, and a worker's jobs, which each build their own
clients, inherit it from the process that they were forked from.
"""

import httpx

CONTEXT = httpx.create_ssl_context(trust_env=False)
