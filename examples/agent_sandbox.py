"""The client of Kubernetes' agent-sandbox against a Sandglass host: `sandglass serve --agent-sandbox-listen`.

Needs `pip install k8s-agent-sandbox` and SANDGLASS_API_KEY; AGENT_SANDBOX_URL where the port is another.
"""

import os

from k8s_agent_sandbox.models import SandboxDirectConnectionConfig
from k8s_agent_sandbox.sandbox import Sandbox


class NoCluster:
    """In direct mode the package asks Kubernetes for a pod's address alone, and does without."""

    def get_sandbox(self, name, namespace):
        return {}


sandbox = Sandbox(
    claim_name="none",
    sandbox_id="my-agent",
    k8s_helper=NoCluster(),
    connection_config=SandboxDirectConnectionConfig(
        api_url=os.environ.get("AGENT_SANDBOX_URL", "http://127.0.0.1:8888"),
        extra_headers={"Authorization": f"Bearer {os.environ['SANDGLASS_API_KEY']}"},
    ),
)
print(sandbox.commands.run("echo 'Hello from Sandglass!'").stdout, end="")
sandbox.files.write("numbers.txt", "3\n1\n2\n")
print(sandbox.commands.run("sort numbers.txt | tr '\\n' ' '").stdout)
print([entry.name for entry in sandbox.files.list(".")])
print(sandbox.files.read("numbers.txt"), sandbox.files.exists("none.txt"))
sandbox.close_connection()
