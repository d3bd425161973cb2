package packaging_test

import (
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// stamp is the version that the tested binary is built as.
const stamp = "v0.0.0-packaging-test"

// buildContext lays out what the Dockerfile's build stage copies, refusing what
// .dockerignore would keep from it, and returns the folder.
func buildContext(t *testing.T, stage []instruction) string {
	t.Helper()
	dir := t.TempDir()
	sent := strings.Split(read(t, ".dockerignore"), "\n")
	for _, in := range stage {
		if in.verb != "COPY" {
			continue
		}
		fields := strings.Fields(in.args)
		for _, source := range fields[:len(fields)-1] {
			if !slices.Contains(sent, "!"+source) {
				t.Fatalf("COPY %s: .dockerignore does not let it through", source)
			}
			copyInto(t, dir, source)
		}
	}
	return dir
}

// copyInto copies a file or folder of the repository's root into dir.
func copyInto(t *testing.T, dir, name string) {
	t.Helper()
	source := filepath.Join(root, name)
	info, err := os.Stat(source)
	if err != nil {
		t.Fatal(err)
	}
	if info.IsDir() {
		err = os.CopyFS(filepath.Join(dir, name), os.DirFS(source))
	} else {
		err = os.WriteFile(filepath.Join(dir, name), []byte(read(t, name)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// buildAsImage runs the Dockerfile's go build on the Dockerfile's build context
// and returns the binary.
func buildAsImage(t *testing.T) string {
	t.Helper()
	stage := dockerfile(t)[0]
	out := t.TempDir()
	var script string
	for _, in := range stage {
		if in.verb == "RUN" && strings.Contains(in.args, " go build ") {
			_, script, _ = strings.Cut(in.args, "CGO_ENABLED=")
		}
	}
	if script == "" {
		t.Fatal("no RUN CGO_ENABLED=0 … go build in the build stage")
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "CGO_ENABLED="+strings.ReplaceAll(script, "/out/", out+"/"))
	cmd.Dir = buildContext(t, stage)
	cmd.Env = append(os.Environ(), "TARGETOS="+runtime.GOOS, "TARGETARCH="+runtime.GOARCH, "VERSION="+stamp)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, text)
	}
	return filepath.Join(out, "pushworker")
}

// run runs a binary and returns what it printed and its exit code.
func run(t *testing.T, binary string, environ []string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = environ
	text, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(text), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(text), 0
}

func TestImageBinary(t *testing.T) {
	t.Parallel()
	binary := buildAsImage(t)
	t.Run("is static", func(t *testing.T) {
		t.Parallel()
		assertStatic(t, binary)
	})
	t.Run("says its version", func(t *testing.T) {
		t.Parallel()
		text, code := run(t, binary, nil, "version")
		if code != 0 || !strings.Contains(text, stamp) {
			t.Errorf("version: exit %d, %q lacks %s", code, text, stamp)
		}
	})
	t.Run("has the image's default command", func(t *testing.T) {
		t.Parallel()
		name := words(t, only(t, dockerfile(t)[1], "CMD"))[0]
		text, code := run(t, binary, nil, name, "--help")
		if code != 0 || !strings.Contains(text, "pushworker "+name) {
			t.Errorf("%s --help: exit %d, %q is not its help", name, code, text)
		}
	})
	t.Run("passes and fails the image's health check", func(t *testing.T) {
		t.Parallel()
		assertHealthCheck(t, binary)
	})
	t.Run("holds no module below its security floor", func(t *testing.T) {
		t.Parallel()
		assertFloors(t, binary)
	})
}

// assertStatic fails if a Linux binary needs a dynamic linker, which the image
// does not have.
func assertStatic(t *testing.T, binary string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		return // only Linux binaries go into the image
	}
	file, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the binary asks for a dynamic linker")
		}
	}
}

// assertHealthCheck runs the image's health check against a worker that is well
// and one that is not there, at the address form that the compose file uses.
func assertHealthCheck(t *testing.T, binary string) {
	t.Helper()
	image := dockerfile(t)[1]
	_, execForm, _ := strings.Cut(only(t, image, "HEALTHCHECK"), "CMD ")
	check := words(t, execForm)
	if entry := words(t, only(t, image, "ENTRYPOINT")); check[0] != entry[0] {
		t.Fatalf("the health check runs %s, the image %s", check[0], entry[0])
	}
	admin := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	_, port, _ := strings.Cut(admin.Listener.Addr().String(), ":")
	environ := []string{"PUSHWORKER_ADMIN_ADDR=0.0.0.0:" + port}
	if text, code := run(t, binary, environ, check[1:]...); code != 0 {
		t.Errorf("health check of a healthy worker: exit %d: %s", code, text)
	}
	admin.Close()
	if text, code := run(t, binary, environ, check[1:]...); code == 0 || code == 2 {
		t.Errorf("health check of a dead worker: exit %d (2 is a usage error): %s", code, text)
	}
}

// floors are the lowest versions without a known vulnerability that concerns
// us; `make vuln` asks the live database.
var floors = map[string]string{
	"github.com/nats-io/nats-server/v2": "v2.15.0", // CVE-2026-58250, -58254 and earlier
	"github.com/nats-io/nkeys":          "v0.4.6",  // CVE-2023-46129
	"golang.org/x/crypto":               "v0.56.0", // CVE-2026-78662, -56855
	"golang.org/x/net":                  "v0.55.0", // CVE-2025-47911, CVE-2026-33814
	"google.golang.org/grpc":            "v1.83.1", // CVE-2026-33186, -84304
}

// assertFloors reads the modules that the linker put into the binary.
func assertFloors(t *testing.T, binary string) {
	t.Helper()
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, module := range info.Deps {
		floor, ok := floors[module.Path]
		if !ok {
			continue
		}
		checked++
		if slices.Compare(numbers(t, module.Version), numbers(t, floor)) < 0 {
			t.Errorf("%s %s is below %s: go get %[1]s@latest", module.Path, module.Version, floor)
		}
	}
	if checked < 2 {
		t.Errorf("%d of %d floors apply; the list names the wrong modules", checked, len(floors))
	}
}

// numbers returns the numbers of a version, for example [1 2 3] of v1.2.3-pre.
func numbers(t *testing.T, version string) []int {
	t.Helper()
	release, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), "-")
	var out []int
	for part := range strings.SplitSeq(release, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			t.Fatalf("version %s: %v", version, err)
		}
		out = append(out, n)
	}
	return out
}
