package config

import (
	"time"

	"github.com/pushworker/pushworker/pkg/push"
)

// Config holds every setting. The tags are the single source of names, defaults
// and descriptions; nothing is preset in code. Read one with [Load].
type Config struct {
	NATS     NATS
	Embedded Embedded
	DataDir  string `split_words:"true" for:"worker" default:"./pushworker-data" desc:"Directory of the embedded broker's store. One process at a time: it is locked."`

	Stream    string        `split_words:"true" default:"PUSH" desc:"Name of the stream that keeps the receipts; the retries and the dead letters are in NAME_RETRY and NAME_DEAD."`
	Subject   string        `split_words:"true" default:"push.receipts" desc:"Subject of the stream. Publishers use it, or it and one or more tokens after it."`
	Replicas  int           `split_words:"true" for:"worker" default:"1" desc:"Replicas of streams and buckets when provisioning, 1 to 5. The embedded broker has 1."`
	History   time.Duration `split_words:"true" for:"worker" default:"72h" desc:"How long the stream keeps receipts, handled or not. At least 1m."`
	MaxBytes  ByteSize      `split_words:"true" for:"worker" default:"8GiB" desc:"Size limit of the stream. When it is full of unhandled receipts, publishers are refused; nothing is evicted."`
	Provision bool          `split_words:"true" default:"true" desc:"Create or update streams, durables and buckets. With false they must exist and are only bound."`

	DevicesCreate bool `split_words:"true" default:"false" desc:"Make the bucket of devices although it is missing beside a stream that has had receipts, which looks as if it was lost. Without, run and device import refuse; their flag --create does the same."`

	Handlers HandlerList `split_words:"true" for:"worker" secret:"true" default:"[{\"name\":\"stdout\",\"config\":{\"enabled\":true}}]" desc:"The handlers as a JSON array of objects with the keys name, config and start; see deploy/config/handlers.example.json. start says where a lane begins when it is new: new (the next receipt published), oldest, or an RFC 3339 time; without it, a lane beside receipts that are older than it begins with new."`

	MaxReceiptBytes ByteSize `split_words:"true" default:"1MB" desc:"A bigger receipt goes to the dead letters as oversize. At most 64MiB."`
	MaxKeys         int      `split_words:"true" default:"20000" desc:"A receipt with more JSON object keys, recipients apart, goes to the dead letters as malformed."`
	MaxRecipients   int      `split_words:"true" default:"20000" desc:"A receipt with more recipients and device ids goes to the dead letters as malformed; publishers split it, see docs/publishing.md. 1 to 1000000."`
	MaxDepth        int      `split_words:"true" default:"64" desc:"A receipt whose JSON is nested deeper goes to the dead letters as malformed. 8 to 10000."`

	Retry         Retry
	Dead          Dead
	AckWait       time.Duration `split_words:"true" for:"worker" default:"60s" desc:"The broker redelivers a receipt after this silence of a worker, which sends a heartbeat every third of it. At least 1s."`
	ShutdownGrace time.Duration `split_words:"true" default:"25s" desc:"How long work in flight may take to end after a stop signal; what remains is handed back. Keep it below the supervisor's own limit (Kubernetes: 30s)."`

	LaneMaxBytes ByteSize `split_words:"true" for:"worker" default:"64MiB" desc:"Memory that the receipts of a lane in this process may take, decoded. A lane that is full of bytes pulls no more; a receipt that is larger than that passes alone. At least 1MiB."`

	Events string `split_words:"true" for:"worker" default:"failures" desc:"Which outcomes of receipts are recorded for pushworker explain, in the stream NAME_EVENTS, which keeps 72h or 256MiB: off, failures (what was not plainly accepted by all devices in full, the rest in brief) or all."`

	DevicesDisplace bool `split_words:"true" default:"false" desc:"Register a user's 33rd device by removing the one whose registration is the oldest, with an event, instead of refusing it."`

	Admin     Admin
	Pprof     bool `split_words:"true" for:"worker" default:"false" desc:"Serve Go profiles under /debug/pprof on the admin address."`
	Log       Log
	StrictEnv bool `split_words:"true" default:"false" desc:"Make an unknown PUSHWORKER_ variable a fault instead of a warning."`

	sources  map[string]origin
	warnings []Fault
}

// NATS is the connection to the broker. With an empty URL the worker starts the
// embedded broker, and the other commands look for it at Embedded.Addr; of the rest
// of the group only CAFile is then used. At most one of User with Password, Token,
// CredsFile, NkeyFile and a user in the URL is set.
type NATS struct {
	URL         BrokerURL `split_words:"true" secret:"true" desc:"Servers of the broker: nats://host:4222, tls://host:4222, or several with commas between them. Empty means the embedded broker."`
	User        string    `split_words:"true" desc:"User name; needs PUSHWORKER_NATS_PASSWORD."`
	Password    Secret    `split_words:"true" secret:"true" desc:"Password of PUSHWORKER_NATS_USER."`
	Token       Secret    `split_words:"true" secret:"true" desc:"Token instead of user and password."`
	CredsFile   string    `split_words:"true" desc:"Credentials file (JWT and seed), as nsc writes it."`
	NkeyFile    string    `split_words:"true" desc:"File with an NKey seed."`
	InboxPrefix string    `split_words:"true" default:"_INBOX" desc:"First part of the subjects on which the broker's answers arrive. Give each role one of its own, such as _INBOX_worker: whoever may subscribe to the inbox of another reads receipts and tokens. See deploy/permissions."`
	CAFile      string    `split_words:"true" desc:"PEM file of the authorities that sign the broker's certificate, if not the system's."`
	CertFile    string    `split_words:"true" desc:"PEM certificate shown to the broker; needs PUSHWORKER_NATS_KEY_FILE."`
	KeyFile     string    `split_words:"true" desc:"PEM key of PUSHWORKER_NATS_CERT_FILE."`
}

// Embedded is the broker inside the worker, used while NATS.URL is empty.
type Embedded struct {
	Addr     string `split_words:"true" default:"127.0.0.1:4222" desc:"host:port on which the embedded broker listens. Where other machines can reach it, it needs PUSHWORKER_EMBEDDED_TOKEN and a certificate, or PUSHWORKER_EMBEDDED_INSECURE."`
	Token    Secret `split_words:"true" secret:"true" desc:"Token with which clients log in to the embedded broker, the other commands too."`
	CertFile string `split_words:"true" desc:"PEM certificate of the embedded broker; clients then need TLS. The other commands check it with PUSHWORKER_NATS_CA_FILE, if not with the system's authorities."`
	KeyFile  string `split_words:"true" desc:"PEM key of PUSHWORKER_EMBEDDED_CERT_FILE."`
	Insecure bool   `split_words:"true" for:"worker" default:"false" desc:"Let the embedded broker listen where other machines can reach it, without token or without TLS: whoever reaches it can read and publish everything, or listen in."`
	Sync     string `split_words:"true" for:"worker" default:"interval" desc:"interval: fsync once a second; a crash of the process costs nothing, a power cut up to that second. always: fsync before each publish is acknowledged, about 24 times slower."`
}

// Retry is the retry policy. A handler's config may override the first four
// under "retry".
type Retry struct {
	Base        time.Duration `split_words:"true" for:"worker" default:"1s" desc:"Upper bound of the first retry's delay. It doubles with each attempt; the delay is random below it."`
	Cap         time.Duration `split_words:"true" for:"worker" default:"10m" desc:"Highest bound of a retry's delay."`
	MaxAge      time.Duration `split_words:"true" for:"worker" default:"6h" desc:"A receipt older than this is not tried again and goes to the dead letters as age."`
	MaxAttempts int           `split_words:"true" for:"worker" default:"50" desc:"A receipt that failed this often goes to the dead letters as attempts."`
	MaxBytes    ByteSize      `split_words:"true" for:"worker" default:"2GiB" desc:"Size limit of the stream of waiting retries."`
}

// Dead is the dead-letter stream.
type Dead struct {
	MaxAge   time.Duration `split_words:"true" for:"worker" default:"336h" desc:"How long dead letters are kept. At least 1m."`
	MaxBytes ByteSize      `split_words:"true" for:"worker" default:"1GiB" desc:"Size limit of the dead-letter stream."`
}

// Admin is the HTTP server for health, metrics and status.
type Admin struct {
	Addr  string `split_words:"true" default:"127.0.0.1:9464" desc:"host:port for health, metrics and status. Where other machines can reach it, everything but health and metrics needs PUSHWORKER_ADMIN_TOKEN; commands of the same user on this machine need none, they use the socket admin-PORT.sock in PUSHWORKER_DATA_DIR."`
	Token Secret `split_words:"true" secret:"true" desc:"Bearer token of the admin address."`
}

// Log is the log on stderr.
type Log struct {
	Level  string `split_words:"true" default:"info" desc:"trace, debug, info, warn or error."`
	Format string `split_words:"true" default:"auto" desc:"auto, console or json. auto is console on a terminal and json elsewhere."`
}

// Warnings lists what does not stop the worker but deserves a look, for example
// a misspelt variable.
func (c *Config) Warnings() []Fault { return c.warnings }

// UsesEmbedded reports whether the broker is the embedded one.
func (c *Config) UsesEmbedded() bool { return c.NATS.URL == "" }

// ReceiptLimits bound a receipt.
func (c *Config) ReceiptLimits() push.Limits {
	return push.Limits{MaxBytes: int(c.MaxReceiptBytes), MaxDepth: c.MaxDepth, MaxKeys: c.MaxKeys, MaxRecipients: c.MaxRecipients}
}
