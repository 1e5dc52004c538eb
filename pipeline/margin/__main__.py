"""`python -m pipeline.margin`: the margin process."""

import sys

from pipeline import service
from pipeline.margin.service import MarginService

if __name__ == "__main__":
    sys.exit(service.main(MarginService))
