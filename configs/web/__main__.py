"""`python -m configs.web`"""

import os
import sys

from pipeline import service

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "configs.settings")
    from configs.web.service import WebService

    sys.exit(service.main(WebService))
