const CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz";
const TIME_CHARACTERS = 10;

/**
 * Unix time in milliseconds at which an id of ours ("sbx_…", "exec_…") was made, from the ULID in it; undefined for what
 * is no such id. Nothing about it can be in the log before.
 */
export function idTime(id: string): number | undefined {
  const match = /^[a-z]+_([0-9a-hjkmnp-tv-z]{26})$/.exec(id);
  if (!match) return undefined;
  let time = 0;
  for (const character of match[1]!.slice(0, TIME_CHARACTERS))
    time = time * 32 + CROCKFORD.indexOf(character);
  return time;
}
