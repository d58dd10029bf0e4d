#!/bin/sh
# Sends one alarm through the gateway, for an office without NATS.
#
#   LINJU_URL=https://linju.example.cn LINJU_TOKEN=... ./send_alarm.sh DEVICE KIND [ID]
#
# The token is the partner's: `linju keys token --role partner --subject NAME --scope AREA`. The same ID again is the same
# alarm, so that whoever got no answer may simply send it again.
set -eu

device=${1:?device}
kind=${2:?kind}
id=${3:-"$(date +%s)-$$"}
at=$(date -u +%Y-%m-%dT%H:%M:%SZ)

for text in "$device" "$kind" "$id"; do
    case $text in
    *[!A-Za-z0-9_./:-]*) echo "letters, digits and _ . / : - only: $text" >&2 && exit 2 ;;
    esac
done

exec curl --silent --show-error --fail-with-body --max-time 10 --retry 3 --retry-connrefused \
    --header "authorization: Bearer ${LINJU_TOKEN:?the token of the partner}" \
    --header "content-type: application/json" \
    --data "{\"id\":\"$id\",\"device\":\"$device\",\"kind\":\"$kind\",\"at\":\"$at\"}" \
    "${LINJU_URL:-http://127.0.0.1:8080}/v1/alarms"
