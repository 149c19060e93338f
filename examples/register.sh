#!/usr/bin/env bash
# Registers the handlers of handlers.json, or those that are named: ./register.sh noisy-node event-rate
# Needs curl, jq, and a key with the scopes handlers:write, events:read and events:write in HOOKWRIGHT_KEY.
set -euo pipefail
cd "$(dirname "$0")"
url=${HOOKWRIGHT_URL:-http://127.0.0.1:8001}
: "${HOOKWRIGHT_KEY:?set HOOKWRIGHT_KEY to a key}"

jq -c '.[]' handlers.json | while read -r entry; do
  file=$(jq -r .file <<<"$entry")
  name=${file%.*}
  [[ $# -eq 0 || " $* " == *" $name "* ]] || continue
  [[ $file == *.ts ]] && language=typescript || language=javascript
  jq -n --argjson entry "$entry" --arg name "$name" --arg language "$language" --rawfile code "$file" \
    '$entry | del(.file) + {name: $name, language: $language, code: $code}' |
    curl -sS --fail-with-body "$url/handlers" -H "Authorization: Bearer $HOOKWRIGHT_KEY" -H 'Content-Type: application/json' --data-binary @- |
    jq -r '"\(.hook)  \(.name)  id \(.id)  version \(.version)  \(.state)"'
done
