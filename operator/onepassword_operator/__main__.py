"""`python -m onepassword_operator`."""

from __future__ import annotations

import sys

from onepassword_operator.cli import main

sys.exit(main())
