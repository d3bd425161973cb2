// The service worker shows what it gets, as docs/webpush.md has it, and says to the test what it got
// and what the browser shows then of the same conversation.
addEventListener('install', () => skipWaiting());
addEventListener('push', event => event.waitUntil(receive(event.data.text())));

async function receive(text) {
  const said = {text};
  try {
    const message = JSON.parse(text);
    if (message.web_push === 8030) {
      const {title, ...options} = message.notification;
      await registration.showNotification(title, options);
      const shown = await registration.getNotifications({tag: options.tag});
      said.shown = shown.map(({title, body, tag}) => ({title, body, tag}));
    }
  } catch (error) {
    said.error = String(error);
  }
  await fetch('pushed', {method: 'POST', body: JSON.stringify(said)});
}
