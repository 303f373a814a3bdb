import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { Language } from "@sandglass/protocol";
import { nearestName, SandglassError } from "@sandglass/protocol";
import type { TemplateConfig } from "./types.ts";

/** A template with everything filled in. */
export interface Template extends TemplateConfig {
  name: string;
  /** Of cells that name none. */
  defaultLanguage: Language;
  mounts: { source: string; target: string }[];
  env: Record<string, string>;
  warm: Language[];
  poolSize: number;
}

const BUILT_IN: Record<"python" | "node" | "bash", TemplateConfig & { defaultLanguage: Language }> = {
  python: { defaultLanguage: "python", warm: ["python"], poolSize: 2 },
  node: { defaultLanguage: "javascript", warm: ["javascript"], poolSize: 0 },
  bash: { defaultLanguage: "bash", warm: [], poolSize: 0 },
};

const NODE_TARGET = "/opt/node";

/** Where the host has no Node in its `/usr`, the daemon's own is mounted. */
function nodeMounts(): { source: string; target: string }[] {
  if (existsSync("/usr/bin/node") || existsSync("/usr/local/bin/node")) return [];
  return [{ source: dirname(dirname(process.execPath)), target: NODE_TARGET }];
}

/** The templates of a runtime: the built-in ones and the user's own. */
export class Templates {
  readonly #templates = new Map<string, Template>();

  /** Throws INVALID_REQUEST where a mount's source is not there or its target is not a plain absolute path. */
  constructor(configured: Record<string, TemplateConfig> = {}) {
    for (const name of Object.keys(BUILT_IN))
      this.#add(name, { base: name as "python", ...configured[name] });
    for (const [name, config] of Object.entries(configured)) if (!(name in BUILT_IN)) this.#add(name, config);
  }

  #add(name: string, config: TemplateConfig): void {
    const base = BUILT_IN[config.base ?? "python"];
    for (const { source, target } of config.mounts ?? []) {
      if (!existsSync(source))
        throw new SandglassError(
          "INVALID_REQUEST",
          `templates.${name}.mounts: ${source} is not on this host`,
        );
      if (
        !/^\/[^\0]*[^/\0]$/.test(target) ||
        /(^|\/)\.\.(\/|$)/.test(target) ||
        /^\/(proc|sys|dev|run\/sandglass)(\/|$)/.test(target)
      ) {
        throw new SandglassError(
          "INVALID_REQUEST",
          `templates.${name}.mounts: the target ${target} must be an absolute path outside /proc, /sys, /dev and /run/sandglass`,
        );
      }
    }
    this.#templates.set(name, {
      ...base,
      ...config,
      name,
      mounts: [...nodeMounts(), ...(config.mounts ?? [])],
      env: config.env ?? {},
      // A template of one's own is neither warmed nor pooled unless it says so, but inherits what its base starts.
      warm:
        config.warm ??
        (config.warmup === undefined ? (name in BUILT_IN ? (base.warm ?? []) : []) : [base.defaultLanguage]),
      poolSize: config.poolSize ?? (name in BUILT_IN ? (base.poolSize ?? 0) : 0),
    });
  }

  /** Throws TEMPLATE_NOT_FOUND with the nearest name. */
  get(name: string): Template {
    const template = this.#templates.get(name);
    if (template !== undefined) return template;
    const nearest = nearestName(name, [...this.#templates.keys()]);
    throw new SandglassError("TEMPLATE_NOT_FOUND", `there is no template "${name}"`, {
      hint: `${nearest === undefined ? "" : `did you mean "${nearest}"? `}known: ${[...this.#templates.keys()].join(", ")}`,
    });
  }

  all(): Template[] {
    return [...this.#templates.values()];
  }

  /** Directories the skeleton must have for the templates' mounts. */
  mountPoints(): string[] {
    return [...new Set(this.all().flatMap((template) => template.mounts.map((mount) => mount.target)))];
  }
}

/** The environment every process starts from. */
export function baseEnvironment(template: Template): Record<string, string> {
  const node = template.mounts.some((mount) => mount.target === NODE_TARGET) ? `${NODE_TARGET}/bin:` : "";
  return {
    PATH: `${node}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: "/root",
    USER: "root",
    LANG: "C.UTF-8",
    TERM: "dumb",
    PYTHONUNBUFFERED: "1",
    ...template.env,
  };
}
