// Publishes the receipt that it reads from standard input under the id of its argument, and waits
// until it is stored. Every try has the same id, so that the stream keeps one. It tries for 90 s.
//
//   java -cp jnats.jar Publish.java msg.grpChess.42.20261124T093015.123Z < receipt.json
import io.nats.client.*;
import java.io.IOException;
import java.time.Duration;

public class Publish {
  public static void main(String[] args) throws Exception {
    byte[] data = System.in.readAllBytes();
    String url = System.getenv().getOrDefault("NATS_URL", "nats://127.0.0.1:4222");
    Options options = new Options.Builder().server(url).maxReconnects(-1).build();
    try (Connection nc = Nats.connectReconnectOnConnect(options)) {
      JetStream js = nc.jetStream(JetStreamOptions.builder().requestTimeout(Duration.ofSeconds(5)).build());
      PublishOptions id = PublishOptions.builder().messageId(args[0]).build(); // docs/publishing.md
      long end = System.nanoTime() + Duration.ofSeconds(90).toNanos();
      for (long pause = 100; ; pause = Math.min(2 * pause, 2_000)) {
        try {
          var ack = js.publish("push.receipts", data, id);
          System.out.println(ack.getStream() + " " + ack.getSeqno() + " " + ack.isDuplicate());
          return;
        } catch (JetStreamApiException err) { // 10077: the stream is full
          if (err.getErrorCode() < 500 || err.getApiErrorCode() == 10077 || System.nanoTime() > end) throw err;
        } catch (IOException | IllegalStateException err) { // no answer, or no connection
          if (System.nanoTime() > end) throw err;
        }
        Thread.sleep((long) (Math.random() * pause));
      }
    }
  }
}
