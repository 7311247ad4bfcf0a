"""Entry of the web server and of `flask --app wsgi`. A wrong setting ends in one line, not in a trace."""

import sys

from webapp import create_app
from webapp.config import ConfigError

try:
    app = create_app()
except ConfigError as problem:
    sys.stderr.write(f"{problem}\n")
    sys.exit(2)
