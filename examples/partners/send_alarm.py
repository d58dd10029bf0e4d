#!/usr/bin/env python3
"""Sends one alarm over NATS and prints the verdict.

    pip install "nats-py[nkeys]"
    python3 send_alarm.py --server nats://nats.example.cn:4222 --partner property-a --key property-a.nk \
        --device PUMP-7 --kind flooding

Exit code 0: taken; 1: refused, with the reason; 2: no answer, so ask again with the same --id.
"""

import argparse
import asyncio
import datetime
import json
import sys
import uuid

import nats
import nats.errors


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default="nats://127.0.0.1:4222")
    parser.add_argument("--partner", required=True, help="the name that the office has given you")
    parser.add_argument("--key", required=True, help="the file with your key, readable by you alone")
    parser.add_argument("--device", required=True)
    parser.add_argument("--kind", required=True)
    parser.add_argument("--id", default=str(uuid.uuid4()), help="your own number of the alarm; the same again is the same alarm")
    parser.add_argument("--note", default="")
    return parser.parse_args()


async def main():
    given = arguments()
    # The server lets a partner listen only to inboxes with its own name.
    connection = await nats.connect(
        given.server,
        nkeys_seed=given.key,
        inbox_prefix=f"_INBOX_{given.partner}".encode(),
        max_reconnect_attempts=3,
    )
    alarm = {
        "id": given.id,
        "device": given.device,
        "kind": given.kind,
        "at": datetime.datetime.now(datetime.timezone.utc).isoformat(),
        "note": given.note,
    }
    try:
        answer = await connection.request("ask.alarm", json.dumps(alarm).encode(), timeout=5)
    except (nats.errors.TimeoutError, nats.errors.NoRespondersError):
        print(f"no answer: ask again with --id {given.id}", file=sys.stderr)
        return 2
    finally:
        await connection.close()
    verdict = json.loads(answer.data)
    print(json.dumps(verdict, ensure_ascii=False))
    return 0 if verdict["result"] == "ok" else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
