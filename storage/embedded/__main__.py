"""`python -m storage.embedded`"""

import sys

from pipeline import service
from storage.embedded.service import PostgresService

if __name__ == "__main__":
    sys.exit(service.main(PostgresService))
