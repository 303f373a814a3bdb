/**
 * What is where in the memory that JavaScript and this module share. Addresses are fixed, nothing is ever allocated: an event that has
 * no room here is one for JavaScript. Between the areas there is room for reading a vector past an end.
 */

/** Fields of an event, those of its envelope first; an event with more is one for JavaScript. */
export const SLOTS: i32 = 256;
/** `u8` each. */
export const KINDS: i32 = 0x1000;
/** `i32` each. */
export const STARTS: i32 = 0x1200;
export const ENDS: i32 = 0x1600;
/** `f64` each. */
export const NUMBERS: i32 = 0x1a00;
/** `i16` each. */
export const NAME_INDICES: i32 = 0x2200;
/** `u16` each, by the number of a name: the slot of the field. */
export const SLOTS_BY_NAME: i32 = 0x3000;

/** Attributes of an event, and where they begin: `i32` each; whether they are marked: `u8` each. */
export const MAX_ATTRIBUTES: i32 = 512;
export const ATTRIBUTE_STARTS: i32 = 0x5000;
export const ATTRIBUTE_MARKS: i32 = 0x6000;

/** Ten to the power of 0 … 15, `f64` each. */
export const POWERS_OF_TEN: i32 = 0x6800;
/** What stands in front of each value of the envelope, and of the data: 16 bytes each, the rest of which are zero. */
export const LEADS: i32 = 0x6900;
/** How long each of them is, `u8` each. */
export const LEAD_LENGTHS: i32 = 0x6a00;
/** The second of the timestamp before, 19 bytes. */
export const SECOND: i32 = 0x6a40;

/** Types of events; see `types.ts`. */
export const TYPES: i32 = 0x8000;
export const TYPE_BYTES: i32 = 256;
export const MAX_TYPES: i32 = 128;
/** Fields of types; see `types.ts`. */
export const FIELDS: i32 = 0x10000;
export const FIELD_BYTES: i32 = 256;
export const MAX_FIELDS: i32 = 768;
/** Identities of a batch; see `identities.ts`. */
export const IDENTITIES: i32 = 0x40000;

/** Events as they stand in the log. */
export const INPUT: i32 = 0x60000;
export const INPUT_BYTES: i32 = 0x40000;
/** The attributes of one event: no longer than its text and its keys together, unless JavaScript writes some of them. */
export const ATTRIBUTES: i32 = 0xa8000;
export const ATTRIBUTES_BYTES: i32 = 0x70000;
/** What JavaScript adds to a span. */
export const TAIL: i32 = 0x120000;
export const TAIL_BYTES: i32 = 0x10000;
/** One span. */
export const SPAN: i32 = 0x138000;
export const MEMORY_END: i32 = 0x1e0000;
