package packaging_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// instruction is one instruction of a Dockerfile, continued lines joined.
type instruction struct{ verb, args string }

// dockerfile returns the instructions of the Dockerfile's stages, in order.
func dockerfile(t *testing.T) [][]instruction {
	t.Helper()
	text := regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(read(t, "Dockerfile"), "")
	text = regexp.MustCompile(`\\\n\s*`).ReplaceAllString(text, "")
	var stages [][]instruction
	for line := range strings.Lines(text) {
		verb, args, _ := strings.Cut(strings.TrimSpace(line), " ")
		if verb == "FROM" {
			stages = append(stages, nil)
		}
		if verb != "" {
			last := len(stages) - 1
			stages[last] = append(stages[last], instruction{verb, args})
		}
	}
	return stages
}

// only returns the arguments of a stage's only instruction with a verb.
func only(t *testing.T, stage []instruction, verb string) string {
	t.Helper()
	var found []string
	for _, in := range stage {
		if in.verb == verb {
			found = append(found, in.args)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d %s instructions in the stage, want one", len(found), verb)
	}
	return found[0]
}

// words decodes the exec form of an instruction.
func words(t *testing.T, execForm string) []string {
	t.Helper()
	var out []string
	if err := json.Unmarshal([]byte(execForm), &out); err != nil {
		t.Fatalf("%s is not in exec form, and the image has no shell: %v", execForm, err)
	}
	return out
}

func TestImageIsBuiltByTheGoOfGoMod(t *testing.T) {
	t.Parallel()
	from := only(t, dockerfile(t)[0], "FROM")
	if want := " golang:" + goVersion(t) + "-alpine"; !strings.Contains(from, want) {
		t.Errorf("FROM %s: want %s, the version of go.mod", from, want)
	}
}

func TestImageIsHardened(t *testing.T) {
	t.Parallel()
	stages := dockerfile(t)
	if len(stages) != 2 {
		t.Fatalf("%d stages, want a build stage and the image", len(stages))
	}
	image := stages[1]
	if from := only(t, image, "FROM"); from != "scratch" {
		t.Errorf("FROM %s, want scratch", from)
	}
	user := only(t, image, "USER")
	if !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(user) {
		t.Errorf("USER %s: Kubernetes checks runAsNonRoot on a number, and root is none of ours", user)
	}
	if volume := only(t, image, "VOLUME"); volume != "/data" {
		t.Errorf("VOLUME %s, want /data alone", volume)
	}
	copies := make([]string, 0, len(image))
	for _, in := range image {
		if in.verb == "COPY" {
			copies = append(copies, in.args)
		}
	}
	for _, want := range []string{
		"--from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/",
		"--from=build --chown=" + user + " /out/data /data",
		"--from=build /out/passwd /etc/passwd",
	} {
		if !slices.Contains(copies, want) {
			t.Errorf("the image lacks COPY %s", want)
		}
	}
	if env := only(t, image, "ENV"); env != "PUSHWORKER_DATA_DIR=/data" {
		t.Errorf("ENV %s: the embedded broker must store below the volume", env)
	}
}

func TestMakeAndImageAndLinterUseTheSameBuildTags(t *testing.T) {
	t.Parallel()
	want := capture(t, `(?m)^TAGS\s+:= (\S+)$`, read(t, "Makefile"))
	if got := capture(t, `-tags (\S+)`, read(t, "Dockerfile")); got != want {
		t.Errorf("Dockerfile builds with -tags %s, Makefile with %s", got, want)
	}
	linter := capture(t, `(?m)^\s+build-tags: \[(.+?)\]`, read(t, ".golangci.yml"))
	if got := strings.ReplaceAll(linter, " ", ""); got != want {
		t.Errorf(".golangci.yml checks with build tags %s, Makefile builds with %s", got, want)
	}
	if !slices.Contains(strings.Split(want, ","), "timetzdata") {
		t.Error("without timetzdata the image knows no time zone but UTC")
	}
}
