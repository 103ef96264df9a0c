"""Where the repository is, and what `make tools` puts into it."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
TOOLS = REPOSITORY / ".tools"
PROGRAMS = Path(os.environ.get("KUBEBUILDER_ASSETS") or TOOLS / "bin")
