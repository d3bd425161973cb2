<?php
// Publishes the receipt that it reads from standard input under the id of its argument, and waits
// until it is stored. Every try has the same id, so that the stream keeps one. It tries for 90 s.
//
//   composer require basis-company/nats
//   php publish.php msg.grpChess.42.20261124T093015.123Z < receipt.json
require __DIR__ . '/vendor/autoload.php';

use Basis\Nats\Client;
use Basis\Nats\Configuration;
use Basis\Nats\Message\Payload;

$at = parse_url(getenv('NATS_URL') ?: 'nats://127.0.0.1:4222');
$client = new Client(new Configuration(['host' => $at['host'], 'port' => $at['port'] ?? 4222, 'timeout' => 5]));
$client->skipInvalidMessages(true); // the answer to a try that was given up
$receipt = new Payload(stream_get_contents(STDIN), ['Nats-Msg-Id' => $argv[1]]); // docs/publishing.md
for ($pause = 0.1, $end = microtime(true) + 90; ; $pause = min(2 * $pause, 2)) {
    try {
        $ack = json_decode((string) $client->dispatch('push.receipts', $receipt, 5)->body);
        if (isset($ack->stream)) {
            echo "$ack->stream $ack->seq ", json_encode($ack->duplicate ?? false), "\n";
            exit(0);
        }
        $error = $ack->error->description ?? 'no stream takes the subject';
        $refused = isset($ack->error) && ($ack->error->code < 500 || $ack->error->err_code == 10077); // the stream is full
    } catch (Throwable $err) { // no answer, or no connection
        [$error, $refused] = [$err->getMessage(), false];
    }
    if ($refused || microtime(true) + $pause > $end) {
        fwrite(STDERR, "the receipt is not stored: $error\n");
        exit(1);
    }
    usleep((int) (1e6 * $pause * mt_rand() / mt_getrandmax()));
}
