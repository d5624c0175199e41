#!/usr/bin/env bash
# down.sh DIR: end the processes that `up.sh DIR` started, by their ids; nothing else is touched.
set -uo pipefail
dir=${1:?usage: down.sh DIR}

# FILE WORD: the word is part of the process's command, so that an id that was given to another process is left alone
end() {
  local pid
  pid=$(cat "$dir/$1" 2>/dev/null) || return 0
  rm -f "$dir/$1"
  for signal in TERM KILL; do
    ps -p "$pid" -o command= 2>/dev/null | grep -q -- "$2" || return 0
    kill -s "$signal" "$pid" 2>/dev/null
    for _ in $(seq 50); do
      kill -0 "$pid" 2>/dev/null || return 0
      sleep 0.1
    done
  done
  echo "down.sh: $pid does not end" >&2
}
end flowise.pid flowise/bin/run
end models.pid fake_openai.py
