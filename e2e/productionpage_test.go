package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pushworker/pushworker/internal/blackbox/address"
	"github.com/pushworker/pushworker/internal/blackbox/process"
)

// production is what docs/production.md has its reader set up, as processes of this machine:
// the files and variables are those of the page, with other places and addresses.
type production struct {
	t         *testing.T
	dir, page string
	addresses map[string]string // those of this machine, by node and port
}

func openProduction(t *testing.T) *production {
	t.Helper()
	page, err := os.ReadFile("../docs/production.md")
	if err != nil {
		t.Fatal(err)
	}
	p := &production{t: t, dir: t.TempDir(), page: string(page), addresses: make(map[string]string)}
	certify(t, p.dir, "127.0.0.1")
	return p
}

// at is where a node of the page listens that means to listen at port.
func (p *production) at(node, port string) string {
	p.t.Helper()
	place := node + ":" + port
	if p.addresses[place] == "" {
		p.addresses[place] = address.For(p.t)
	}
	return p.addresses[place]
}

// shown makes the page's places and addresses those of the test.
func (p *production) shown(text string) string {
	p.t.Helper()
	text = regexp.MustCompile(`nats-\d:\d+`).ReplaceAllStringFunc(text, func(place string) string {
		node, port, _ := strings.Cut(place, ":")
		return p.at(node, port)
	})
	return strings.NewReplacer("/etc/nats/", p.dir+"/", "/etc/pushworker/", p.dir+"/").Replace(text)
}

// block is the code block of the page that begins like that.
func (p *production) block(begin string) string {
	p.t.Helper()
	_, text, ok := strings.Cut(p.page, "\n"+begin)
	block, _, ends := strings.Cut(text, "\n```")
	if !ok || !ends {
		p.t.Fatalf("docs/production.md has no block that begins with %q", begin)
	}
	return p.shown(begin + block)
}

// startNodes starts the three nodes of step 1, and waits until they are well.
func (p *production) startNodes() {
	p.t.Helper()
	env := []string{}
	for _, role := range regexp.MustCompile(`PUSHWORKER_(\w+)_PASSWORD=…`).FindAllStringSubmatch(p.page, -1) {
		name := strings.ToLower(role[1])
		env = append(env, "PUSHWORKER_"+role[1]+"_PASSWORD="+name+"-secret")
		p.write("password-"+name, name+"-secret\n")
	}
	nodes := make([]*program, 3)
	for i := 1; i <= 3; i++ {
		name := fmt.Sprintf("nats-%d", i)
		dir := filepath.Join(p.dir, name)
		if err := os.CopyFS(dir, os.DirFS("../deploy/permissions")); err != nil {
			p.t.Fatal(err)
		}
		conf := strings.NewReplacer("server_name: nats-1", "server_name: "+name, "0.0.0.0:4222", p.at(name, "4222"), "0.0.0.0:6222", p.at(name, "6222"),
			"127.0.0.1:8222", p.at(name, "8222")).Replace(p.block("server_name: nats-1"))
		p.write(name+"/"+name+".conf", conf)
		nodes[i-1] = start(p.t, process.Spec{Name: name, Dir: dir, Args: []string{natsServer, "-c", name + ".conf"}, Env: env})
	}
	for i := 1; i <= 3; i++ {
		await(p.t, composeWait, "a node is well", func() bool {
			nodes[i-1].runs()
			resp, err := http.Get("http://" + p.at(fmt.Sprintf("nats-%d", i), "8222") + "/healthz")
			if err != nil {
				return false
			}
			return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
		})
	}
}

// env are the variables of step 2 in a column of the table of roles.
func (p *production) env(column int) []string {
	p.t.Helper()
	env := strings.Split(p.block("PUSHWORKER_NATS_URL="), "\n")
	user := ""
	for _, row := range regexp.MustCompile("(?m)^\\| `(PUSHWORKER_\\w+)` \\| (.*) \\| (.*) \\| (.*) \\|$").FindAllStringSubmatch(p.page, -1) {
		value := strings.Trim(row[1+column], "`")
		switch {
		case row[1] == "PUSHWORKER_NATS_USER":
			user = value
		case strings.HasSuffix(row[1], "_FILE"):
			value = filepath.Join(p.dir, "password-"+user)
		case value == "–":
			continue
		}
		env = append(env, row[1]+"="+value)
	}
	return env
}

// run runs a command of the page in an environment, and returns what it prints.
func (p *production) run(env []string, args ...string) string {
	p.t.Helper()
	if line := "\npushworker " + strings.Join(args, " ") + "\n"; !strings.Contains(p.page, line) {
		p.t.Errorf("docs/production.md has no command%s", line)
	}
	code, out, said := command(p.t, env, args...)
	if code != 0 {
		p.t.Fatalf("pushworker %v ends with %d:\n%s%s", args, code, out, said)
	}
	return out
}

func (p *production) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

const (
	asWorker = 1 + iota // the columns of the table
	asProvisioner
	asOperator
)

// TestProductionPage: three workers on a cluster of three nodes with users, permissions and
// TLS, by the files, variables and commands of the page.
func TestProductionPage(t *testing.T) {
	t.Parallel()
	p, fake := openProduction(t), address.For(t)
	f := start(t, process.Spec{Name: "fcm", Dir: p.dir, Args: []string{binary, "fake", "fcm", "--http", fake, "--credentials", "fcm.json"}})
	await(t, patience, "the fake has written its credentials", func() bool { return strings.Contains(f.log(), fake) })
	p.write("handlers.json", strings.Replace(p.block(`[{"name": "fcm"`), `"time_to_live"`, `"endpoint": "http://`+fake+`/v1", "time_to_live"`, 1))
	p.startNodes()
	if out := p.run(p.env(asProvisioner), "provision"); strings.Count(out, " created\n") != 10 {
		t.Errorf("provision says:\n%s", out)
	}
	workers := make([]*program, 3)
	for i := range workers {
		workers[i] = startWorker(t, p.dir, p.env(asWorker)...)
	}
	for _, w := range workers {
		w.ready(composeWait)
	}
	operator := append(p.env(asOperator), "PUSHWORKER_ADMIN_ADDR="+workers[0].admin)
	if code, _, said := command(t, operator, "device", "put", "--user", "usr782riWdFIwE", "--id", "phone", "--provider", "fcm", "--platform", "android", "--token", "my-token"); code != 0 {
		t.Fatalf("device put ends with %d: %s", code, said)
	}
	worker := append(p.env(asWorker), "PUSHWORKER_ADMIN_ADDR="+workers[0].admin)
	p.run(worker, "healthcheck", "--ready")
	p.run(worker, "doctor")

	chat := p.env(asWorker)
	for i, v := range chat { // step 6 says how a chat server logs in
		chat[i] = strings.NewReplacer("USER=worker", "USER=producer", "_INBOX_worker", "_INBOX_producer", "password-worker", "password-producer").Replace(v)
	}
	p.write("receipt.json", `{"to":{"782riWdFIwE":{"unread":1}},"payload":{"what":"msg","topic":"grpnG99YhENiQU","from":"usrEDJUdpi63P4","seq":1,"content":"Hello"}}`)
	if code, out, said := command(t, chat, "publish", filepath.Join(p.dir, "receipt.json")); code != 0 {
		t.Fatalf("publish ends with %d: %s%s", code, out, said)
	}
	await(t, patience, "the receipt is delivered", func() bool {
		return regexp.MustCompile(`(?m)^fcm +delivered `).MatchString(p.run(operator, "explain", "1"))
	})
	if out := p.run(operator, "status"); !regexp.MustCompile(`(?m)^fcm +0 +0 +0 `).MatchString(out) {
		t.Errorf("status says:\n%s", out)
	}
	for _, w := range workers {
		w.terminate()
	}
	for _, w := range workers {
		if code := w.exit(); code != 0 {
			t.Errorf("a worker ends with %d:\n%s", code, w.log())
		}
	}
}

// certify writes ca.pem, and node.pem and node.key for addresses.
func certify(t *testing.T, dir string, addresses ...string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "node"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, a := range addresses {
		template.IPAddresses = append(template.IPAddresses, net.ParseIP(a))
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, data := range map[string][]byte{"ca.pem": certificate, "node.pem": certificate, "node.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
