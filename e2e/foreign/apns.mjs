// Sends to an APNs with two clients that others have written, and prints what each was
// told as one line of JSON. The environment says where and with which key; the fake's
// certificate is trusted by NODE_EXTRA_CA_CERTS.
import { readFileSync } from 'node:fs';
import apn from '@parse/node-apn';
import { ApnsClient, Notification, PushType } from 'apns2';
import { Pool } from 'undici';

const { APNS_HOST, APNS_PORT, APNS_KEY, APNS_KEY_ID, APNS_TEAM_ID, APNS_TOPIC, APNS_TOKENS } = process.env;
const key = readFileSync(APNS_KEY, 'utf8');
const tokens = APNS_TOKENS.split(',');

// node-apn reports an answer that is not 200 as a failure with its status and reason.
async function byNodeAPN() {
  const provider = new apn.Provider({
    token: { key, keyId: APNS_KEY_ID, teamId: APNS_TEAM_ID },
    production: true, address: APNS_HOST, port: Number(APNS_PORT), ca: readFileSync(process.env.NODE_EXTRA_CA_CERTS),
  });
  const said = [];
  for (const token of tokens) {
    const note = new apn.Notification({ alert: { title: 'Hello', body: 'by node-apn' }, badge: 1, sound: 'default', topic: APNS_TOPIC, payload: { id: '1' } });
    note.pushType = 'alert';
    note.expiry = Math.floor(Date.now() / 1000) + 3600;
    note.collapseId = 'one';
    const { sent, failed } = await provider.send(note, token);
    said.push(sent.length ? { status: 200 } : { status: failed[0].status, ...failed[0].response });
  }
  await provider.shutdown();
  return said;
}

// apns2 knows Apple's port only, so its pool of connections is replaced.
async function byAPNs2() {
  const client = new ApnsClient({ team: APNS_TEAM_ID, keyId: APNS_KEY_ID, signingKey: key, defaultTopic: APNS_TOPIC, host: APNS_HOST });
  client.client = new Pool(`https://${APNS_HOST}:${APNS_PORT}`, { connections: 1, allowH2: true });
  const said = [];
  for (const token of tokens) {
    try {
      await client.send(new Notification(token, { type: PushType.alert, alert: { title: 'Hello', body: 'by apns2' }, badge: 1, expiration: new Date(Date.now() + 3600e3), collapseId: 'one', data: { id: '1' } }));
      said.push({ status: 200 });
    } catch (error) {
      said.push({ status: error.statusCode, reason: error.reason, timestamp: error.response?.timestamp });
    }
  }
  await client.close();
  return said;
}

console.log(JSON.stringify({ 'node-apn': await byNodeAPN(), apns2: await byAPNs2() }));
process.exit(0);
