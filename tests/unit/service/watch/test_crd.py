"""The CRD may be missing at any time."""

import asyncio

import pytest

from onepassword_operator.model.errors import ClusterUnavailableError
from onepassword_operator.service.watch import crd
from onepassword_operator.service.watch.crd import Crd


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crd, "CHECK_SECONDS", 0.0)


async def test_all_who_wait_for_it_learn_that_it_was_missing_and_the_log_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    answers: list[bool | None] = [False, None, None, False, True, True, True]
    during: list[bool] = []

    async def is_served() -> bool:
        await asyncio.sleep(0)
        during.append(checked.missing)
        if (answer := answers.pop(0)) is None:
            raise ClusterUnavailableError("no answer")
        return answer

    checked = Crd(is_served)
    both = await asyncio.wait_for(asyncio.gather(checked.wait(), checked.wait()), 5)
    assert list(both) == [True, True]
    assert during == [False, True, True, True, True, False]
    assert await checked.wait() is False
    reported = [record.__dict__["detail"] for record in caplog.records if record.getMessage() == "not ready"]
    assert [text[:11] for text in reported] == ["the cluster", "no answer", "the cluster"]
    assert "kubectl apply -f crds/" in reported[0]
