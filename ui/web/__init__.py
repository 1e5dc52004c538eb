"""The page: a picture of the live streams, server-rendered, kept alive by one event stream."""
