"""`python -m ui.desktop`: the desk of the run in MARGINDESK_STATE."""

from ui.desktop.app import leave, main

leave(main())
