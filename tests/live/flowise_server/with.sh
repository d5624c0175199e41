#!/usr/bin/env bash
# with.sh COMMAND...: run a command while a real Flowise is up; $LIVE_FLOWISE names the file that says where it is.
#
# The server is ended however this ends: by itself, by Ctrl-C, or by a signal that no script can catch. The guard reads
# from a pipe that only this script and its command hold open, and ends the server when it is closed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/agentbridge-live.XXXXXX")
mkfifo "$dir/alive"
(
  trap '' INT TERM HUP
  cat "$dir/alive" >/dev/null
  "$here/down.sh" "$dir/server"
  rm -rf "$dir"
) &
guard=$!
exec 9>"$dir/alive"

result=0
"$here/up.sh" "$dir/server" >/dev/null || result=$?
if [ "$result" = 0 ]; then
  LIVE_FLOWISE=$dir/server/info.json "$@" || result=$?
fi
exec 9>&-
wait "$guard"
exit "$result"
