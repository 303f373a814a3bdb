/** From the JSON of events in the log to spans in protobuf; see `src/projections/compiled`. */
export { clearIdentities, identity } from "./identities";
export * from "./memory";
export {
  attributeCount,
  attributesEnd,
  DONE,
  GIVEN_UP,
  resume,
  scan,
  scannedType,
  slotsEnd,
  UNKNOWN,
} from "./scan";
export { learnSecond, timestampMicros, writeSpan, writtenTo } from "./span";
export {
  addField,
  addType,
  fieldKeyOffset,
  HAS_FRACTIONS,
  IS_ATTRIBUTE,
  IS_SAID_AGAIN,
  typeHeadOffset,
} from "./types";
