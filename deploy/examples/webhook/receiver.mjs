// A receiver of pushworker's webhooks for Node.js, without dependencies: it checks the
// signature and the time, and prints each receipt once. docs/webhook.md describes
// requests and answers.
//
//   WEBHOOK_SECRET=whsec_… PORT=9081 node receiver.mjs
import { createServer } from 'node:http';
import { createHmac, timingSafeEqual } from 'node:crypto';

const secret = Buffer.from((process.env.WEBHOOK_SECRET ?? '').replace(/^whsec_/, ''), 'base64');
if (secret.length < 24) {
  console.error('set WEBHOOK_SECRET to the secret of the handler, whsec_…');
  process.exit(78);
}
const maxBody = 1 << 20;
const tolerance = 5 * 60; // seconds
const seen = new Set(); // ids of the last receipts; a real receiver keeps them in its database
const remembered = 10_000;

function signed(headers, body) {
  const id = headers['webhook-id'];
  const stamp = headers['webhook-timestamp'];
  if (!id || !/^\d+$/.test(stamp ?? '') || Math.abs(Date.now() / 1000 - Number(stamp)) > tolerance) return false;
  const want = createHmac('sha256', secret).update(`${id}.${stamp}.`).update(body).digest();
  return (headers['webhook-signature'] ?? '').split(' ').some((signature) => {
    const [version, encoded] = signature.split(',');
    const got = Buffer.from(encoded ?? '', 'base64');
    return version === 'v1' && got.length === want.length && timingSafeEqual(got, want);
  });
}

// deliver is where your own code goes. What it returns is the answer's JSON, or nothing
// if all is delivered; if it throws, the receipt comes again.
function deliver(event) {
  const { to, channel, payload } = event.data.receipt;
  console.log(JSON.stringify({ type: event.type, users: Object.keys(to ?? {}), channel, topic: payload.topic, seq: payload.seq }));
}

const server = createServer(async (request, response) => {
  const answer = (status, value) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(value === undefined ? '' : JSON.stringify(value));
  };
  try {
    const parts = [];
    let size = 0;
    for await (const part of request) {
      size += part.length;
      if (size > maxBody) return answer(413);
      parts.push(part);
    }
    const body = Buffer.concat(parts);
    if (request.method !== 'POST') return answer(405);
    if (!signed(request.headers, body)) return answer(401);
    const id = request.headers['webhook-id'];
    const event = JSON.parse(body.toString());
    if (seen.has(id) || event.type === 'push.test') return answer(204);
    const rest = deliver(event);
    if (rest === undefined) {
      seen.add(id);
      if (seen.size > remembered) seen.delete(seen.values().next().value);
      return answer(204);
    }
    return answer(200, rest);
  } catch (error) {
    console.error(error.message);
    return answer(500);
  }
});
server.listen(Number(process.env.PORT ?? 9081), process.env.HOST ?? '127.0.0.1', () => {
  console.error(`receiving at http://${server.address().address}:${server.address().port}/`);
});
