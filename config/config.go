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
	DataDir  string `split_words:"true" for:"worker" own:"true" default:"./pushworker-data" desc:"Directory of the embedded broker's store. Only one process can use it at a time; it locks the directory."`

	Stream    string        `split_words:"true" default:"PUSH" desc:"Name of the stream that keeps the receipts; the retries and the dead letters are in NAME_RETRY and NAME_DEAD."`
	Subject   string        `split_words:"true" default:"push.receipts" desc:"Subject of the stream. Publishers publish to it, or to a subject below it such as push.receipts.eu."`
	Streams   Streams       `split_words:"true" default:"1" desc:"How many streams share the receipts. 4 means the streams NAME, NAME_1, NAME_2 and NAME_3 with the subjects SUBJECT.0 to SUBJECT.3. 4:0,2 means that this worker takes only the receipts of the first and the third. Set it for all workers and commands; see docs/scale.md."`
	Replicas  int           `split_words:"true" for:"worker" default:"1" desc:"How many replicas of each stream and bucket the worker makes, 1 to 5. The embedded broker has 1."`
	History   time.Duration `split_words:"true" for:"worker" default:"72h" desc:"How long the stream keeps receipts, whether they were delivered or not. At least 1m."`
	MaxBytes  ByteSize      `split_words:"true" for:"worker" default:"8GiB" desc:"Size limit of the stream of receipts, or of each of several. When it is full of receipts that still wait, the broker refuses publishers; it removes no receipt that waits."`
	Provision bool          `split_words:"true" default:"true" desc:"Create or update streams, durables and buckets. With false the worker only checks them, and ends if one is missing or differs."`

	DevicesCreate bool `split_words:"true" own:"true" default:"false" desc:"Make the bucket of devices if it is missing although the stream has had receipts. Without this, run and device import refuse, because the devices seem to be lost. The flag --create of both commands does the same."`

	Handlers HandlerList `split_words:"true" for:"worker" secret:"true" default:"[{\"name\":\"stdout\",\"config\":{\"enabled\":true}}]" desc:"The handlers as a JSON array of objects with the keys name, type, config and start; see deploy/config/handlers.example.json. start says where a new lane begins: new (with the next receipt published), oldest, or an RFC 3339 time. The default is new if the stream has older receipts."`

	MaxReceiptBytes ByteSize `split_words:"true" default:"1MB" desc:"A larger receipt becomes a dead letter with the reason oversize. At most 64MiB."`
	MaxKeys         int      `split_words:"true" default:"20000" desc:"A receipt with more JSON object keys, not counting recipients, becomes a dead letter with the reason malformed."`
	MaxRecipients   int      `split_words:"true" default:"20000" desc:"A receipt with more recipients and device ids becomes a dead letter with the reason malformed. Publishers must split it, see docs/publishing.md. 1 to 1000000."`
	MaxDepth        int      `split_words:"true" default:"64" desc:"A receipt whose JSON is nested deeper becomes a dead letter with the reason malformed. 8 to 10000."`

	Retry         Retry
	Dead          Dead
	AckWait       time.Duration `split_words:"true" for:"worker" default:"60s" desc:"If a worker sends no heartbeat for this long, the broker redelivers its receipts. A worker sends a heartbeat three times in this period. At least 1s."`
	ShutdownGrace time.Duration `split_words:"true" default:"25s" desc:"How long a worker may take to finish its work after a stop signal. It hands back the rest. Set it below the limit of your supervisor (Kubernetes: 30s)."`

	LaneMaxBytes ByteSize `split_words:"true" for:"worker" default:"64MiB" desc:"How much memory the receipts of a lane may take in this process, decoded. At this limit the lane stops pulling. It handles a receipt that is larger than the limit alone. At least 1MiB."`

	Events string `split_words:"true" for:"worker" default:"failures" desc:"Which outcomes are recorded for pushworker explain: off, failures (in full if not all devices accepted the push, in brief otherwise) or all (each in full). The stream NAME_EVENTS keeps them for 72h, at most 256MiB."`

	DevicesDisplace bool     `split_words:"true" default:"false" desc:"If a user registers a 33rd device, remove the device with the oldest registration and publish an event. With false the 33rd device is refused."`
	DevicesCache    ByteSize `split_words:"true" for:"worker" default:"32MiB" desc:"How much memory a worker takes to remember users' devices: about 215 bytes for a user with one device. It reads the others from the broker when a receipt needs them. At least 1MiB."`
	DevicesMirror   bool     `split_words:"true" for:"worker" default:"false" desc:"A worker reads all devices when it starts, and keeps them in memory without the limit of PUSHWORKER_DEVICES_CACHE: about 215 bytes for each user with one device. No receipt waits for the broker's answer then."`

	Directory        Place         `split_words:"true" secret:"true" default:"kv" desc:"Who keeps users' devices. kv: pushworker, in the bucket push-devices. nats: the chat server, which workers ask on push.directory.get. postgres://user@host/database: a table of the chat server's database. See docs/directory.md."`
	DirectoryQueries string        `split_words:"true" desc:"SQL file with the two statements for PUSHWORKER_DIRECTORY=postgres://…, see deploy/directory/tinode.sql."`
	DirectoryUIDKey  Secret        `split_words:"true" secret:"true" desc:"Key with which the chat server turns the user ids of its database into those of receipts: Tinode's uid_key, 16 bytes in base64. Only for PUSHWORKER_DIRECTORY=postgres://…; without it the ids are the same."`
	DirectoryTTL     time.Duration `split_words:"true" for:"worker" default:"10s" desc:"How long a worker believes what the chat server or its database said of a user's devices, unless the chat server publishes push.events.devices_changed. 0 asks for each receipt. At most 10m."`

	Admin     Admin
	Pprof     bool `split_words:"true" for:"worker" own:"true" default:"false" desc:"Serve Go profiles under /debug/pprof on the admin address."`
	Log       Log
	StrictEnv bool `split_words:"true" own:"true" default:"false" desc:"Treat an unknown PUSHWORKER_ variable as a fault. With false it is a warning."`

	standard map[string]string // OTEL_…
	sources  map[string]origin
	warnings []Fault
}

// NATS is the connection to the broker. With an empty URL the worker starts the
// embedded broker, and the other commands look for it at Embedded.Addr; of the rest
// of the group only CAFile is then used. At most one of User with Password, Token,
// CredsFile, NkeyFile and a user in the URL is set.
type NATS struct {
	URL         BrokerURL `split_words:"true" secret:"true" desc:"Servers of the broker: nats://host:4222, tls://host:4222, or several with commas between them. Empty means the embedded broker."`
	User        string    `split_words:"true" desc:"User name. It needs PUSHWORKER_NATS_PASSWORD."`
	Password    Secret    `split_words:"true" secret:"true" desc:"Password of PUSHWORKER_NATS_USER."`
	Token       Secret    `split_words:"true" secret:"true" desc:"Token instead of user and password."`
	CredsFile   string    `split_words:"true" desc:"Credentials file with a JWT and an NKey seed, as nsc writes it."`
	NkeyFile    string    `split_words:"true" desc:"File with an NKey seed."`
	InboxPrefix string    `split_words:"true" default:"_INBOX" desc:"First part of the subjects on which the broker's answers arrive. Give each role a prefix of its own, such as _INBOX_worker: a user who may subscribe to another role's inbox can read its receipts and tokens. See deploy/permissions."`
	Domain      string    `split_words:"true" desc:"JetStream domain that has the streams, for a program that is connected to a leaf node or to another domain."`
	APIPrefix   string    `split_words:"true" desc:"Subject that stands for $JS.API, for an account that imports the JetStream of another one. Not together with PUSHWORKER_NATS_DOMAIN."`
	CAFile      string    `split_words:"true" desc:"PEM file of the authorities that sign the broker's certificate. The default is the system's authorities."`
	CertFile    string    `split_words:"true" desc:"PEM certificate that identifies this program to the broker. It needs PUSHWORKER_NATS_KEY_FILE."`
	KeyFile     string    `split_words:"true" desc:"PEM key of PUSHWORKER_NATS_CERT_FILE."`
}

// Embedded is the broker inside the worker, used while NATS.URL is empty.
type Embedded struct {
	Addr     string `split_words:"true" default:"127.0.0.1:4222" desc:"host:port on which the embedded broker listens. If other machines can reach it, it needs PUSHWORKER_EMBEDDED_TOKEN and a certificate, or PUSHWORKER_EMBEDDED_INSECURE."`
	Token    Secret `split_words:"true" secret:"true" desc:"Token with which clients log in to the embedded broker. The other commands use it, too."`
	CertFile string `split_words:"true" desc:"PEM certificate of the embedded broker. Clients then need TLS. The other commands check the certificate with PUSHWORKER_NATS_CA_FILE, or else with the system's authorities."`
	KeyFile  string `split_words:"true" desc:"PEM key of PUSHWORKER_EMBEDDED_CERT_FILE."`
	Insecure bool   `split_words:"true" for:"worker" default:"false" desc:"Let the embedded broker listen where other machines can reach it, even without a token or TLS. Without a token, anybody who reaches it can read and publish everything. Without TLS, anybody on the network can read it."`
	Sync     string `split_words:"true" for:"worker" default:"interval" desc:"When the embedded broker writes to the disk. interval: fsync once a second; a crash of the process loses nothing, a power cut may lose the last second. always: fsync before each publish is acked, about 24 times slower."`
}

// Retry is the retry policy. A handler's config may override the first four
// under "retry".
type Retry struct {
	Base        time.Duration `split_words:"true" for:"worker" default:"1s" desc:"Upper bound of the delay of the first retry. The bound doubles with each attempt. The delay is a random part of the bound."`
	Cap         time.Duration `split_words:"true" for:"worker" default:"10m" desc:"The bound of a retry's delay does not grow beyond this."`
	MaxAge      time.Duration `split_words:"true" for:"worker" default:"6h" desc:"A receipt that is older than this is not tried again and becomes a dead letter with the reason age."`
	MaxAttempts int           `split_words:"true" for:"worker" default:"50" desc:"A receipt that has failed this many times becomes a dead letter with the reason attempts."`
	MaxBytes    ByteSize      `split_words:"true" for:"worker" default:"2GiB" desc:"Size limit of the stream of retries that wait."`
}

// Dead is the dead-letter stream.
type Dead struct {
	MaxAge   time.Duration `split_words:"true" for:"worker" default:"336h" desc:"How long the broker keeps dead letters. At least 1m."`
	MaxBytes ByteSize      `split_words:"true" for:"worker" default:"1GiB" desc:"Size limit of the dead-letter stream."`
}

// Admin is the HTTP server for health, metrics and status.
type Admin struct {
	Addr  string `split_words:"true" own:"true" default:"127.0.0.1:9464" desc:"host:port for health, metrics and status. If other machines can reach it, everything but health and metrics needs PUSHWORKER_ADMIN_TOKEN. Commands of the same user on this machine need no token, because they use the socket admin-PORT.sock in PUSHWORKER_DATA_DIR."`
	Token Secret `split_words:"true" secret:"true" desc:"Bearer token for requests to the admin address."`
}

// Log is the log on stderr.
type Log struct {
	Level  string `split_words:"true" own:"true" default:"info" desc:"Lowest level that is logged: trace, debug, info, warn or error."`
	Format string `split_words:"true" own:"true" default:"auto" desc:"auto, console or json. auto is console on a terminal and json elsewhere."`
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
