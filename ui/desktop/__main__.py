"""`python -m ui.desktop`: the desk of the run in MARGINDESK_STATE."""

import sys

from ui.desktop.app import main

sys.exit(main())
