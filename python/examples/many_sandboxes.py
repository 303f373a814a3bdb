"""Many sandboxes at once: the asynchronous client."""

import asyncio

from sandglass import AsyncClient


async def count_primes(client: AsyncClient, limit: int) -> str:
    async with await client.create_sandbox("python", memory_mb=128) as sandbox:
        code = f"sum(all(n % d for d in range(2, int(n ** 0.5) + 1)) for n in range(2, {limit}))"
        outcome = await sandbox.run_code(code, timeout_ms=20_000)
        return f"below {limit}: {(outcome.result or {}).get('text/plain', outcome.cause)}"


async def main() -> None:
    async with AsyncClient() as client:
        for line in await asyncio.gather(*(count_primes(client, 10**n) for n in range(1, 5))):
            print(line)


asyncio.run(main())
