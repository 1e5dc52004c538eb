"""What both TWS clients share: transport, hot decoding, pacing, the state of the connection, translation.

Every `ibapi` import of the project stands below this package and `pipeline.orders`.
"""
