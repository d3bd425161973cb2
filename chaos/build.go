package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// The packages that are built, and their tags, which are the Makefile's.
const (
	workerPackage = "github.com/pushworker/pushworker/cmd/pushworker"
	brokerPackage = "github.com/nats-io/nats-server/v2"
	workerTags    = "disable_grpc_modules,timetzdata"
)

// programs are the paths of what is under test.
type programs struct{ worker, broker string }

// build builds the programs into dir, with a movable clock if clock is set.
func build(ctx context.Context, dir string, clock bool) (programs, error) {
	p := programs{worker: filepath.Join(dir, "pushworker"), broker: filepath.Join(dir, "nats-server")}
	var overlay []string
	if clock {
		p = programs{worker: filepath.Join(dir, "pushworker-clock"), broker: filepath.Join(dir, "nats-server-clock")}
		file, err := clockOverlay(ctx, dir)
		if err != nil {
			return p, err
		}
		overlay = []string{"-overlay", file}
	}
	for out, pkg := range map[string]string{p.worker: workerPackage, p.broker: brokerPackage} {
		args := append([]string{"build", "-tags", workerTags, "-o", out}, append(overlay, pkg)...)
		if text, err := exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil { //nolint:gosec // constants and our own paths
			return p, fmt.Errorf("build %s: %w: %s", pkg, err, text)
		}
	}
	return p, nil
}

// clockFile is the variable that names the file with the seconds that the clock of
// a program built with the overlay is ahead.
const clockFile = "CHAOS_CLOCK"

const (
	clockNow   = "TEXT time·now<ABIInternal>(SB)"
	chaosNow   = "TEXT ·chaosNow<ABIInternal>(SB)"
	clockTimes = `//go:build !faketime && linux && amd64

package runtime

import _ "unsafe"

// chaosWallOffset is written by package os.
//
//go:linkname chaosWallOffset
var chaosWallOffset int64

func chaosNow() (sec int64, nsec int32, mono int64)

//go:linkname time_now time.now
//go:nosplit
func time_now() (sec int64, nsec int32, mono int64) {
	sec, nsec, mono = chaosNow()
	return sec + chaosWallOffset, nsec, mono
}
`
	clockReader = `package os

import (
	"time"
	_ "unsafe"
)

//go:linkname chaosWallOffset runtime.chaosWallOffset
var chaosWallOffset int64

func init() {
	name := Getenv("` + clockFile + `")
	if name == "" {
		return
	}
	go func() {
		for ; ; time.Sleep(20 * time.Millisecond) {
			text, err := ReadFile(name)
			if err != nil {
				continue
			}
			n, sign := int64(0), int64(1)
			for _, c := range text {
				if c == '-' {
					sign = -1
				} else {
					n = n*10 + int64(c-'0')
				}
			}
			chaosWallOffset = sign * n
		}
	}()
}
`
)

// errNoClock says that the clock of this Go cannot be moved.
var errNoClock = errors.New("the wall clock of programs cannot be moved with this Go on this machine")

// clockOverlay writes an overlay for the go command in which the wall clock is
// ahead by what a file says, and the monotonic clock is not touched. That is what
// a clock that is set does to a process. It needs no library that intercepts
// calls, which a static Go program makes none of.
func clockOverlay(ctx context.Context, dir string) (file string, err error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return "", fmt.Errorf("%w: it is written for linux/amd64", errNoClock)
	}
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("ask for GOROOT: %w", err)
	}
	src := filepath.Join(strings.TrimSpace(string(out)), "src")
	asm := filepath.Join(src, "runtime", "time_linux_amd64.s")
	text, err := os.ReadFile(asm) //nolint:gosec // a file of the Go distribution
	if err != nil || !strings.Contains(string(text), clockNow) {
		return "", fmt.Errorf("%w: its source is another than expected", errNoClock)
	}
	replace := map[string]string{
		asm: strings.Replace(string(text), clockNow, chaosNow, 1),
		filepath.Join(src, "runtime", "timeasm.go"):   clockTimes,
		filepath.Join(src, "os", "zz_chaos_clock.go"): clockReader,
	}
	for original, content := range replace {
		replace[original] = filepath.Join(dir, "overlay-"+filepath.Base(original))
		if err := os.WriteFile(replace[original], []byte(content), 0o600); err != nil {
			return "", fmt.Errorf("write the overlay: %w", err)
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", fmt.Errorf("write the overlay: %w", err)
	}
	file = filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, list, 0o600); err != nil { //nolint:gosec // our own directory
		return "", fmt.Errorf("write the overlay: %w", err)
	}
	return file, nil
}
