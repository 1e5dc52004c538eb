"""The simulated TWS: speaks TWS's wire protocol to any API client, keeps accounts, matches orders, moves a market."""
