// Command mutants breaks the program on purpose, one small way at a time, and runs
// the test that must notice. A mutant that survives is a test that proves nothing.
//
//	make mutants MUTANTSARGS='[-run REGEXP] [-v]'
//
// A test may fail for a reason of its own; -v shows what each said of its mutant.
// It runs at the top of the repository, since the tests are another module's than
// its own. The checkout is not changed: each broken file is laid over the real one with the
// go command's -overlay, also for the binaries that tests build. It refuses to
// make mutants up; the list in list.go holds those that would break a promise of
// the README. What is lost at its border: a mutant that no longer compiles proves
// nothing either, and is told as an error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strings"
	"time"
)

// tags are those of the Makefile.
const tags = "disable_grpc_modules,timetzdata"

// module is the root's.
const module = "github.com/pushworker/pushworker"

// patience bounds one run of a test.
const patience = 5 * time.Minute

func main() {
	only := flag.String("run", "", "only mutants whose name matches this `REGEXP`")
	verbose := flag.Bool("v", false, "show what each test said when it failed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := runAll(ctx, *only, *verbose, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		stop()
		os.Exit(1)
	}
}

// runAll runs the tests without and then with each mutant, and prints a table.
func runAll(ctx context.Context, only string, verbose bool, out io.Writer) error {
	wanted, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	var chosen []mutant
	for _, m := range list() {
		if wanted.MatchString(m.name) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		return errors.New("no mutant has such a name: see mutants/list.go")
	}
	if err := healthy(ctx, chosen); err != nil {
		return err
	}
	return kill(ctx, chosen, verbose, out)
}

// healthy fails if a test fails without a mutant: then it would kill any.
func healthy(ctx context.Context, chosen []mutant) error {
	seen := map[string]bool{}
	for _, m := range chosen {
		if seen[m.pkg+m.test] {
			continue
		}
		seen[m.pkg+m.test] = true
		if output, err := runTest(ctx, m, ""); err != nil || !strings.Contains(output, "--- PASS: "+m.test) {
			return fmt.Errorf("%s of %s does not pass without a mutant: correct it first: %w\n%s", m.test, m.pkg, err, output)
		}
	}
	return nil
}

// kill runs each mutant's test.
func kill(ctx context.Context, chosen []mutant, verbose bool, out io.Writer) error {
	const row = "%-48s  %-44s  %7v\n"
	if _, err := fmt.Fprintf(out, row, "MUTANT", "KILLED BY", "SECONDS"); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	var alive []string
	for _, m := range chosen {
		began := time.Now()
		said, killed, err := m.attempt(ctx)
		by := strings.TrimPrefix(m.pkg, "./") + " " + m.test
		if err != nil || !killed {
			alive = append(alive, strings.TrimSpace(fmt.Sprintf("%s: %s does not notice it. %s", m.name, by, errorText(err))))
			by = "NOT KILLED"
		}
		line := fmt.Sprintf(row, m.name, by, time.Since(began).Round(time.Second/10).Seconds())
		if verbose {
			line += said + "\n"
		}
		if _, err := io.WriteString(out, line); err != nil {
			return fmt.Errorf("print the table: %w", err)
		}
	}
	if len(alive) > 0 {
		return fmt.Errorf("%d of %d mutants are alive; write or correct the test for each:\n%s", len(alive), len(chosen), strings.Join(alive, "\n"))
	}
	return nil
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// attempt reports whether the mutant's test notices it, and what the test said.
func (m mutant) attempt(ctx context.Context) (said string, killed bool, err error) {
	overlay, remove, err := m.overlay()
	if err != nil {
		return "", false, err
	}
	defer remove()
	said, err = runTest(ctx, m, overlay)
	switch {
	case ctx.Err() != nil:
		return said, false, context.Cause(ctx)
	case strings.Contains(said, "[build failed]") || strings.Contains(said, "[setup failed]"):
		return said, false, fmt.Errorf("does not compile; change it in mutants/list.go:\n%s", said)
	case err == nil:
		return said, false, nil
	case strings.Contains(said, "--- FAIL") || strings.Contains(said, "panic:"):
		return said, true, nil
	}
	return said, false, fmt.Errorf("the test did not run: %w\n%s", err, said)
}

// runTest runs m's test, with the overlay if there is one. GOFLAGS carries it into
// what the test itself builds.
func runTest(ctx context.Context, m mutant, overlay string) (output string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	pkg := module + strings.TrimPrefix(m.pkg, ".")                                                              // the root's, or one that it requires
	cmd := exec.CommandContext(ctx, "go", "test", "-v", "-count=1", "-tags", tags, "-run", "^"+m.test+"$", pkg) //nolint:gosec // the names are list.go's
	cmd.Dir = m.root
	cmd.Env = append(os.Environ(), "RAPID_NOFAILFILE=1", "RAPID_SHRINKTIME=1s") // it is known what is broken
	if overlay != "" {
		cmd.Env = append(cmd.Env, "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -overlay="+overlay))
	}
	text, err := cmd.CombinedOutput()
	return string(text), err
}
