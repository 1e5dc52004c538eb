"""A client that is gone leaves nothing behind, whatever it asked for."""

from __future__ import annotations

import gc
import weakref

import pytest

from tests.integration.gateway import mutations
from tests.unit.gateway.desk import Desk


@pytest.mark.parametrize("ended", [False, True], ids=["with everything running", "after every cancel"])
def test_nothing_holds_a_client_that_is_gone(brokerage, heard, encoder, ended):
    desk = Desk(brokerage, heard, encoder, hours="always")
    session = desk.client()
    for frame in mutations.requests(200):
        desk.say(session, frame[4:])
        desk.run(0.1)
    if ended:
        for req_id in range(5, 40):
            for cancel in ("cancelMktData", "cancelTickByTickData", "cancelRealTimeBars", "cancelHistoricalData"):
                desk.ask(session, lambda client, name=cancel, n=req_id: getattr(client, name)(n))
    desk.end(session)
    gone = weakref.ref(session)
    del session
    gc.collect()
    assert gone() is None, [type(holder) for holder in gc.get_referrers(gone())]
