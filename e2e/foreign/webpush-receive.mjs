// A push server and its browser: it prints its subscription, and then each push that it
// gets, decrypted with a library that others have written, as lines of JSON.
import { createECDH, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import ece from 'http_ece';

const keys = createECDH('prime256v1');
keys.generateKeys();
const auth = randomBytes(16);
const server = createServer(async (req, res) => {
  const parts = [];
  for await (const part of req) parts.push(part);
  const body = Buffer.concat(parts);
  const read = (bytes) => {
    try {
      return ece.decrypt(bytes, { version: 'aes128gcm', privateKey: keys, authSecret: auth.toString('base64url') }).toString();
    } catch {
      return null;
    }
  };
  const changed = Buffer.from(body);
  changed[changed.length - 1] ^= 1;
  console.log(JSON.stringify({ headers: req.headers, bytes: body.length, text: read(body), changed: read(changed) }));
  res.writeHead(201, { location: '/message/1' }).end();
});
server.listen(0, '127.0.0.1', () => {
  const endpoint = `http://127.0.0.1:${server.address().port}/push/browser`;
  console.log(JSON.stringify({ endpoint, keys: { p256dh: keys.getPublicKey('base64url'), auth: auth.toString('base64url') } }));
});
