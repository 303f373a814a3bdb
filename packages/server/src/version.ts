import manifest from "../package.json" with { type: "json" };

/** Of the daemon, as in its package. */
export const VERSION: string = manifest.version;
