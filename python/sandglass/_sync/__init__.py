"""The synchronous client, made from the asynchronous one by scripts/generate_sync.py; `runtime.py` is written by hand."""
