// Prints what became of receipts, one outcome a line, and devices that are gone. The durable
// consumer "chat" remembers what was read while the program does not run.
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

const nc = await connect({ servers: process.env.NATS_URL ?? "nats://127.0.0.1:4222", maxReconnectAttempts: -1, waitOnFirstConnect: true });
await (await jetstreamManager(nc)).consumers.add("PUSH_EVENTS", { durable_name: "chat", ack_policy: AckPolicy.Explicit });
const consumer = await jetstream(nc).consumers.get("PUSH_EVENTS", "chat");
for await (const m of await consumer.consume()) {
  for (const line of m.string().split("\n").filter(Boolean)) {
    const event = JSON.parse(line);
    for (const [seq, accepted] of event.accepted instanceof Array ? event.accepted : []) {
      console.log(seq, event.handler, "accepted", accepted);
    }
    if (event.verdict) console.log(event.stream_seq, event.handler, event.verdict, event.reason ?? "");
    if (m.subject === "push.events.device_gone") console.log("gone", event.user, event.id);
  }
  m.ack();
}
