"""Addresses of REST."""

from django.urls import include, path

from storage.api import accounts, computed, docs, health, margin, market, system, token, trading

v1 = [
    path("accounts", accounts.AccountsView.as_view(), name="accounts"),
    path("accounts/<str:account>/values", accounts.AccountValuesView.as_view(), name="account-values"),
    path("positions", accounts.PositionsView.as_view(), name="positions"),
    path("margin", margin.MarginView.as_view(), name="margin"),
    path("margin/<str:account>", margin.AccountMarginView.as_view(), name="account-margin"),
    path("margin/<str:account>/attribution", margin.AttributionView.as_view(), name="attribution"),
    path("margin/<str:account>/history", margin.HistoryView.as_view(), name="margin-history"),
    path("margin/<str:account>/explain", computed.ExplainView.as_view(), name="explain"),
    path("whatif", computed.WhatIfView.as_view(), name="what-if"),
    path("orders", trading.OrdersView.as_view(), name="orders"),
    path("executions", trading.ExecutionsView.as_view(), name="executions"),
    path("quotes", market.QuotesView.as_view(), name="quotes"),
    path("instruments", market.InstrumentsView.as_view(), name="instruments"),
    path("system", system.SystemView.as_view(), name="system"),
    path("events", system.EventsView.as_view(), name="events"),
    path("gaps", system.GapsView.as_view(), name="gaps"),
    path("audit", system.AuditView.as_view(), name="audit"),
    path("token", token.TokenView.as_view(), name="token"),
]
urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("api/schema", docs.SchemaView.as_view(), name="schema"),
    path("api/docs/", docs.SwaggerView.as_view(url_name="schema"), name="docs"),
    path("api/v1/", include(v1)),
]
