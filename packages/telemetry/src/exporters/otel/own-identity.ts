import manifest from "../../../package.json" with { type: "json" };

/** Of the scope, and of the service where nobody named one. */
export const NAME = "sandglass";
export const VERSION: string = manifest.version;
export const USER_AGENT: string = `${NAME}/${VERSION}`;
