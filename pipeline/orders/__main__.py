"""`python -m pipeline.orders`: the order process."""

import sys

from pipeline import service
from pipeline.orders.service import OrdersService

if __name__ == "__main__":
    sys.exit(service.main(OrdersService))
