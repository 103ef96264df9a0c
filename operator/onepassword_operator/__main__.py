"""`python -m onepassword_operator`."""

import sys

from onepassword_operator.cli import main

sys.exit(main())
