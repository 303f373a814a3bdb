"""The API keys of the caller's organisation."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from .._call import Call
from .._decode import decode, wire
from .._later import models
from .transport import AsyncTransport

if TYPE_CHECKING:
    from ..models import CreatedKey, KeyInfo, Scope


class AsyncKeys:
    """Reached as `client.keys`."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create(
        self,
        name: str,
        *,
        org_id: str | None = None,
        scopes: list[Scope] | None = None,
        expires_at: datetime | None = None,
    ) -> CreatedKey:
        """Makes a key for another user or program. Its secret is in this answer and never shown again.

        Args:
            scopes: default: your own key's
            expires_at: default: never; a time without a zone is local

        Raises:
            ForbiddenError: where your key has not the scope `admin`
        """
        until = None if expires_at is None else expires_at.astimezone().isoformat()
        json = wire({"name": name, "org_id": org_id, "scopes": scopes, "expires_at": until})
        return decode(models.CreatedKey, await self._transport.json(Call("createKey", json=json)))

    async def rotate(self, key_id: str, *, grace: float | None = None) -> CreatedKey:
        """Gives the key a new secret, shown this once.

        Args:
            grace: seconds for which the old secret works too, at most 7 days; default 0

        Raises:
            KeyNotFoundError: where there is none of that id
        """
        json = {} if grace is None else {"graceMs": round(grace * 1000)}
        return decode(
            models.CreatedKey, await self._transport.json(Call("rotateKey", {"keyId": key_id}, json=json))
        )

    async def list(self) -> list[KeyInfo]:
        answer = await self._transport.json(Call("listKeys"))
        return [decode(models.KeyInfo, item) for item in answer["items"]]

    async def revoke(self, key_id: str) -> None:
        """The key stops working at once, and what is streaming with it is cut.

        Raises:
            KeyNotFoundError: where there is none of that id
        """
        await self._transport.json(Call("revokeKey", {"keyId": key_id}))
