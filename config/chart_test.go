package config_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/config"
)

// setByChart are the variables that the chart sets itself; values may not.
var setByChart = []string{"PUSHWORKER_ADMIN_ADDR", "PUSHWORKER_DATA_DIR", "PUSHWORKER_SHUTDOWN_GRACE"}

// The schema of the chart's values knows every variable that makes sense in a pool of
// workers, and lets no secret stand among the plain ones. The broker's URL may be
// either: it is a secret when it has a password.
func TestChartSchemaHasEveryVariable(t *testing.T) {
	const path = "../deploy/chart/values.schema.json"
	var plain, secret []string
	for _, v := range config.Variables() {
		switch name := v.Name; {
		case slices.Contains(setByChart, name), strings.HasPrefix(name, "PUSHWORKER_EMBEDDED_"):
		case v.Secret:
			secret = append(secret, name)
		default:
			plain = append(plain, name)
		}
	}
	plain = append(plain, "PUSHWORKER_NATS_URL")
	for _, v := range config.StandardVariables() {
		if !v.Secret { // those come by extraEnv: there is no twin that names a file
			plain = append(plain, v.Name)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := enumerate(t, enumerate(t, string(data), "plain", plain), "secret", secret)
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(data)); diff != "" {
		t.Errorf("%s is stale; run go test ./config -update (-want +have):\n%s", path, diff)
	}
}

// enumerate replaces the values of a definition of the schema.
func enumerate(t *testing.T, schema, definition string, values []string) string {
	t.Helper()
	list := regexp.MustCompile(`(?s)("` + definition + `": \{"enum": \[\n).*?(\n? {4}\]\})`)
	if n := len(list.FindAllString(schema, -1)); n != 1 {
		t.Fatalf("the schema has %d definitions %q", n, definition)
	}
	slices.Sort(values)
	return list.ReplaceAllString(schema, `${1}      "`+strings.Join(values, "\",\n      \"")+"\"\n    ]}")
}
