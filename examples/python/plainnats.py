"""A NATS client of the standard library alone, for the examples beside it where nats-py is not
installed. It has the calls of nats-py that they use, and speaks the protocol of
https://docs.nats.io/reference/reference-protocols/nats-protocol. It has no TLS, no credentials and
no reconnect: when the connection breaks, the program ends. A chat server takes nats-py."""
import asyncio, collections, itertools, json, os, secrets, sys
from urllib.parse import urlsplit

class Error(Exception): pass
class NoRespondersError(Error): pass

class Msg(collections.namedtuple("Msg", "client subject reply head data")):
    async def respond(self, data):
        await self.client.publish(self.reply, data)

async def connect(url):
    at = urlsplit(url)
    client = Client(*await asyncio.open_connection(at.hostname, at.port or 4222, limit=1 << 20))
    client.write("CONNECT " + json.dumps({"verbose": False, "headers": True, "no_responders": True, "lang": "python"}))
    client.reading = asyncio.create_task(client.read())
    await client.subscribe(client.inbox + "*", cb=client.answered)
    await client.flush()
    return client

class Client:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.inbox = f"_INBOX.{secrets.token_hex(11)}."
        self.numbers, self.callbacks, self.asked, self.pongs = itertools.count(1), {}, {}, collections.deque()

    def write(self, command, data=None):
        self.writer.write(command.encode() + b"\r\n" + (b"" if data is None else data + b"\r\n"))

    async def publish(self, subject, payload=b"", reply="", headers=None):
        if headers:
            head = b"NATS/1.0\r\n" + b"".join(f"{k}: {v}\r\n".encode() for k, v in headers.items()) + b"\r\n"
            self.write(f"HPUB {subject} {reply} {len(head)} {len(head) + len(payload)}", head + payload)
        else:
            self.write(f"PUB {subject} {reply} {len(payload)}", payload)
        await self.writer.drain()

    async def subscribe(self, subject, queue="", cb=None):
        number = str(next(self.numbers))
        self.callbacks[number] = cb
        self.write(f"SUB {subject} {queue} {number}")

    async def request(self, subject, payload=b"", timeout=0.5, headers=None):
        reply = self.inbox + str(next(self.numbers))
        self.asked[reply] = asyncio.get_running_loop().create_future()
        try:
            await self.publish(subject, payload, reply, headers)
            msg = await asyncio.wait_for(self.asked[reply], timeout)
        finally:
            del self.asked[reply]
        if not msg.data and b" 503" in msg.head.split(b"\r\n")[0]:
            raise NoRespondersError("nobody listens on " + subject)
        return msg

    async def answered(self, msg):
        waiting = self.asked.get(msg.subject)
        if waiting and not waiting.done():
            waiting.set_result(msg)

    async def flush(self):
        pong = asyncio.get_running_loop().create_future()
        self.pongs.append(pong)
        self.write("PING")
        await pong

    async def close(self):
        await self.flush()
        self.reading.cancel()
        self.writer.close()

    async def read(self):
        """Reads until the connection ends; callbacks run one after the other."""
        while line := await self.reader.readline():
            verb, *args = line.decode().split()
            if verb in ("MSG", "HMSG"):
                total = int(args.pop())
                head = int(args.pop()) if verb == "HMSG" else 0
                body = await self.reader.readexactly(total + 2)
                reply = args[2] if len(args) > 2 else ""
                await self.callbacks[args[1]](Msg(self, args[0], reply, body[:head], body[head:total]))
            elif verb == "PING":
                self.write("PONG")
            elif verb == "PONG":
                self.pongs.popleft().set_result(None)
            elif verb == "-ERR":
                print(line.decode().strip(), file=sys.stderr)
        print("the connection to the broker is lost", file=sys.stderr)
        os._exit(1)
