#!/usr/bin/env python3
"""Prints what Linju tells of your areas, one JSON object a line, and goes on from there at the next start.

    pip install "nats-py[nkeys]"
    python3 read_events.py --server nats://nats.example.cn:4222 --partner property-a --key property-a.nk [--count 10]

The consumer is Linju's: it knows how far you have read, and it cannot be made to show more.
"""

import argparse
import asyncio
import json
import sys

import nats
import nats.errors


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default="nats://127.0.0.1:4222")
    parser.add_argument("--partner", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--count", type=int, default=0, help="end after so many; 0: never")
    return parser.parse_args()


async def main():
    given = arguments()
    connection = await nats.connect(
        given.server, nkeys_seed=given.key, inbox_prefix=f"_INBOX_{given.partner}".encode()
    )
    stream = connection.jetstream(prefix="LINJU.API")
    events = await stream.pull_subscribe_bind(consumer=f"partner-{given.partner}", stream="LINJU_EVENTS")
    seen = 0
    while given.count == 0 or seen < given.count:
        try:
            messages = await events.fetch(batch=50, timeout=30)
        except nats.errors.TimeoutError:
            continue
        for message in messages:
            headers = message.headers or {}
            print(json.dumps({"type": headers.get("ce-type"), "at": headers.get("ce-time"), "data": json.loads(message.data)},
                             ensure_ascii=False), flush=True)
            # Only now: what was not acknowledged comes again.
            await message.ack()
            seen += 1
    await connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
