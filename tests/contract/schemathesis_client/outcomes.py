"""Hooks of schemathesis: make bodies agree with their path, keep the vault small, and write down what every request was answered.

SCHEMATHESIS_HOOKS names this module, OUTCOMES the file that gets a line with operation and status for each request.
"""

import os
import urllib.request
from typing import Any

import schemathesis

OUTCOMES = open(os.environ["OUTCOMES"], "a", buffering=1)  # noqa: SIM115, PTH123  for as long as the process runs


@schemathesis.hook
def before_call(_context: Any, case: Any, _options: Any) -> None:
    """A body that is meant to be accepted names the vault and the item of its path, which no schema can ask for."""
    meant_well = case.meta is not None and case.meta.generation.mode.is_positive
    if meant_well and isinstance(case.body, dict) and "vault" in case.body:
        case.body["vault"]["id"] = case.path_parameters["vaultUuid"]
        if "itemUuid" in case.path_parameters:
            case.body["id"] = case.path_parameters["itemUuid"]


@schemathesis.hook
def after_call(_context: Any, case: Any, response: Any) -> None:
    """Write down the answer; what was created outside of a chain of requests is deleted, or lists would grow with every request."""
    operation = case.operation.definition.raw["operationId"]
    print(operation, response.status_code, file=OUTCOMES)
    in_a_chain = case.meta is not None and case.meta.phase.name.value == "stateful"
    if operation == "createItem" and response.status_code == 200 and not in_a_chain:
        address = response.request.url.partition("?")[0].rstrip("/") + "/" + response.json()["id"]
        authorization = {"Authorization": response.request.headers["Authorization"]}
        urllib.request.urlopen(urllib.request.Request(address, method="DELETE", headers=authorization)).close()
