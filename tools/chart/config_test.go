package chart_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
)

// The real worker checks the environment that a pod gets: an unknown variable, a value
// that it cannot read and a handler's wrong key are faults.
func TestWorkerAcceptsItsEnvironment(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r rendered) {
		t.Helper()
		accepted(t, r, r.deploys[0].Spec.Template.Spec)
		for _, job := range r.jobs {
			accepted(t, r, job.Spec.Template.Spec)
		}
	})
}

// accepted has the real worker check the environment of a pod.
func accepted(t *testing.T, r rendered, pod core.PodSpec) {
	t.Helper()
	files := mounted(t, r, pod)
	cmd := exec.CommandContext(t.Context(), pushworker, "config", "check")
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PUSHWORKER_STRICT_ENV=true"}
	for _, from := range pod.Containers[0].EnvFrom {
		for name, value := range configMap(t, r, from.ConfigMapRef.Name).Data {
			cmd.Env = append(cmd.Env, name+"="+files.Replace(value))
		}
	}
	for _, v := range pod.Containers[0].Env {
		cmd.Env = append(cmd.Env, v.Name+"="+files.Replace(v.Value))
	}
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("config check: %v\n%s%s", err, text, strings.Join(cmd.Env, "\n"))
	}
}

// mounted writes what the pod's volumes hold below a folder, and returns what replaces the
// container's paths by those.
func mounted(t *testing.T, r rendered, pod core.PodSpec) *strings.Replacer {
	t.Helper()
	dir := t.TempDir()
	var pairs []string
	volumes := make(map[string]core.VolumeSource)
	for _, v := range pod.Volumes {
		volumes[v.Name] = v.VolumeSource
	}
	for _, mount := range pod.Containers[0].VolumeMounts {
		at := filepath.Join(dir, mount.MountPath)
		if err := os.MkdirAll(at, 0o700); err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, mount.MountPath, at)
		source, ok := volumes[mount.Name]
		if !ok {
			t.Errorf("volume %s is mounted and not there", mount.Name)
		}
		if source.ConfigMap != nil {
			for name, text := range configMap(t, r, source.ConfigMap.Name).Data {
				write(t, at, name, text)
			}
		}
		if source.Projected != nil {
			for _, s := range source.Projected.Sources {
				write(t, at, s.Secret.Items[0].Path, secret(t, s.Secret.Items[0].Path))
			}
		}
	}
	// The handlers name files that are mounted.
	replacer := strings.NewReplacer(pairs...)
	handlers := filepath.Join(dir, "etc/pushworker/handlers")
	data, err := os.ReadFile(filepath.Join(handlers, "handlers.json"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, handlers, "handlers.json", replacer.Replace(string(data)))
	return replacer
}

// secret is what stands in a Secret for the test: the key of a service account, or a word.
func secret(t *testing.T, path string) string {
	t.Helper()
	switch path {
	case "fcm.json":
	case "PUSHWORKER_DIRECTORY":
		return "postgres://push:secret@db.example/tinode"
	default:
		return "secret"
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	account, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "p", "client_email": "a@example.com", "token_uri": "https://example.com/token",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(account)
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func configMap(t *testing.T, r rendered, name string) core.ConfigMap {
	t.Helper()
	for _, m := range r.configMaps {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("no ConfigMap %s", name)
	return core.ConfigMap{}
}

// Another setting or handler makes new pods, and the same makes none.
func TestChangesRollOut(t *testing.T) {
	t.Parallel()
	sum := func(args ...string) string {
		return render(t, args...).deploys[0].Spec.Template.Annotations["checksum/config"]
	}
	one := sum()
	if sum() != one {
		t.Error("the same values make other pods")
	}
	for _, change := range []string{"config.PUSHWORKER_LOG_LEVEL=debug", "handlers[0].name=stdout,handlers[0].config.buffer=8"} {
		if sum("--set", change) == one {
			t.Errorf("%s changes no pod", change)
		}
	}
}

// What the chart refuses, and with which words.
func TestFaultsAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ value, says string }{
		"a misspelt value":             {`replica=3`, "replica"},
		"a variable that is not known": {`config.PUSHWORKER_NATS_URI=nats://a`, "PUSHWORKER_NATS_URI"},
		"a variable of the chart":      {`config.PUSHWORKER_SHUTDOWN_GRACE=2m`, "PUSHWORKER_SHUTDOWN_GRACE"},
		"a secret in plain text":       {`config.PUSHWORKER_NATS_PASSWORD=x`, "PUSHWORKER_NATS_PASSWORD"},
		"a password in the URL":        {`config.PUSHWORKER_NATS_URL=nats://u:p@a`, "pattern"},
		"a secret of a handler":        {`handlers[0].config.credentials.type=x`, "credentials"},
		"a worker's variable beside":   {`extraEnv[0].name=PUSHWORKER_NATS_TOKEN`, "extraEnv"},
		"no broker":                    {`config.PUSHWORKER_NATS_URL=null`, "set config.PUSHWORKER_NATS_URL"},
		"no handler":                   {`handlers=null`, "set handlers"},
		"handlers twice":               {`secretConfig.PUSHWORKER_HANDLERS.secret=a,secretConfig.PUSHWORKER_HANDLERS.key=b`, "leave the other empty"},
		"no worker at all":             {`autoscaling.minReplicas=0`, "minReplicas"},
		"statements twice":             {`directoryQueries.sql=a,directoryQueries.secret=b`, "set one of directoryQueries"},
		"statements here and there":    {`directoryQueries.sql=a,config.PUSHWORKER_DIRECTORY_QUERIES=/b`, "set either directoryQueries"},
		"a secret of the Job's":        {`provision.config.PUSHWORKER_NATS_TOKEN=a`, "PUSHWORKER_NATS_TOKEN"},
		"a scaler without lanes":       {`autoscaling.enabled=true`, "name the lanes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := chart(t, "template", "push", filepath.Join(root, "deploy/chart"), "--set", c.value)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("--set %s: %v, does not say %q", c.value, err, c.says)
			}
		})
	}
}

// The list of handlers may be a secret as a whole, for webhook and webpush.
func TestHandlersFromASecret(t *testing.T) {
	t.Parallel()
	r := render(t, "--set-json", `handlers=[]`, "--set", "secretConfig.PUSHWORKER_HANDLERS.secret=push,secretConfig.PUSHWORKER_HANDLERS.key=handlers.json")
	c := r.deploys[0].Spec.Template.Spec.Containers[0]
	if got := variable(t, c, "PUSHWORKER_HANDLERS_FILE"); got != "/etc/pushworker/variables/PUSHWORKER_HANDLERS" {
		t.Errorf("PUSHWORKER_HANDLERS_FILE is %s", got)
	}
	seen := 0
	for _, v := range c.Env {
		if v.Name == "PUSHWORKER_HANDLERS_FILE" {
			seen++
		}
	}
	if seen != 1 {
		t.Errorf("PUSHWORKER_HANDLERS_FILE is set %d times", seen)
	}
}

func TestHandlersAreJSON(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r rendered) {
		t.Helper()
		var handlers []map[string]any
		if err := json.Unmarshal([]byte(configMap(t, r, r.deploys[0].Name+"-handlers").Data["handlers.json"]), &handlers); err != nil || len(handlers) != 1 {
			t.Errorf("%v: %v", err, handlers)
		}
	})
}
