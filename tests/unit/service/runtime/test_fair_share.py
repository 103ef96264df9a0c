"""Who may hold how many workers."""

import contextlib

import pytest

from fakes.clock import FakeClock
from fakes.world import World
from onepassword_operator.model.errors import BackendUnavailableError, ClusterUnavailableError, ItemNotFoundError, OperatorError
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.service.runtime import fair_share
from onepassword_operator.service.runtime.fair_share import CONNECTION, FairShare, Target

WORKERS = 16
QUARTER = 4
ITEM, OTHER, ELSEWHERE = "vaults/Prod/items/tls", "vaults/Prod/items/db", "vaults/Other/items/db"


class Scene:
    def __init__(self) -> None:
        self.world = World()
        self.clock: FakeClock = self.world.clock
        self.limits = FairShare(self.clock, workers=WORKERS, winner=self.world.process.index.winner)

    def ask(self, name: str, path: str, namespace: str = "app") -> SecretKey:
        key = SecretKey(namespace, name)
        self.world.claims.apply(key, path)
        self.world.watch()
        return key

    def run(self, count: int, path: str, namespace: str = "app") -> None:
        for number in range(count):
            self.limits.begin(self.ask(f"{namespace}-{path.rpartition('/')[2]}-{number}", path, namespace))

    def fails(self, target: Target, error: OperatorError | None = None) -> None:
        with contextlib.suppress(OperatorError), self.limits.call(target):
            raise error or BackendUnavailableError("500")


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_what_is_well_or_says_no_may_hold_all_workers(scene: Scene) -> None:
    scene.run(WORKERS, ITEM)
    assert scene.limits.blocked_by(scene.ask("next", ITEM)) is None
    scene.fails(fair_share.item_of(ITEM), ItemNotFoundError("404"))
    assert not scene.limits.is_unhealthy(fair_share.item_of(ITEM))


@pytest.mark.parametrize(
    ("target", "beside"),
    [
        (fair_share.item_of(ITEM), OTHER),
        (fair_share.vault_of(ITEM), ELSEWHERE),
        (fair_share.namespace_of(SecretKey("app", "x")), None),
        (CONNECTION, None),
    ],
    ids=["item", "vault", "namespace", "connection"],
)
def test_what_failed_last_holds_at_most_a_quarter_of_them(scene: Scene, target: Target, beside: str | None) -> None:
    scene.fails(target)
    scene.run(QUARTER - 1, ITEM)
    key = scene.ask("next", ITEM)
    assert scene.limits.blocked_by(key) is None
    scene.limits.begin(key)
    assert scene.limits.blocked_by(scene.ask("one too many", ITEM)) == target
    if beside:
        assert scene.limits.blocked_by(scene.ask("beside", beside)) is None
    with scene.limits.call(target):
        pass
    assert scene.limits.blocked_by(scene.ask("one too many", ITEM)) is None


def test_another_namespace_is_not_held_up(scene: Scene) -> None:
    scene.fails(("namespace", "slow"), ClusterUnavailableError("504"))
    scene.run(QUARTER, ITEM, "slow")
    assert scene.limits.blocked_by(scene.ask("next", ITEM, "slow")) == ("namespace", "slow")
    assert scene.limits.blocked_by(scene.ask("next", ITEM, "quick")) is None


def test_what_takes_over_two_seconds_is_unhealthy_while_it_does_and_until_a_call_is_quick(scene: Scene) -> None:
    target = fair_share.item_of(ITEM)
    with scene.limits.call(target):
        scene.clock.advance(2.0)
        assert not scene.limits.is_unhealthy(target)
        scene.clock.advance(0.1)
        assert scene.limits.is_unhealthy(target)
    assert scene.limits.is_unhealthy(target)
    with scene.limits.call(target):
        pass
    assert not scene.limits.is_unhealthy(target)


def test_a_vault_is_unhealthy_while_half_of_the_last_calls_for_its_items_were(scene: Scene) -> None:
    for number in range(4):
        assert not scene.limits.is_unhealthy(fair_share.vault_of(ITEM))
        scene.fails(fair_share.item_of(f"vaults/prod/items/{number}"))
    assert scene.limits.is_unhealthy(fair_share.vault_of(ITEM))
    for number in range(5):
        assert scene.limits.is_unhealthy(fair_share.vault_of(ITEM))
        with scene.limits.call(fair_share.item_of(f"vaults/Prod/items/well {number}")):
            pass
    assert not scene.limits.is_unhealthy(fair_share.vault_of(ITEM))


def test_what_is_not_called_any_more_is_well_again_after_ten_minutes(scene: Scene) -> None:
    scene.fails(fair_share.item_of(ITEM))
    scene.clock.advance(599)
    assert scene.limits.is_unhealthy(fair_share.item_of(ITEM))
    scene.clock.advance(1)
    assert not scene.limits.is_unhealthy(fair_share.item_of(ITEM))


def test_a_vault_is_unhealthy_while_four_of_its_items_take_long(scene: Scene) -> None:
    with contextlib.ExitStack() as calls:
        for number in range(4):
            calls.enter_context(scene.limits.call(fair_share.item_of(f"vaults/Prod/items/{number}")))
        scene.clock.advance(2.1)
        assert scene.limits.is_unhealthy(fair_share.vault_of(ITEM))


def test_all_that_is_unhealthy_together_leaves_a_quarter_to_the_others(scene: Scene) -> None:
    for number in range(10):
        scene.fails(("namespace", str(number)))
    for number in range(3):
        scene.run(QUARTER, OTHER, str(number))
    assert scene.limits.blocked_by(scene.ask("next", OTHER, "9")) == fair_share.ALL_UNHEALTHY
    assert scene.limits.blocked_by(scene.ask("next", OTHER, "well")) is None
    scene.limits.end(SecretKey("0", "0-db-0"))
    assert scene.limits.blocked_by(scene.ask("next", OTHER, "9")) is None


def test_what_is_remembered_is_bounded(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_share, "_REMEMBERED", 5)
    for number in range(20):
        scene.fails(fair_share.item_of(f"vaults/{number}/items/{number}"))
    assert len(scene.limits._unhealthy) == len(scene.limits._last_calls) == 5
    assert scene.limits._under_way == {}
