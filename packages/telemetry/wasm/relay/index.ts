/** Whether the content of OTLP requests is framed as the schema says; see `src/otlp/relay/compiled`. */
export { isSound, itemCount } from "./framing";
export * from "./memory";
