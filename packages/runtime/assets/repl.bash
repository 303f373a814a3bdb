# Runs the cells of one context in one shell, so that variables, functions, options and the directory last.
# Requests come on descriptor 3: an id, a count of NAME=value pairs (NAME alone takes it away), the pairs, the code, each ended by a NUL.
# Answers leave on 4, a JSON object a line. Whatever a cell does to the shell, `exit` included, is done to the context.
trap : INT
printf '{"ready":true}\n' >&4
while IFS= read -r -d '' __sandglass_id <&3; do
  IFS= read -r -d '' __sandglass_count <&3
  while ((__sandglass_count-- > 0)); do
    IFS= read -r -d '' __sandglass_pair <&3
    if [[ $__sandglass_pair == *=* ]]; then export "${__sandglass_pair?}"; else unset "$__sandglass_pair"; fi
  done
  # Has bash make the environment of its children anew: a subshell that opens a cell would have that of the cell before.
  printf -v __sandglass_discard '%()T' -1
  IFS= read -r -d '' __sandglass_code <&3
  eval "$__sandglass_code" 3<&- 4>&-
  printf '{"id":"%s","exitCode":%d,"result":null}\n' "$__sandglass_id" "$?" >&4
done
