"""Answers what workers with PUSHWORKER_DIRECTORY=nats ask about devices, from a table of SQLite.

    DEVICES=chat.db python3 directory.py

The table: CREATE TABLE devices (user TEXT, id TEXT, provider TEXT, token TEXT, registered TEXT)."""
import asyncio, json, os, sqlite3
try:
    import nats
except ImportError:
    import plainnats as nats

db = sqlite3.connect(os.environ["DEVICES"])
db.row_factory = sqlite3.Row

def get(ask):
    marks = ",".join("?" * len(ask["users"]))
    rows = db.execute(f"SELECT user, id, provider, token, registered FROM devices WHERE user IN ({marks})", ask["users"])
    return {"devices": [dict(row) for row in rows]}

def gone(ask):
    """Removes it, unless the app has registered it again since the push was sent."""
    with db:
        db.execute("DELETE FROM devices WHERE user = ? AND token = ? AND julianday(registered) <= julianday(?)",
                   (ask["device"]["user"], ask["device"]["token"], ask["as_of"]))
    return {"ok": True}

def answer(work):
    async def respond(msg):
        try:
            result = work(json.loads(msg.data))
        except Exception as fault:
            result = {"error": {"code": "unavailable", "message": str(fault)}}
        await msg.respond(json.dumps(result).encode())
    return respond

async def main():
    nc = await nats.connect(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))
    await nc.subscribe("push.directory.get", queue="push-directory", cb=answer(get))
    await nc.subscribe("push.directory.gone", queue="push-directory", cb=answer(gone))
    await nc.flush()
    print("answering", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
