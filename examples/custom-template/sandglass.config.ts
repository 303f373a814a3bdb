// Read by `sandglass serve` when it is started in this directory (or with --config).
import { join } from "node:path";
import type { SandglassOptions } from "@sandglass/server";

const here = import.meta.dirname;

export default {
  templates: {
    stats: {
      base: "python",
      // Directories of this machine, read-only inside. What a sandbox writes there is its own error.
      mounts: [
        { source: join(here, ".venv"), target: "/opt/venv" },
        { source: join(here, "lib"), target: "/opt/lib" },
      ],
      env: { PATH: "/opt/venv/bin:/usr/local/bin:/usr/bin:/bin", PYTHONPATH: "/opt/lib" },
      // Runs before a sandbox is given to anybody: what is imported here costs the caller nothing.
      warmup: "import resampling",
      poolSize: 2,
      memoryMb: 256,
    },
  },
} satisfies SandglassOptions;
