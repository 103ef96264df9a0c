"""Python imports this at its start when the folder is on PYTHONPATH: the wall clock is off by CLOCK_OFFSET_SECONDS, and goes on ticking."""

import datetime
import os

import time_machine

_OFFSET = datetime.timedelta(seconds=float(os.environ["CLOCK_OFFSET_SECONDS"]))
time_machine.travel(datetime.datetime.now(datetime.UTC) + _OFFSET, tick=True).start()
