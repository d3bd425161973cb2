package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pushworker/pushworker/internal/blackbox/process"
)

// waiters is how many scripts play at a time: most of them wait for processes and for
// time to pass.
const waiters = "6"

// TestMain makes the test binary the command get when a script calls it.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", waiters); err != nil {
		panic(err) // the testing package has the flag
	}
	testscript.Main(scripts{m}, map[string]func(){"get": get})
}

// scripts runs the tests with the program under test in the path: the one that is delivered, which
// starts in a third of the time that one with the race detector needs, a thousand times.
type scripts struct{ m *testing.M }

func (s scripts) Run() int {
	dir, err := os.MkdirTemp("", "pushworker-scripts-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	if err := process.Build(context.Background(), dir, "."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return s.m.Run()
}

// get prints what a URL answers.
func get() {
	answer, err := http.Get(os.Args[1])
	if err == nil {
		_, err = io.Copy(os.Stdout, answer.Body)
		_ = answer.Body.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestScripts tests the commands as a user has them; the scripts are in
// testdata/script, and UPDATE_SCRIPTS=1 corrects what they expect. Their own commands prepare and look:
//
//	exits CODE COMMAND…  runs a command that must exit with the code
//	await REGEXP COMMAND…
//	                     runs a command again and again until its standard output
//	                     matches
//	freeaddr VARIABLE    puts a free address of this machine into a variable
//	printed VARIABLE     puts what the last command has printed into a variable
//	broker [HANDLER…]    starts a broker with the handlers' lanes, and points the
//	                     environment at it
//	bury                 writes the dead letters of someLetters, and their receipts
//	                     into the files letter-1 and letter-2
//	worker [ADDR]        serves the admin address of a worker, and points the
//	                     environment at it
//	ready false          makes the worker's readiness fail
//	page TITLE           begins to play a page of docs/operations.md
//	play                 runs the commands of the page's next console block, which
//	                     must print what is there
//	showas TEXT OTHER    has the page show OTHER where this machine has TEXT
//	fake                 starts a stand-in for FCM, with the file fake.json and $FAKE
//	account FILE         writes another service account for it
//	fakescript FILE      has it follow the rules in a file
//	revoke               has it take no access token of before
//	traced FILE PARENT   publishes a receipt with the header Traceparent
//	app ADDR N           waits for the nth test token that the fake there is sent, returns
//	                     it, and puts the worker's answer into the file answer
//	pull N               takes the next receipts of the first lane into the file
//	                     pulled
//
// Beside pushworker, get URL is a command that prints an answer. A whole worker, or a
// fake provider, is the command itself in the background:
//
//	freeaddr PUSHWORKER_ADMIN_ADDR
//	exec pushworker run &worker&
//	await '"stdout"' pushworker status -o json
//	kill -INT worker
//	wait worker
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("ESC", "\x1b")
			env.Values[worldKey{}] = &world{tb: env.T().(testing.TB)}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":      exits,
			"await":      awaitOutput,
			"freeaddr":   freeAddr,
			"printed":    printed,
			"broker":     startBroker,
			"chatserver": startChatServer,
			"bury":       bury,
			"worker":     startWorker,
			"ready":      setReady,
			"fake":       startFakeFCM,
			"fakescript": scriptFakeFCM,
			"account":    newAccount,
			"page":       openPage,
			"play":       play,
			"revoke":     revokeTokens,
			"showas":     showAs,
			"pull":       pull,
			"app":        returnTokens,
			"traced":     publishTraced,
		},
	})
}
