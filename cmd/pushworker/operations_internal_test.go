package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pushworker/pushworker/internal/cli/terminal"
)

// operations is the document that scripts play.
const operations = "../../docs/operations.md"

// page is a section of the document, as a script plays it.
type page struct {
	title  string
	played int
	// shown pairs what is this machine's with what the document has instead.
	shown []string
}

// openPage begins to play the section with a title. At the end all its console
// blocks must have been played.
func openPage(ts *testscript.TestScript, _ bool, args []string) {
	w, p := worldOf(ts), &page{title: args[0]}
	w.page = p
	ts.Defer(func() {
		if blocks := blocksOf(readOperations(ts), p.title); !w.tb.Failed() && len(blocks) != p.played {
			w.tb.Errorf("%s, %q: %d of %d console blocks were played", operations, p.title, p.played, len(blocks))
		}
	})
}

// showAs has the document show one text instead of another, such as an address.
func showAs(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	w.page.shown = append(w.page.shown, args[0], args[1], strings.TrimPrefix(args[0], "nats://"), strings.TrimPrefix(args[1], "nats://"))
}

// play runs the commands of the next console block of the page, in one shell, and
// holds what they print against the block: all but times, ages, sizes and hashes,
// and the white space, which depends on them. With UPDATE_SCRIPTS it corrects the
// block. The whole output is the script's stdout afterwards.
func play(ts *testscript.TestScript, _ bool, _ []string) {
	w := worldOf(ts)
	if w.page == nil {
		ts.Fatalf("no page is open: page TITLE")
	}
	blocks := blocksOf(readOperations(ts), w.page.title)
	if w.page.played == len(blocks) {
		ts.Fatalf("%s, %q has no more than %d console blocks", operations, w.page.title, len(blocks))
	}
	block := blocks[w.page.played]
	w.page.played++
	got := w.page.perform(ts, parseConsole(block))
	if slices.EqualFunc(parseConsole(block), got, same) {
		return
	}
	if os.Getenv("UPDATE_SCRIPTS") == "" {
		ts.Fatalf("%s, %q, block %d: the commands do not print this any more (UPDATE_SCRIPTS=1 corrects it); they print:\n%s",
			operations, w.page.title, w.page.played, writeConsole(got))
	}
	updateOperations(ts, w.page.title, w.page.played-1, writeConsole(got))
}

// step is a command as it is typed, its lines after the first with "> " in front,
// and what it prints.
type step struct{ command, output string }

// perform runs the commands in one shell and returns them with their output.
func (p *page) perform(ts *testscript.TestScript, steps []step) []step {
	const end = "\x1e" // ASCII's record separator
	var script strings.Builder
	script.WriteString("exec 2>&1\n")
	for _, s := range steps {
		script.WriteString(s.command + "\ncode=$?; printf '\\036'; (exit $code)\n") // $? is the next command's to ask
	}
	ts.Check(os.WriteFile(ts.MkAbs("block.sh"), []byte(script.String()), 0o600))
	_ = ts.Exec("sh", "block.sh") // the document shows what comes of it
	shown := slices.Concat(p.shown, []string{
		cmp.Or(ts.Getenv("FAKE"), "http://no.fake"), "https://fcm.googleapis.com",
		cmp.Or(ts.Getenv("PUSHWORKER_EMBEDDED_ADDR"), "no.broker"), "127.0.0.1:4222",
		cmp.Or(ts.Getenv("PUSHWORKER_ADMIN_ADDR"), "no.worker"), "127.0.0.1:9464",
		ts.Getenv("WORK"), "/var/lib/pushworker",
	})
	outputs := strings.Split(strings.NewReplacer(shown...).Replace(ts.ReadFile("stdout")), end)
	if len(outputs) != len(steps)+1 {
		ts.Fatalf("%s, %q, block %d: the shell ended early:\n%s", operations, p.title, p.played, outputs[len(outputs)-1])
	}
	got := slices.Clone(steps)
	for i := range got {
		got[i].output = fold(outputs[i])
	}
	ts.Check(os.WriteFile(ts.MkAbs("block.out"), []byte(strings.Join(outputs, "")), 0o600))
	ts.Check(ts.Exec("cat", "block.out"))
	return got
}

// blocksOf returns the console blocks of the section with a title.
func blocksOf(document, title string) (blocks []string) {
	_, section, _ := strings.Cut(document, "\n## "+title+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, m := range consoleBlock.FindAllStringSubmatch(section, -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

var consoleBlock = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")

func parseConsole(block string) (steps []step) {
	for line := range strings.Lines(block) {
		command, begins := strings.CutPrefix(line, "$ ")
		more, goesOn := strings.CutPrefix(line, "> ")
		switch last := len(steps) - 1; {
		case begins:
			steps = append(steps, step{command: strings.TrimSuffix(command, "\n")})
		case goesOn && steps[last].output == "":
			steps[last].command += "\n" + strings.TrimSuffix(more, "\n")
		default:
			steps[last].output += line
		}
	}
	return steps
}

func writeConsole(steps []step) string {
	var b strings.Builder
	for _, s := range steps {
		b.WriteString("$ " + strings.ReplaceAll(s.command, "\n", "\n> ") + "\n" + s.output)
	}
	return b.String()
}

// fold breaks lines as a narrow terminal does, but between words.
func fold(output string) string {
	var b strings.Builder
	for line := range strings.Lines(output) {
		for utf8.RuneCountInString(strings.TrimRight(line, "\n")) > terminal.ScreenWidth {
			cut := strings.LastIndexByte(string([]rune(line)[:terminal.ScreenWidth+1]), ' ')
			if cut <= 0 {
				break
			}
			b.WriteString(line[:cut] + "\n")
			line = line[cut+1:]
		}
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}

// operationsFile serializes who reads and corrects the document.
var operationsFile sync.Mutex

func readOperations(ts *testscript.TestScript) string {
	operationsFile.Lock()
	defer operationsFile.Unlock()
	text, err := os.ReadFile(operations)
	ts.Check(err)
	return string(text)
}

// updateOperations replaces a block of a section.
func updateOperations(ts *testscript.TestScript, title string, block int, with string) {
	operationsFile.Lock()
	defer operationsFile.Unlock()
	text, err := os.ReadFile(operations)
	ts.Check(err)
	before, section, _ := strings.Cut(string(text), "\n## "+title+"\n")
	at := consoleBlock.FindAllStringSubmatchIndex(section, -1)[block]
	section = section[:at[2]] + with + section[at[3]:]
	ts.Check(os.WriteFile(operations, []byte(before+"\n## "+title+"\n"+section), 0o644))
}

// TestOperationsArePlayed holds the document to its own rules: scripts play every
// page that shows commands, and everything fits a narrow terminal.
func TestOperationsArePlayed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(operations)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var scripts strings.Builder
	for _, file := range files {
		script, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		scripts.Write(script)
	}
	pages := regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(string(text), -1)
	for _, p := range pages {
		blocks := blocksOf(string(text), p[1])
		if len(blocks) > 0 && !strings.Contains(scripts.String(), fmt.Sprintf("\npage '%s'\n", strings.ReplaceAll(p[1], "'", "''"))) {
			t.Errorf("no script plays the page %q", p[1])
		}
		for line := range strings.Lines(strings.Join(blocks, "")) {
			if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > terminal.ScreenWidth && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("%q: wider than %d columns: %s", p[1], terminal.ScreenWidth, line)
			}
		}
	}
	if len(pages) < 9 {
		t.Errorf("the document has %d pages", len(pages))
	}
}
