"""The bill of materials of the image and the wheel, as CycloneDX, from the lock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def make() -> str:
    """The JSON document; the same for the same lock."""
    tools = (
        Path(os.environ.get("KUBEBUILDER_ASSETS") or ROOT / ".tools" / "bin").parent
        / "gates"
        / "bin"
    )
    command = [
        str(tools / "cyclonedx-py"),
        "requirements",
        "--output-reproducible",
        str(ROOT / "requirements.lock"),
    ]
    document = json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    document["metadata"]["component"] = {
        "type": "application",
        "bom-ref": project["name"],
        "name": project["name"],
        "version": project["version"],
        "description": project["description"],
        "licenses": [{"license": {"id": project["license"]}}],
    }
    return json.dumps(document, indent=2) + "\n"


def main() -> int:
    """Write dist/sbom.cdx.json."""
    path = ROOT / "dist" / "sbom.cdx.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(make())
    print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
