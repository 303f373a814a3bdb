/** What is where in the memory that JavaScript and this module share. Addresses are fixed, nothing is ever allocated. */

/** What to do with each tag of each message, as `content-shapes.ts` has it: `u8` each, 256 for a message. */
export const ACTIONS: i32 = 0x1000;
export const ACTIONS_BYTES: i32 = 0x4000;
/** Whether a message of that number counts as an item: `u8` each. */
export const COUNTED: i32 = 0x5400;
/** The messages around the present one: where they end and what they are. `i32` each. */
export const ENDS: i32 = 0x5000;
export const SHAPES: i32 = 0x5200;
/** Requests. Behind them there is room for reading past an end. */
export const BYTES: i32 = 0x6000;
export const MEMORY_END: i32 = 0x200000;
export const BYTES_LENGTH: i32 = MEMORY_END - BYTES - 0x200;
