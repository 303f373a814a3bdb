// By itself: who only makes a directory need not load the daemon.
export { makeDirectory } from "@sandglass/telemetry/make-directory";
