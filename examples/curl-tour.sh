#!/usr/bin/env bash
# The Connect API and the Events API, call by call. Needs OP_CONNECT_HOST, OP_CONNECT_TOKEN and OP_EVENTS_TOKEN, and leaves nothing behind.
set -euo pipefail
: "${OP_CONNECT_HOST:?examples/README.md says how to set it}" "${OP_CONNECT_TOKEN:?examples/README.md says how to set it}"
: "${OP_EVENTS_TOKEN:?examples/README.md says how to set it}"

connect() { curl --silent --show-error --fail-with-body -H "Authorization: Bearer $OP_CONNECT_TOKEN" "$@"; }
events() { curl --silent --show-error --fail-with-body -H "Authorization: Bearer $OP_EVENTS_TOKEN" "$@"; }
# The value at a path of names and positions in the JSON on standard input.
pick() { python3 -c 'import functools, json, sys
print(functools.reduce(lambda value, part: value[int(part) if part.isdigit() else part], sys.argv[1:], json.load(sys.stdin)))' "$@"; }
step() { printf '\n== %s\n' "$*"; }

step "Is the server there? No token is needed for that."
curl --silent "$OP_CONNECT_HOST/heartbeat"
curl --silent "$OP_CONNECT_HOST/health" | pick dependencies 0 status

step "The vaults that the token may see"
vault=$(connect "$OP_CONNECT_HOST/v1/vaults" | pick 0 id)
connect "$OP_CONNECT_HOST/v1/vaults/$vault" | pick name

step "A new item; the server makes its password"
item=$(connect "$OP_CONNECT_HOST/v1/vaults/$vault/items" -d '{
  "vault": {"id": "'"$vault"'"}, "category": "LOGIN", "title": "curl tour",
  "fields": [{"purpose": "USERNAME", "value": "fake-user"},
             {"purpose": "PASSWORD", "generate": true, "recipe": {"length": 20, "characterSets": ["DIGITS"]}}]}' | pick id)
path="$OP_CONNECT_HOST/v1/vaults/$vault/items/$item"

step "Found by its title, without values, and read by its id, with them"
connect --get "$OP_CONNECT_HOST/v1/vaults/$vault/items" --data-urlencode 'filter=title eq "curl tour"' | pick 0 version
connect "$path" | pick fields 0 value

step "Changed in one place: the version moves"
connect -X PATCH "$path" -d '[{"op": "replace", "path": "/fields/username/value", "value": "other-user"}]' | pick version

step "A refusal says why"
curl --silent -H "Authorization: Bearer wrong" "$path" | pick message

step "Deleted for good"
connect -X DELETE "$path" --output /dev/null --write-out '%{http_code}\n'

step "What was asked, newest first"
connect "$OP_CONNECT_HOST/v1/activity?limit=1" | pick 0 action

step "What the other token may read"
events "$OP_CONNECT_HOST/api/v2/auth/introspect" | pick features

step "How items were used, two at a time: the cursor of a page leads to the next"
page=$(events "$OP_CONNECT_HOST/api/v2/itemusages" -d '{"limit": 2}')
while pick has_more <<<"$page" | grep --quiet True; do
  page=$(events "$OP_CONNECT_HOST/api/v2/itemusages" -d '{"cursor": "'"$(pick cursor <<<"$page")"'"}')
done
pick items 0 action <<<"$page"
