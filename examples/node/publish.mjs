// Publishes the receipt that it reads from standard input under the id of its argument, and waits
// until it is stored.
//
//   node publish.mjs msg.grpChess.42.20261124T093015.123Z < receipt.json
//
// Every try has the same id, so that the stream keeps one. It tries for 90 s.
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { jetstream, JetStreamApiError } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

const data = await text(process.stdin);
const id = process.argv[2]; // with the message's own time in it: docs/publishing.md
const nc = await connect({ servers: process.env.NATS_URL ?? "nats://127.0.0.1:4222", maxReconnectAttempts: -1, waitOnFirstConnect: true });
const js = jetstream(nc);
for (let pause = 100, end = Date.now() + 90_000; ; pause = Math.min(2 * pause, 2_000)) {
  try {
    const ack = await js.publish("push.receipts", data, { msgID: id, timeout: 5_000 });
    console.log(ack.stream, ack.seq, ack.duplicate);
    break;
  } catch (err) {
    const refused = err instanceof JetStreamApiError && (err.status < 500 || err.code === 10077); // 10077: the stream is full
    if (refused || Date.now() + pause > end) throw err;
    await sleep(Math.random() * pause);
  }
}
await nc.drain();
