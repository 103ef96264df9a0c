"""The seal: proof, without a read of the item, that a Secret is as we wrote it.

It is an HMAC, keyed from the credential, over the Secret's name, the annotations that the operator
relies on, the rendering options, the mapping's version and the data. Annotations without a valid
seal are ignored, so a user who can edit a Secret can't choose the item.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Final

from onepassword_operator.model import names
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.secret import ObservedSecret, SecretKey
from onepassword_operator.model.target import Rendering
from onepassword_operator.rules.contents.item_to_data import MAPPING_VERSION
from onepassword_operator.rules.contents.shape import SHAPING_VERSION

SEALED_ANNOTATIONS: Final = (
    names.ITEM_PATH,
    names.ITEM_VERSION,
    names.REQUESTED_PATH,
    names.COPIED_KEYS,
    names.RESTART_PENDING,
)
OF_SHAPED: Final = (names.REVISIONS, names.RECIPE)
"""Sealed on shaped Secrets alone, so that the seals of plain ones stay as they were."""
_HEX_DIGITS: Final = 32  # 128 bits


class Verdict(enum.Enum):
    """The result of verifying a Secret's seal."""

    INTACT = "intact"
    OTHER_OPTIONS = "intact, but rendered with other options"
    BROKEN = "absent or not matching"


def derive_key(token: Confidential) -> Confidential:
    """Derive the sealing key from a credential.

    A new token invalidates all older seals, which costs one read per item.
    """
    mac = hmac.new(b"onepassword-operator/seal/1", digestmod=hashlib.sha256)
    token.feed(mac)
    return Confidential(mac.digest())


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sealer:
    """Seals with one credential's key and one set of rendering options."""

    rendering: Rendering
    key: Confidential

    def compute(
        self, secret: SecretKey, annotations: Mapping[str, str], *, data: Mapping[str, Confidential]
    ) -> str:
        """Compute the seal for these annotations and data: 128 bits, hexadecimal."""
        facts = [*(annotations.get(name, "") for name in SEALED_ANNOTATIONS)]
        facts += [str(MAPPING_VERSION), str(self.rendering.allow_empty_values)]
        if not any(name in annotations for name in OF_SHAPED):
            return self._mac(secret, facts, purpose="", data=data)
        facts += [str(SHAPING_VERSION), *(annotations.get(name, "") for name in OF_SHAPED)]
        return self._mac(secret, facts, purpose="shaped", data=data)

    def digest(self, secret: SecretKey, data: Mapping[str, Confidential]) -> str:
        """Compute a digest that is equal for equal data of one Secret: 128 bits, hexadecimal."""
        return self._mac(secret, (), purpose="data", data=data)

    def _mac(
        self,
        secret: SecretKey,
        facts: Iterable[str],
        *,
        purpose: str,
        data: Mapping[str, Confidential],
    ) -> str:
        keying = hashlib.sha256()
        self.key.feed(keying)
        keying.update(purpose.encode())
        mac = hmac.new(keying.digest(), digestmod=hashlib.sha256)
        for fact in (secret.namespace, secret.name, *facts):
            Confidential.of_text(fact).feed(mac)
        for name in sorted(data):
            Confidential.of_text(name).feed(mac)
            data[name].feed(mac)
        return mac.hexdigest()[:_HEX_DIGITS]

    def verify(self, observed: ObservedSecret) -> Verdict:
        """Verify the seal in a Secret's annotations."""
        carried = observed.annotations.get(names.SEAL, "")
        if not carried.isascii():
            return Verdict.BROKEN
        flipped = dataclasses.replace(
            self.rendering, allow_empty_values=not self.rendering.allow_empty_values
        )
        for sealer, verdict in (
            (self, Verdict.INTACT),
            (dataclasses.replace(self, rendering=flipped), Verdict.OTHER_OPTIONS),
        ):
            if hmac.compare_digest(
                carried, sealer.compute(observed.key, observed.annotations, data=observed.data)
            ):
                return verdict
        return Verdict.BROKEN
