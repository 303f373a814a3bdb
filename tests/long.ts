/** Whether the long forms of tests run, as `make test-long` has it: `SANDGLASS_LONG=1`. */
export const isLong: boolean = process.env.SANDGLASS_LONG === "1";
