// Answers what workers with PUSHWORKER_DIRECTORY=nats ask about devices. The devices are in
// memory here, read from a file with one JSON object a line; a chat server asks its database.
//
//   DEVICES=devices.jsonl node directory.mjs
import { readFileSync } from "node:fs";
import { connect } from "@nats-io/transport-node";

const devices = readFileSync(process.env.DEVICES, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));

const requests = {
  "push.directory.get": ({ users }) => ({ devices: devices.filter((d) => users.includes(d.user)) }),
  // Remove it, unless the app has registered it again since the push was sent.
  "push.directory.gone": ({ device, as_of }) => {
    const at = devices.findIndex((d) => d.user === device.user && d.token === device.token);
    if (at >= 0 && Date.parse(devices[at].registered) <= Date.parse(as_of)) devices.splice(at, 1);
    return { ok: true };
  },
};

const nc = await connect({ servers: process.env.NATS_URL ?? "nats://127.0.0.1:4222", maxReconnectAttempts: -1, waitOnFirstConnect: true });
for (const [subject, answer] of Object.entries(requests)) {
  nc.subscribe(subject, {
    queue: "push-directory",
    callback: (err, m) => {
      if (err) throw err;
      try {
        m.respond(JSON.stringify(answer(m.json())));
      } catch (fault) {
        m.respond(JSON.stringify({ error: { code: "unavailable", message: fault.message } }));
      }
    },
  });
}
await nc.flush();
console.log("answering");
