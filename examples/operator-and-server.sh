#!/usr/bin/env bash
# Runs the embedded Connect server, and the operator on the cluster of your kubeconfig, until Ctrl-C or until one of them ends.
#
#     kubectl apply -f crds && bash examples/operator-and-server.sh
#
# SEED is a file with other items than those of --example; arguments go to the operator. A Secret of the example comes of
#
#     printf '{apiVersion: onepassword.com/v1, kind: OnePasswordItem, metadata: {name: login}, spec: {itemPath: "%s"}}' \
#       'vaults/Example/items/web login' | kubectl apply -f -
set -euo pipefail
program=${PROGRAM:-.venv/bin/onepassword-operator}

folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -r "$folder"' EXIT
trap 'exit 0' INT TERM

# $program stands without quotes: it may be a command of several words.
if test -n "${SEED:-}"; then items=(--seed "$SEED"); else items=(--example); fi
$program dev-connect "${items[@]}" --token-file "$folder/token" >"$folder/ready" &
until test -s "$folder/ready"; do kill -0 $! && sleep 0.1; done

OP_CONNECT_HOST=$(sed -E 's/.*"url":"([^"]+)".*/\1/' "$folder/ready")
OP_CONNECT_TOKEN_FILE=$folder/token
export OP_CONNECT_HOST OP_CONNECT_TOKEN_FILE
unset OP_CONNECT_TOKEN  # of another server, if it is set
printf 'server: %s, admin port: %s\n' "$OP_CONNECT_HOST" "$(sed -E 's/.*"admin":"([^"]+)".*/\1/' "$folder/ready")"
$program run "$@" &
wait -n
