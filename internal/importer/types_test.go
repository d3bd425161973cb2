package importer_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The TypeScript types are those of the schema, take a receipt, and refuse one that is wrong.
func TestExampleTypes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fresh := filepath.Join(dir, "receipt.d.ts")
	cmd := example(t, "", "node", "node/types.mjs", "../../internal/schema/receipt.json", fresh)
	if out, err := cmd.Output(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	have, err := os.ReadFile(filepath.Join(cmd.Dir, "receipt.d.ts"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(fresh)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(have)); diff != "" {
		t.Errorf("cd examples/node && node types.mjs ../../internal/schema/receipt.json writes it (-want +have):\n%s", diff)
	}
	const right = `import type { Receipt } from "./receipt.js";
const receipt: Receipt = { to: { "782riWdFIwE": { unread: 3 } }, payload: { what: "msg", seq: 42, content: "Hello" } };
export default receipt;
`
	for text, refused := range map[string]bool{right: false, strings.Replace(right, "42", `"42"`, 1): true} {
		file := filepath.Join(dir, "publish.ts")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		check := example(t, "", "node", "node/types.mjs")
		check.Args = []string{"node", "node_modules/typescript/bin/tsc", "--noEmit", "--strict", file}
		check.Stderr = nil
		if out, err := check.CombinedOutput(); (err != nil) != refused || refused && !strings.Contains(string(out), "'number'") {
			t.Errorf("tsc of %s: %v\n%s", text, err, out)
		}
	}
}
