import { existsSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Language } from "@sandglass/protocol";
import { nearestName, SandglassError } from "@sandglass/protocol";
import type { TelemetryDestination } from "./collector.ts";
import { NODE_DIRECTORY } from "./host/skeleton.ts";
import { destinationIn, withoutDestination } from "./telemetry-destination.ts";
import type { TemplateConfig } from "./types.ts";

/** A template with everything filled in. */
export interface Template extends TemplateConfig {
  name: string;
  /** Of cells that name none. */
  defaultLanguage: Language;
  mounts: { source: string; target: string }[];
  /** As it may reach a sandbox. */
  env: Record<string, string>;
  /** Where the telemetry of its sandboxes goes besides, as its `env` was configured. */
  destination: TelemetryDestination | undefined;
  warm: Language[];
  poolSize: number;
}

const BUILT_IN: Record<"python" | "node" | "bash", TemplateConfig & { defaultLanguage: Language }> = {
  python: { defaultLanguage: "python", warm: ["python"], poolSize: 2 },
  node: { defaultLanguage: "javascript", warm: ["javascript"], poolSize: 0 },
  bash: { defaultLanguage: "bash", warm: [], poolSize: 0 },
};

/** Sandboxes run under uids of their own: what only its owner may enter, they cannot. */
function closedDirectory(path: string): string | undefined {
  for (let at = dirname(path); ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return at;
    if (at === "/") return undefined;
  }
}

function checkMount(option: string, { source, target }: { source: string; target: string }): void {
  const refuse = (message: string, hint?: string): never => {
    throw new SandglassError("INVALID_REQUEST", `${option}: ${message}`, { hint });
  };
  if (!existsSync(source)) refuse(`${source} is not on this host`);
  const closed = closedDirectory(realpathSync(source));
  if (closed !== undefined) {
    refuse(
      `${source} is below ${closed}, which only its owner may enter; sandboxes run under other uids`,
      `move it, or chmod o+x ${closed}`,
    );
  }
  const isPlain = /^\/[^\0]*[^/\0]$/.test(target) && !/(^|\/)\.\.(\/|$)/.test(target);
  if (!isPlain || /^\/(proc|sys|dev|run\/sandglass)(\/|$)/.test(target)) {
    refuse(`the target ${target} must be an absolute path outside /proc, /sys, /dev and /run/sandglass`);
  }
}

/** The built-in template that another one starts from; of a built-in one itself. */
export function baseOf({ name, base }: Template): string {
  return name in BUILT_IN ? name : (base ?? "python");
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
    for (const mount of config.mounts ?? []) checkMount(`templates.${name}.mounts`, mount);
    this.#templates.set(name, {
      ...base,
      ...config,
      name,
      mounts: config.mounts ?? [],
      env: withoutDestination(config.env ?? {}),
      destination: destinationIn(config.env),
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
    const mounts = this.all().flatMap((template) => template.mounts);
    // A file is mounted on a file, which the sandbox's own layer gets when it is.
    const points = mounts.map(({ source, target }) =>
      statSync(source).isDirectory() ? target : dirname(target),
    );
    return [...new Set(points)];
  }
}

/** The environment every process starts from. */
export function baseEnvironment(template: Template): Record<string, string> {
  return {
    PATH: `/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:${NODE_DIRECTORY}`,
    HOME: "/root",
    USER: "root",
    LANG: "C.UTF-8",
    TERM: "dumb",
    PYTHONUNBUFFERED: "1",
    ...template.env,
  };
}
