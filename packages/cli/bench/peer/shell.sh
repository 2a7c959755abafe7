#!/usr/bin/env bash
# What people write first: curl a page, jq its records, next page.
set -euo pipefail
page=1
while :; do
  body=$(curl -sf -H "X-Api-Key: $AGNI_API_KEY" "$1/api/v1/calling/call-sessions?page=$page&page_size=100")
  records=$(jq -c '.data.callSessions[]' <<<"$body")
  [ -n "$records" ] || break
  printf '%s\n' "$records" >>"$2"
  page=$((page + 1))
done
