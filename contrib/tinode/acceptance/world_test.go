package acceptance_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// world is a Tinode server, a broker, a worker and two fakes of Firebase: google takes
// what Tinode's own handler fcm sends, and fake what the worker sends.
type world struct {
	dir, bin string
	chatAddr string
	broker   string // address
	postgres string // address
	config   string // of Tinode
	queue    string // the file in which Tinode keeps receipts
	chatEnv  []string

	google, fake           *process
	googleAddr, fakeAddr   string
	nats, chat, worker     *process
	googleAccount, account string // files
}

// section is the part of a handler's config that Tinode and the worker share.
const section = `"enabled": true, "time_to_live": 3600, "apns_bundle_id": "co.example.chat",
 "android": {"enabled": true, "icon": "ic_logo_push", "color": "#3949AB", "click_action": ".MessageActivity",
  "msg": {"title_loc_key": "new_message", "body": "$content"}, "sub": {"title_loc_key": "new_chat"}},
 "apns": {"enabled": true, "msg": {"title_loc_key": "new_message", "body": "$content"}, "sub": {"title_loc_key": "new_chat"}},
 "webpush": {"enabled": true}`

// newWorld builds everything and starts it.
func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{dir: dir, bin: build(t, dir), chatAddr: freeAddr(t), broker: freeAddr(t)}
	w.google, w.googleAddr, w.googleAccount = w.startFake(t, "google")
	w.fake, w.fakeAddr, w.account = w.startFake(t, "fake")
	w.chatEnv = startProxy(t, w.googleAddr, dir)
	w.postgres, w.queue = startPostgres(t), filepath.Join(dir, "push.queue")
	w.config = w.writeConfig(t, w.postgres)
	command(t, dir, nil, nil, filepath.Join(w.bin, "tinode-db"), "-config", w.config, "-reset")
	w.startBroker(t)
	w.startWorker(t)
	w.startChat(t)
	return w
}

// build makes the programs, Tinode's as docs/from-tinode.md says.
func build(t *testing.T, dir string) (bin string) {
	t.Helper()
	began := time.Now()
	repo, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	bin, source := filepath.Join(dir, "bin")+"/", filepath.Join(dir, "tinode")
	module := strings.TrimSpace(command(t, "..", nil, nil, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/tinode/chat"))
	if err := os.CopyFS(source, os.DirFS(module)); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(source, "server", "pushworker.go"), "package main\n\nimport _ \"github.com/pushworker/pushworker/contrib/tinode\"\n")
	command(t, source, nil, nil, "go", "work", "init", ".", repo+"/contrib/tinode", repo+"/pkg/publisher", repo+"/pkg/push")
	plain := []string{"GOFLAGS="}
	command(t, source, plain, nil, "go", "build", "-tags", "postgres", "-o", bin, "./server", "./tinode-db")
	command(t, repo, plain, nil, "go", "build", "-tags", "disable_grpc_modules,timetzdata", "-o", bin,
		"./cmd/pushworker", "github.com/nats-io/nats-server/v2")
	counted(t, "built Tinode, pushworker and nats-server in %v", time.Since(began).Round(time.Second))
	return bin
}

// startFake starts a fake of Firebase.
func (w *world) startFake(t *testing.T, name string) (p *process, addr, account string) {
	t.Helper()
	addr, account = freeAddr(t), filepath.Join(w.dir, name+".json")
	p = start(t, w.dir, name, nil, nil, filepath.Join(w.bin, "pushworker"), "fake", "fcm",
		"--addr", addr, "--credentials", account, "--reveal")
	listens(t, addr)
	return p, addr, account
}

func (w *world) startBroker(t *testing.T) {
	t.Helper()
	w.nats = start(t, w.dir, "nats-server", nil, nil, filepath.Join(w.bin, "nats-server"),
		"-a", "127.0.0.1", "-p", port(w.broker), "-js", "-sd", filepath.Join(w.dir, "nats"))
	listens(t, w.broker)
}

// held is how many receipts the worker takes at a time, which bounds what it sends twice
// after a kill.
const held = 16

func (w *world) startWorker(t *testing.T) {
	t.Helper()
	admin := freeAddr(t)
	handlers := `[{"name":"fcm","config":{"credentials_file":"` + w.account + `","endpoint":"http://` + w.fakeAddr + `/v1","buffer":` + strconv.Itoa(held) + `,
	 "improvements":{"clear_badge":false,"collapse_per_message":false,"remaining_ttl":false,"shrink":false,"tolerate_content":false,"quiet":false,"whole_characters":false,"all_keys":false},
	 ` + section + `}}]`
	w.worker = start(t, w.dir, "worker", []string{
		"PUSHWORKER_NATS_URL=nats://" + w.broker, "PUSHWORKER_DIRECTORY=nats", "PUSHWORKER_HANDLERS=" + handlers,
		"PUSHWORKER_ADMIN_ADDR=" + admin, "PUSHWORKER_ACK_WAIT=5s",
	}, nil, filepath.Join(w.bin, "pushworker"), "run")
	listens(t, admin)
}

func (w *world) startChat(t *testing.T) {
	t.Helper()
	w.chat = start(t, w.dir, "tinode", w.chatEnv, nil, filepath.Join(w.bin, "server"), "-config", w.config, "-static_data", "-")
	listens(t, w.chatAddr)
}

// writeConfig makes Tinode's configuration: its own handler, and ours beside it.
func (w *world) writeConfig(t *testing.T, postgres string) string {
	t.Helper()
	return write(t, filepath.Join(w.dir, "tinode.conf"), `{
 "listen": "`+w.chatAddr+`", "api_path": "/", "expvar": "-",
 "api_key_salt": "T713/rYYgW7g4m3vG6zGRh7+FM1t0T8j13koXScOAj4=",
 "max_message_size": 4194304, "max_subscriber_count": 32, "max_tag_count": 16, "p2p_delete_enabled": true,
 "auth_config": {
  "basic": {"min_login_length": 3, "min_password_length": 3},
  "token": {"expire_in": 1209600, "serial_num": 1, "key": "wfaY2RgF2S1OQI/ZlK+LSrp1KB2jwAdGAIHQ7JZn+Kc="}
 },
 "store_config": {
  "uid_key": "la6YsO+bNX/+XIkOqc5Svw==", "use_adapter": "postgres",
  "adapters": {"postgres": {"dsn": "postgresql://postgres@`+postgres+`/tinode?sslmode=disable"}}
 },
 "webrtc": {"enabled": true, "call_establishment_timeout": 30, "ice_servers": [{"urls": ["stun:127.0.0.1:3478"]}]},
 "push": [
  {"name": "fcm", "config": {"credentials_file": "`+w.googleAccount+`", `+section+`}},
  {"name": "pushworker", "config": {"enabled": true, "url": "nats://`+w.broker+`", "file": "`+w.queue+`"}}
 ]
}`)
}
