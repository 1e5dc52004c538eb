"""`python -m storage.writer`"""

import sys

from pipeline import service
from storage.writer.service import WriterService

if __name__ == "__main__":
    sys.exit(service.main(WriterService))
