const FORM = /^(\d{1,8})([HMSmun])$/;
const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/**
 * The time that a client gives a call, from the header `grpc-timeout` (gRPC over HTTP/2, "Requests").
 *
 * @returns milliseconds, rounded up; undefined where the text is none
 */
export function parseGrpcTimeout(text: string): number | undefined {
  const [, digits, unit] = FORM.exec(text) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  return Math.ceil(Number(digits) * UNIT_MS[unit]!);
}
