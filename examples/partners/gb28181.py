#!/usr/bin/env python3
"""Passes one GB/T 28181 alarm on as a video platform writes it: MANSCDP XML in GB18030.

    pip install "nats-py[nkeys]"
    python3 gb28181.py --server nats://nats.example.cn:4222 --partner property-a --key property-a.nk \
        --device 51190300101320000001 --method 5 --type 3

AlarmMethod and AlarmType are the standard's: 2 device, 5 video, 6 device fault; of 5: 1 manual, 3 left object, 6 intrusion
(restricted technical areas only), 10 density, 11 video abnormal. Whatever follows people is refused.
"""

import argparse
import asyncio
import datetime
import sys

import nats

NOTIFY = """<?xml version="1.0" encoding="GB18030"?>
<Notify>
<CmdType>Alarm</CmdType>
<SN>{number}</SN>
<DeviceID>{device}</DeviceID>
<AlarmPriority>2</AlarmPriority>
<AlarmMethod>{method}</AlarmMethod>
<AlarmTime>{time}</AlarmTime>
<AlarmDescription>示例报警</AlarmDescription>
<Info>
<AlarmType>{type}</AlarmType>
</Info>
</Notify>
"""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default="nats://127.0.0.1:4222")
    parser.add_argument("--partner", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--device", required=True, help="20 digits")
    parser.add_argument("--method", default="5")
    parser.add_argument("--type", default="3")
    parser.add_argument("--number", default="1", help="SN of the command")
    return parser.parse_args()


async def main():
    given = arguments()
    china = datetime.timezone(datetime.timedelta(hours=8))
    notify = NOTIFY.format(
        number=given.number,
        device=given.device,
        method=given.method,
        type=given.type,
        time=datetime.datetime.now(china).strftime("%Y-%m-%dT%H:%M:%S"),
    )
    connection = await nats.connect(
        given.server, nkeys_seed=given.key, inbox_prefix=f"_INBOX_{given.partner}".encode()
    )
    answer = await connection.request("ask.alarm", notify.encode("gb18030"), timeout=5)
    await connection.close()
    text = answer.data.decode("gb18030")
    print(text)
    return 0 if "<Result>OK</Result>" in text else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
