"""`python -m pipeline.ingest`."""

import sys

from pipeline import jit

if __name__ == "__main__":
    jit.prepare("ingest")  # before a kernel module is imported
    from pipeline import service
    from pipeline.ingest.service import Ingest

    sys.exit(service.main(Ingest))
