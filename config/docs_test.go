package config_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/config"
)

var update = flag.Bool("update", false, "rewrite the generated files")

const (
	begin = "<!-- config:begin -->\n"
	end   = "<!-- config:end -->\n"
)

func TestConfigurationPageHasReferenceTable(t *testing.T) {
	checkTable(t, "../docs/configuration.md", true)
}

// The README may hold the table too; if it does, the table is right.
func TestReadmeHasNoOtherTable(t *testing.T) {
	checkTable(t, "../README.md", false)
}

// checkTable compares what is between the markers of a Markdown file with the
// generated table; with -update it replaces it.
func checkTable(t *testing.T, path string, must bool) {
	t.Helper()
	page, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !must {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), begin)
	have, after, closed := strings.Cut(rest, end)
	if !ok && !must {
		return
	}
	if !ok || !closed {
		t.Fatalf("%s needs the lines %s and %s", path, begin, end)
	}
	var want bytes.Buffer
	if err := config.WriteDocs(&want); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+want.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want.String(), have); diff != "" {
		t.Errorf("%s is stale; run go test ./config -update (-want +have):\n%s", path, diff)
	}
}

const envHeader = `# Every setting of pushworker, each with its default. Copy this file to .env and
# remove the # from what you change. docker compose reads .env by itself; systemd
# does with EnvironmentFile=; a shell with: set -a; . ./.env; set +a
#
# A variable that is empty counts as unset. A secret may come from a file
# instead: set the variable's name with _FILE after it to the path. Those of
# OpenTelemetry, at the end, are for traces; see docs/traces.md.
`

func TestEnvExampleHasEveryVariable(t *testing.T) {
	const path = "../.env.example"
	var want strings.Builder
	want.WriteString(envHeader)
	for _, v := range slices.Concat(config.Variables(), config.StandardVariables()) {
		want.WriteString("\n" + comment(v.Description))
		value := v.Default
		if strings.ContainsAny(value, `"[ `) {
			value = "'" + value + "'"
		}
		fmt.Fprintf(&want, "#%s=%s\n", v.Name, value)
		if v.Secret && strings.HasPrefix(v.Name, config.Prefix) {
			fmt.Fprintf(&want, "#%s_FILE=\n", v.Name)
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(have)); diff != "" {
		t.Errorf("%s is stale; run go test ./config -update (-want +have):\n%s", path, diff)
	}
}

// comment breaks text into lines of at most 79 characters, each with # in front.
func comment(text string) string {
	var b strings.Builder
	line := "#"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > 79 {
			b.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	return b.String() + line + "\n"
}

// Uncommented as it is, the sample is a valid configuration and changes nothing.
func TestEnvExampleLoads(t *testing.T) {
	text, err := os.ReadFile("../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	environ := []string{"PUSHWORKER_STRICT_ENV=true"}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "#"), "="); ok && strings.HasPrefix(name, "PUSHWORKER_") {
			environ = append(environ, name+"="+strings.Trim(value, "'"))
		}
	}
	defaults := mustLoad(t, nil, nil).Effective()
	for i, s := range mustLoad(t, environ, nil).Effective() {
		if want := defaults[i].Value; s.Value != want {
			t.Errorf("%s = %q, want %q", s.Name, s.Value, want)
		}
	}
}

func TestHandlersExampleLoads(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, []string{"PUSHWORKER_HANDLERS_FILE=../deploy/config/handlers.example.json"}, nil)
	if len(c.Handlers) != 1 || c.Handlers[0].Name != "stdout" || !strings.Contains(string(c.Handlers[0].Config), `"enabled": true`) {
		t.Errorf("handlers: %v", c.Handlers)
	}
}

func TestWriteDocsReportsWriteError(t *testing.T) {
	t.Parallel()
	if err := config.WriteDocs(fullDisk{}); !errors.Is(err, errFull) {
		t.Errorf("WriteDocs = %v, want %v", err, errFull)
	}
}

var errFull = errors.New("no space left")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }
