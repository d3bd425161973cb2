"""Publishes the receipt that it reads from standard input under the id of its argument, and waits
until it is stored.

    python3 publish.py msg.grpChess.42.20261124T093015.123Z < receipt.json

Every try has the same id, so that the stream keeps one. It tries for 90 s."""
import asyncio, json, os, random, sys, time
try:
    import nats
    from nats.errors import NoRespondersError
except ImportError:
    import plainnats as nats
    from plainnats import NoRespondersError

async def publish(nc, data, id):
    pause, end = 0.1, time.monotonic() + 90
    while True:
        try:
            ack = json.loads((await nc.request("push.receipts", data, timeout=5, headers={"Nats-Msg-Id": id})).data)
            error = ack.get("error")
            if not error:
                return ack
            refused = error["code"] < 500 or error["err_code"] == 10077  # 10077: the stream is full
        except (asyncio.TimeoutError, NoRespondersError) as err:
            error, refused = repr(err), False
        if refused or time.monotonic() + pause > end:
            sys.exit(f"the receipt is not stored: {error}")
        await asyncio.sleep(random.random() * pause)
        pause = min(2 * pause, 2)

async def main():
    nc = await nats.connect(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))
    ack = await publish(nc, sys.stdin.buffer.read(), sys.argv[1])
    print(ack["stream"], ack["seq"], ack.get("duplicate", False))
    await nc.close()

asyncio.run(main())
