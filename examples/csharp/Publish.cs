// Publishes the receipt that it reads from standard input under the id of its argument, and waits
// until it is stored. Every try has the same id, so that the stream keeps one. It tries for 90 s.
//
//   dotnet add package NATS.Net
//   dotnet run -- msg.grpChess.42.20261124T093015.123Z < receipt.json
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Net;

using var input = new MemoryStream();
await Console.OpenStandardInput().CopyToAsync(input);
byte[] data = input.ToArray();
var url = Environment.GetEnvironmentVariable("NATS_URL") ?? "nats://127.0.0.1:4222";
await using var client = new NatsClient(url);
var stream = client.CreateJetStreamContext();
var options = new NatsJSPubOpts { MsgId = args[0] }; // docs/publishing.md
var end = DateTime.UtcNow.AddSeconds(90);

for (var pause = 100; ; pause = Math.Min(2 * pause, 2_000))
{
    try
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        var ack = await stream.PublishAsync("push.receipts", data, opts: options, cancellationToken: patience.Token);
        if (ack.Error is null)
        {
            Console.WriteLine($"{ack.Stream} {ack.Seq} {ack.Duplicate}");
            return;
        }
        // EnsureSuccess would also throw for a duplicate, which is stored. 10077: the stream is full.
        if (ack.Error.Code < 500 || ack.Error.ErrCode == 10077 || DateTime.UtcNow > end) ack.EnsureSuccess();
    }
    catch (NatsJSApiException) { throw; }
    catch (Exception err) when (err is NatsException or OperationCanceledException) // no answer, or no connection
    {
        if (DateTime.UtcNow > end) throw;
    }
    await Task.Delay(Random.Shared.Next(pause));
}
