"""Sandboxes as tools of agent frameworks: one module each, which imports its framework, and none that another needs.

Example:
    from sandglass.adapters.openai_agents import sandbox_tool
"""
