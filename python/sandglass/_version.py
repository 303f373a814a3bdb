"""Of this package; a test keeps it equal to pyproject.toml."""

VERSION = "0.1.0"
