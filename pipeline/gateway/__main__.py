"""`python -m pipeline.gateway`: the simulated TWS of a run."""

import sys

from pipeline import service
from pipeline.gateway.service import GatewayService

sys.exit(service.main(GatewayService))
