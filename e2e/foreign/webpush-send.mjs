// Sends with a Web Push client that others have written, and prints the status of each
// push as one line of JSON. PUSHES say to which subscription, as browsers give it, and with
// which VAPID key; the fake's certificate is trusted by NODE_EXTRA_CA_CERTS.
import webpush from 'web-push';

const said = [];
for (const { subscription, publicKey, privateKey } of JSON.parse(process.env.PUSHES)) {
  try {
    const { statusCode } = await webpush.sendNotification(subscription, JSON.stringify({ title: 'by web-push', long: 'x'.repeat(2000) }), {
      vapidDetails: { subject: 'mailto:push@example.com', publicKey, privateKey }, TTL: 60, urgency: 'high', topic: 'one', contentEncoding: 'aes128gcm',
    });
    said.push(statusCode);
  } catch (error) {
    said.push(error.statusCode ?? String(error));
  }
}
console.log(JSON.stringify(said));
