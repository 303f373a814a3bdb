"""The API keys of the caller's organisation."""

from __future__ import annotations

from .._call import Call
from .._decode import decode, wire
from ..models import CreatedKey, KeyInfo, Scope
from .transport import AsyncTransport


class AsyncKeys:
    """Reached as `client.keys`."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create(
        self, name: str, *, org_id: str | None = None, scopes: list[Scope] | None = None
    ) -> CreatedKey:
        """Makes a key for another user or program. Its secret is in this answer and never shown again."""
        json = wire({"name": name, "org_id": org_id, "scopes": scopes})
        return decode(CreatedKey, await self._transport.json(Call("createKey", json=json)))

    async def list(self) -> list[KeyInfo]:
        answer = await self._transport.json(Call("listKeys"))
        return [decode(KeyInfo, item) for item in answer["items"]]

    async def revoke(self, key_id: str) -> None:
        """The key stops working at once.

        Raises:
            KeyNotFoundError: where there is none of that id
        """
        await self._transport.json(Call("revokeKey", {"keyId": key_id}))
