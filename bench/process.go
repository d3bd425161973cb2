package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/pprof"
	"time"
)

// patience is how long any question to a child may take.
const patience = 10 * time.Minute

// question is one line that a child reads.
type question struct {
	Do      string        `json:"do"`
	Want    int           `json:"want,omitempty"`    // of begin: how many there will be
	Start   time.Time     `json:"start,omitzero"`    // of begin: when the clock starts
	Latency time.Duration `json:"latency,omitempty"` // of latency
	Path    string        `json:"path,omitempty"`    // of profile
}

// reply is one line that a child writes; each question fills its part.
type reply struct {
	Error string `json:"error,omitempty"`

	// Of the first line of a broker and of a fake.
	URL         string `json:"url,omitempty"`
	Credentials string `json:"credentials,omitempty"` // the path of a file, as CA
	CA          string `json:"ca,omitempty"`

	// Of mark: what the process has used.
	CPU time.Duration `json:"cpu,omitempty"`
	RSS int64         `json:"rss,omitempty"`

	// Of await.
	Elapsed time.Duration `json:"elapsed,omitempty"`
	P50     time.Duration `json:"p50,omitempty"`
	P99     time.Duration `json:"p99,omitempty"`
	P999    time.Duration `json:"p999,omitempty"`

	// Of stats, since begin.
	Failed  int64           `json:"failed,omitempty"` // requests that were not accepted
	Twice   int64           `json:"twice,omitempty"`  // pushes that were accepted again
	Open    int64           `json:"open,omitempty"`   // connections now
	Dialled int64           `json:"dialled,omitempty"`
	Streams int64           `json:"streams,omitempty"` // the most on one connection
	Last    json.RawMessage `json:"last,omitempty"`    // the body of the last request
}

// process is a child: this program in another role.
type process struct {
	role    string
	command *exec.Cmd
	in      io.WriteCloser
	answers *json.Decoder
	said    *bytes.Buffer // its stderr
	hello   reply
}

// launch starts a child and waits for its first line. extra is added to its
// environment.
func launch(ctx context.Context, role string, options any, extra ...string) (*process, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return launchFrom(ctx, path, role, options, extra...)
}

// launchFrom is launch with the program at path, another build of this one.
func launchFrom(ctx context.Context, path, role string, options any, extra ...string) (*process, error) {
	text, err := json.Marshal(options)
	if err != nil {
		return nil, fmt.Errorf("encode the options of %s: %w", role, err)
	}
	p := &process{role: role, said: &bytes.Buffer{}}
	p.command = exec.CommandContext(ctx, path, "child", role, string(text)) //nolint:gosec // it is this program, or a build of it that the operator has named
	p.command.Env = append(os.Environ(), extra...)
	p.command.Stderr = p.said
	if p.in, err = p.command.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start %s: %w", role, err)
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", role, err)
	}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", role, err)
	}
	p.answers = json.NewDecoder(out)
	if p.hello, err = p.read(); err != nil {
		return nil, err
	}
	return p, nil
}

// ask asks the child one question.
func (p *process) ask(q question) (reply, error) {
	text, err := json.Marshal(q)
	if err != nil {
		return reply{}, fmt.Errorf("encode a question: %w", err)
	}
	if _, err := p.in.Write(append(text, '\n')); err != nil {
		return reply{}, fmt.Errorf("ask %s to %s: %w: %s", p.role, q.Do, err, p.said)
	}
	return p.read()
}

func (p *process) read() (r reply, err error) {
	late := time.AfterFunc(patience, func() { _ = p.command.Process.Kill() })
	defer late.Stop()
	if err := p.answers.Decode(&r); err != nil {
		_ = p.command.Process.Kill()
		_ = p.command.Wait()
		return r, fmt.Errorf("%s has ended: %w: %s", p.role, err, p.said)
	}
	if r.Error != "" {
		return r, fmt.Errorf("%s: %s", p.role, r.Error)
	}
	return r, nil
}

// stop ends the child by closing its stdin, and waits for it.
func (p *process) stop() {
	if p == nil {
		return
	}
	_ = p.in.Close()
	late := time.AfterFunc(time.Minute, func() { _ = p.command.Process.Kill() })
	defer late.Stop()
	_ = p.command.Wait()
}

// serve is the child's side: it says hello and answers questions until stdin
// closes. What is not about the process itself is for answer.
func serve(hello reply, answer func(question) (reply, error)) error {
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(hello); err != nil {
		return fmt.Errorf("say hello: %w", err)
	}
	in := json.NewDecoder(os.Stdin)
	for {
		var q question
		if err := in.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read a question: %w", err)
		}
		r, err := ownAnswer(q, answer)
		if err != nil {
			r.Error = err.Error()
		}
		if err := out.Encode(r); err != nil {
			return fmt.Errorf("answer: %w", err)
		}
	}
}

func ownAnswer(q question, answer func(question) (reply, error)) (reply, error) {
	switch q.Do {
	case "mark":
		return reply{CPU: cpuTime(), RSS: peakRSS()}, nil
	case "profile":
		return reply{}, startProfile(q.Path)
	case "profiled":
		pprof.StopCPUProfile()
		return reply{}, nil
	}
	return answer(q)
}

func startProfile(path string) error {
	file, err := os.Create(path) //nolint:gosec // the operator has named the directory
	if err != nil {
		return fmt.Errorf("create a profile: %w", err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return fmt.Errorf("start a profile: %w", err)
	}
	return nil
}

// child runs one role until its stdin closes.
func child(ctx context.Context, role, options string) error {
	roles := map[string]func(context.Context, []byte) error{
		"broker": serveBroker, "node": serveNode, "fake": serveFake, "worker": serveWorker,
		"null loop": serveNullLoop, chatServer: serveChatServer, asker: serveAsker,
		sdkLoop: serveSendLoop, rawLoop: serveSendLoop, apnsLoop: serveSendLoop, tunedLoop: serveSendLoop, webpushLoop: serveSendLoop,
	}
	work, ok := roles[role]
	if !ok {
		return fmt.Errorf("no role %q", role)
	}
	return work(ctx, []byte(options))
}
