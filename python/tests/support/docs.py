"""The examples of a page, run as they stand."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


def blocks(page: str, language: str) -> list[str]:
    """The code of a page's fences.

    Args:
        page: from the root of the checkout
        language: of the fences; empty for those that name none
    """
    text = (ROOT / page).read_text("utf-8")
    fences: list[tuple[str, str]] = re.findall(r"^```(\w*)\n(.+?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for name, block in fences if name == language]


def run(block: str, **around: Any) -> dict[str, Any]:
    """Runs an example in this process; gives the names it has at its end. `await` may stand outside of functions, as in a notebook.

    Args:
        around: what the page takes for granted: names of the reader's own program
    """
    names = {"__name__": "__main__", **around}
    code = compile(block, "<docs>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    outcome = eval(code, names)
    if inspect.iscoroutine(outcome):

        async def wait() -> None:
            await outcome

        asyncio.run(wait())
    return names
