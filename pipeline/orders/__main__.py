"""`python -m pipeline.orders`: the order process."""

import sys

from pipeline import jit

if __name__ == "__main__":
    jit.prepare("orders")  # before a kernel module is imported
    from pipeline import service
    from pipeline.orders.service import OrdersService

    sys.exit(service.main(OrdersService))
