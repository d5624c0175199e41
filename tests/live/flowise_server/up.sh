#!/usr/bin/env bash
# up.sh EMPTY_DIR: start a real Flowise with the flows of provision.py on a free port of the loopback interface.
#
# All that the server writes (database, keys, uploads, logs) is in EMPTY_DIR, and so is what to know of it: info.json.
# What was started is ended by down.sh EMPTY_DIR, or here where the start fails.
#
# Installed with npm where it is not there: Flowise into $FLOWISE_HOME (2.7 GB, about 4 minutes), and into $NODE24_HOME
# the node that this version asks for, whatever the machine's own. Flowise's sqlite3 is compiled: that needs python3, make
# and a C++ compiler. `PYTHON` names the Python that runs the scripts beside this one.
set -euo pipefail

flowise_version=3.1.4 node_version=24.21.0
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/agentbridge
flowise_home=${FLOWISE_HOME:-$cache/flowise-$flowise_version}
node_home=${NODE24_HOME:-$cache/node-$node_version}
python=${PYTHON:-python3}

say() { echo "up.sh: $*" >&2; }

dir=${1:?usage: up.sh EMPTY_DIR}
mkdir -p "$dir" && dir=$(cd "$dir" && pwd)
[ -z "$(ls -A "$dir")" ] || { say "$dir is not empty"; exit 2; }

case $(uname -s)-$(uname -m) in
  Linux-x86_64) platform=linux-x64 ;;
  Linux-aarch64 | Linux-arm64) platform=linux-arm64 ;;
  Darwin-x86_64) platform=darwin-x64 ;;
  Darwin-arm64) platform=darwin-arm64 ;;
  *) say "there is no node for $(uname -s) on $(uname -m) here; run this on Linux or macOS"; exit 3 ;;
esac
node_dir=$node_home/node_modules/node-$platform
modules=$flowise_home/node_modules

# install FOLDER PACKAGE OPTION...: what npm says is shown only where it fails
install() {
  command -v npm >/dev/null || { say "npm is missing: install Node.js, any version that brings npm. Flowise's own node is fetched"; exit 3; }
  say "installing $2 into $1"
  mkdir -p "$1"
  [ -f "$1/package.json" ] || echo '{"private": true}' >"$1/package.json"
  (cd "$1" && shift && npm install "$@" --ignore-scripts --no-audit --no-fund) >"$dir/npm.log" 2>&1 || { tail -20 "$dir/npm.log" >&2; exit 4; }
}

if [ ! -x "$node_dir/bin/node" ]; then
  install "$node_home" "node-$platform@$node_version"
fi
if [ ! -x "$modules/flowise/bin/run" ] || [ ! -f "$flowise_home/package-lock.json" ]; then # npm writes the lock at its end
  PUPPETEER_SKIP_DOWNLOAD=1 PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 \
    install "$flowise_home" "flowise@$flowise_version" --omit=dev --legacy-peer-deps
fi
if [ ! -f "$modules/sqlite3/build/Release/node_sqlite3.node" ]; then # scripts are off above: compiled here
  say "compiling sqlite3 in $modules"
  (cd "$modules/sqlite3" && PATH="$node_dir/bin:$PATH" "$modules/.bin/node-gyp" rebuild --nodedir="$node_dir") >"$dir/gyp.log" 2>&1 ||
    { tail -20 "$dir/gyp.log" >&2; exit 4; }
fi

trap '"$here/down.sh" "$dir"' EXIT # until all is well
mkdir "$dir"/{db,secrets,storage,logs,home}

# 9>&-: with.sh waits there for the end of all but the servers
"$python" "$here/fake_openai.py" "$dir/models.port" >"$dir/models.out" 2>&1 </dev/null 9>&- &
echo $! >"$dir/models.pid"

port=$("$python" -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
(
  cd "$dir" && exec env -i PATH="$node_dir/bin:/usr/local/bin:/usr/bin:/bin" LANG=C.UTF-8 HOME="$dir/home" \
    HOST=127.0.0.1 PORT="$port" DATABASE_TYPE=sqlite DATABASE_PATH="$dir/db" SECRETKEY_PATH="$dir/secrets" \
    LOG_PATH="$dir/logs" BLOB_STORAGE_PATH="$dir/storage" DISABLE_FLOWISE_TELEMETRY=true SECURE_COOKIES=false \
    HTTP_SECURITY_CHECK=false `# the models are on the loopback interface, which it would refuse` \
    FLOWISE_NODE_MODULES="$modules" NODE_OPTIONS="--require $here/offline_tiktoken.cjs" \
    node "$modules/flowise/bin/run" start
) >"$dir/flowise.out" 2>&1 </dev/null 9>&- &
echo $! >"$dir/flowise.pid"

"$python" "$here/provision.py" "http://127.0.0.1:$port" $! "$dir/models.port" >"$dir/info.json" ||
  { tail -20 "$dir/flowise.out" >&2; exit 5; }
trap - EXIT
echo "$dir/info.json"
