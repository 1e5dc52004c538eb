"""Margindesk's headless engine: every process but the writer, the web server and the desk."""
