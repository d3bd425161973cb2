package push_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/pushworker/pushworker/pkg/push"
	"github.com/pushworker/pushworker/pkg/push/pushtest"
)

// station is a handler that notes its calls in a journal shared with others.
type station struct {
	name    string
	journal *journal
	refuses error
	idle    bool
	in      chan *push.Receipt
}

type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) note(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

func (s *station) Init(jsonconf string) error {
	s.journal.note("init " + s.name + " " + jsonconf)
	return s.refuses
}
func (s *station) IsReady() bool              { return !s.idle }
func (s *station) Push() chan<- *push.Receipt { return s.in }
func (s *station) Stop()                      { s.journal.note("stop " + s.name) }

func registry(handlers ...*station) (*push.Registry, *journal) {
	var r push.Registry
	j := &journal{}
	for _, h := range handlers {
		h.journal = j
		r.Register(h.name, h)
	}
	return &r, j
}

func TestInit(t *testing.T) {
	t.Parallel()
	errRefused := errors.New("no credentials: give some")
	for name, tt := range map[string]struct {
		config  string
		refuses map[string]error
		calls   []string
		faults  []string // none: no error
	}{
		"null":     {config: "null"},
		"empty":    {config: "[]"},
		"in order": {config: `[{"name":"b","config":1},{"name":"a"}]`, calls: []string{"init b 1", "init a "}},
		"verbatim": {
			config: ` [ {"config": { "x" : 1.50,` + "\n\t" + ` "y":"\u0041" } , "name":"a"},{"name":"b","config":null} ] `,
			calls:  []string{"init a { \"x\" : 1.50,\n\t \"y\":\"\\u0041\" }", "init b null"},
		},
		"any case, comments": {config: `[{"Name":"a","_why":"test","$x":1}]`, calls: []string{"init a "}},
		"no text":            {config: "", faults: []string{"parse push config: no JSON from byte 0 on"}},
		"an object":          {config: "{}", faults: []string{"parse push config: a JSON object: want an array"}},
		"trailing junk":      {config: `[{"name":"a"}] x`, faults: []string{"parse push config: no JSON from byte 16 on"}},
		"everything at once": {
			config: `[1,{"name":"a"},{"name":"nobody"},{},{"name":"a"},{"name":"b"},{"name":"c"},{"name":2},{"name":"c","conf":{}}]`,
			refuses: map[string]error{
				"b": errRefused,
			},
			calls: []string{"init a ", "init b ", "init c ", "stop c", "stop a"},
			faults: []string{
				"push config, entry 1: config is not usable: a JSON number: want a JSON object",
				`push config, entry 4: no "name": give the name of a handler`,
				`push config, entry 5: handler "a" is listed a second time: remove one of the two`,
				`push config, entry 8: key "name" is a JSON number: want a string`,
				`push config, entry 9: key "conf" is unknown: known are name, type, config`,
				`push config: unknown handler "nobody": known are a, b, c`,
				`handler "b": no credentials: give some`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b, c := &station{name: "a"}, &station{name: "b", refuses: tt.refuses["b"]}, &station{name: "c"}
			r, j := registry(c, a, b)
			err := r.Init(tt.config)
			if diff := cmp.Diff(tt.calls, j.lines); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if len(tt.faults) == 0 {
				if err != nil {
					t.Fatalf("Init = %v", err)
				}
				return
			}
			if err == nil {
				t.Fatal("Init = nil, want an error")
			}
			got := strings.Split(err.Error(), "\n")
			if len(got) != len(tt.faults) {
				t.Errorf("%d faults, want %d", len(got), len(tt.faults))
			}
			for i := range min(len(got), len(tt.faults)) {
				if !strings.HasPrefix(got[i], tt.faults[i]) {
					t.Errorf("fault %d is %q, want %q", i, got[i], tt.faults[i])
				}
			}
			if tt.refuses != nil && !errors.Is(err, errRefused) {
				t.Error("a handler's own error is not wrapped")
			}
		})
	}
}

func TestInitOfUnknownWithoutAny(t *testing.T) {
	t.Parallel()
	var r push.Registry
	if err := r.Init(`[{"name":"fcm"}]`); err == nil || !strings.Contains(err.Error(), "known are none") {
		t.Errorf("Init = %v", err)
	}
}

func TestConfigured(t *testing.T) {
	t.Parallel()
	r, _ := registry(&station{name: "a"}, &station{name: "b", idle: true}, &station{name: "c"})
	names := func() (got []string) {
		for name, h := range r.Configured() {
			if h.(*station).name != name {
				t.Errorf("%s is under %s", h.(*station).name, name)
			}
			got = append(got, name)
		}
		return got
	}
	if got := names(); got != nil {
		t.Errorf("configured before Init: %v", got)
	}
	if err := r.Init(`[{"name":"c"},{"name":"b"}]`); err != nil {
		t.Fatal(err)
	}
	r.Register("late", &station{name: "late", journal: &journal{}})
	if diff := cmp.Diff([]string{"c", "b"}, names()); diff != "" {
		t.Errorf("configured (-want +got):\n%s", diff)
	}
	for name := range r.Configured() {
		if name != "c" {
			t.Errorf("first is %s", name)
		}
		break
	}
	r.Stop()
	if got := names(); got != nil {
		t.Errorf("configured after Stop: %v", got)
	}
}

func TestInitOnlyOnce(t *testing.T) {
	t.Parallel()
	r, j := registry(&station{name: "a"})
	if err := r.Init(`[{"name":"a"}]`); err != nil {
		t.Fatal(err)
	}
	if err := r.Init(`[{"name":"a"}]`); err == nil || !strings.Contains(err.Error(), "Stop before") {
		t.Errorf("second Init = %v, want that Stop comes first", err)
	}
	r.Stop()
	if err := r.Init(`[{"name":"a"}]`); err != nil {
		t.Errorf("Init after Stop = %v", err)
	}
	if err := r.Init("null"); err == nil {
		t.Error("Init of nothing while handlers run = nil")
	}
	if diff := cmp.Diff([]string{"init a ", "stop a", "init a "}, j.lines); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestRegisterPanics(t *testing.T) {
	t.Parallel()
	for name, register := range map[string]func(r *push.Registry){
		"nil":      func(r *push.Registry) { r.Register("b", nil) },
		"twice":    func(r *push.Registry) { r.Register("a", &station{}) },
		"empty":    func(r *push.Registry) { r.Register("", &station{}) },
		"dot":      func(r *push.Registry) { r.Register("a.b", &station{}) },
		"space":    func(r *push.Registry) { r.Register("a b", &station{}) },
		"wildcard": func(r *push.Registry) { r.Register("*", &station{}) },
		"umlaut":   func(r *push.Registry) { r.Register("ä", &station{}) },
		"33 long":  func(r *push.Registry) { r.Register(strings.Repeat("a", 33), &station{}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := registry(&station{name: "a"})
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
				r.Register("A", &station{})                     // other case, other name
				r.Register(strings.Repeat("z", 32), &station{}) // and the registry is still usable
				r.Register("-_09", &station{})
			}()
			register(r)
		})
	}
}

func TestPush(t *testing.T) {
	t.Parallel()
	takes := func(n int) chan *push.Receipt { return make(chan *push.Receipt, n) }
	first, second := &station{name: "first", in: takes(2)}, &station{name: "second", in: takes(1)}
	idle := &station{name: "idle", in: takes(1), idle: true}
	blocks := &station{name: "blocks", in: takes(0)}
	none := &station{name: "none"}
	shut := &station{name: "shut", in: takes(1)}
	close(shut.in)
	r, _ := registry(none, shut, blocks, first, idle, second)
	if err := r.Init(`[{"name":"first"},{"name":"idle"},{"name":"shut"}]`); err != nil {
		t.Fatal(err)
	}

	original := laden(json.RawMessage(`"x"`))
	settled := false
	original.OnDone(func(error) { settled = true })
	r.Push(original)
	r.Push(original) // finds second full
	r.Push(nil)

	if got := []int{len(first.in), len(second.in), len(idle.in)}; !cmp.Equal(got, []int{2, 1, 0}) {
		t.Fatalf("handlers hold %v receipts", got)
	}
	a, b, c := <-first.in, <-first.in, <-second.in
	for _, got := range []*push.Receipt{a, b, c} {
		if diff := cmp.Diff(original, got, noUnexported); diff != "" {
			t.Errorf("receipt differs:\n%s", diff)
		}
		got.Done(nil)
	}
	if a == b || a == c || a == original || settled {
		t.Error("handlers do not have copies of their own")
	}
	a.Payload.Content.(json.RawMessage)[1] = '!'
	a.To[1001].Devices[0] = "changed"
	if diff := cmp.Diff(original, c, noUnexported); diff != "" {
		t.Errorf("one handler changed the other's receipt, or the caller's:\n%s", diff)
	}
}

func TestPushWithoutHandlers(t *testing.T) {
	t.Parallel()
	var r push.Registry
	r.Push(&push.Receipt{})
	r.Stop()
	r.Push(&push.Receipt{})
}

// Tinode offers receipts to every handler that is ready, configured or not.
func TestPushReachesWhoIsReadyByItself(t *testing.T) {
	t.Parallel()
	h := &station{name: "a", in: make(chan *push.Receipt, 8)}
	r, j := registry(h)
	r.Push(&push.Receipt{})
	if err := r.Init("[]"); err != nil {
		t.Fatal(err)
	}
	r.Push(&push.Receipt{})
	r.Stop()
	r.Push(&push.Receipt{})
	if len(h.in) != 2 {
		t.Errorf("handler holds %d receipts, want those before Stop", len(h.in))
	}
	if diff := cmp.Diff([]string{"stop a"}, j.lines); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestNothingIsPushedAfterAVainInit(t *testing.T) {
	t.Parallel()
	h := &station{name: "a", in: make(chan *push.Receipt, 8)}
	r, _ := registry(h)
	if err := r.Init(`[{"name":"a"},{"name":"b"}]`); err == nil {
		t.Fatal("Init = nil")
	}
	r.Register("late", &station{name: "late", in: h.in})
	r.Push(&push.Receipt{})
	if len(h.in) != 0 {
		t.Error("a stopped handler was given a receipt")
	}
	if err := r.Init("[]"); err != nil {
		t.Fatal(err)
	}
	r.Push(&push.Receipt{})
	if len(h.in) != 2 {
		t.Errorf("handlers hold %d receipts after a good Init, want 2", len(h.in))
	}
	r.Register("later", &station{name: "later", in: h.in})
	r.Push(&push.Receipt{})
	if len(h.in) != 5 {
		t.Errorf("handlers hold %d receipts with one more handler, want 5", len(h.in))
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	a, b := &station{name: "a"}, &station{name: "b", idle: true}
	r, j := registry(a, b, &station{name: "c", idle: true})
	if err := r.Init(`[{"name":"a"},{"name":"b"}]`); err != nil {
		t.Fatal(err)
	}
	j.lines = nil
	var stoppers sync.WaitGroup
	for range 8 {
		stoppers.Go(r.Stop)
	}
	stoppers.Wait()
	r.Stop()
	got := map[string]int{}
	for _, line := range j.lines {
		got[line]++
	}
	if diff := cmp.Diff(map[string]int{"stop a": 1, "stop b": 1}, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// Stop waits for all handlers, and they stop side by side; Push does not wait for
// Stop.
func TestStopWaitsAndPushDoesNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r push.Registry
		a, b := pushtest.Blocks(), pushtest.Blocks()
		r.Register("a", a)
		r.Register("b", b)
		if err := r.Init(`[{"name":"a"},{"name":"b"}]`); err != nil {
			t.Fatal(err)
		}
		r.Push(&push.Receipt{})
		synctest.Wait()
		var stopped atomic.Int32
		var stoppers sync.WaitGroup
		for range 3 {
			stoppers.Go(func() {
				r.Stop()
				stopped.Add(1)
			})
		}
		synctest.Wait()
		if a.IsReady() || b.IsReady() {
			t.Error("handlers do not stop side by side")
		}
		r.Push(&push.Receipt{})
		a.Release()
		synctest.Wait()
		if stopped.Load() != 0 {
			t.Error("Stop returned before all handlers had stopped")
		}
		b.Release()
		stoppers.Wait()
		if a.Count() != 1 || b.Count() != 1 {
			t.Errorf("handled %d and %d receipts, want 1 each", a.Count(), b.Count())
		}
	})
}

func TestInitWaitsForStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r push.Registry
		h := pushtest.Blocks()
		r.Register("a", h)
		if err := r.Init(`[{"name":"a"}]`); err != nil {
			t.Fatal(err)
		}
		r.Push(&push.Receipt{})
		synctest.Wait()
		go r.Stop()
		synctest.Wait()
		var up atomic.Bool
		go func() {
			if err := r.Init(`[{"name":"a"}]`); err != nil {
				t.Errorf("Init = %v", err)
			}
			up.Store(true)
		}()
		synctest.Wait()
		if up.Load() {
			t.Error("Init did not wait for Stop")
		}
		h.Release()
		synctest.Wait()
		if !up.Load() || !h.IsReady() {
			t.Error("handler did not come up again")
		}
		r.Stop()
	})
}

func TestPushRacesWithStop(t *testing.T) {
	t.Parallel()
	var r push.Registry
	h := pushtest.AlwaysDelivers()
	r.Register("a", h)
	for range 20 {
		if err := r.Init(`[{"name":"a","config":{"buffer":4}}]`); err != nil {
			t.Fatal(err)
		}
		var busy sync.WaitGroup
		for range 3 {
			busy.Go(func() {
				for range 50 {
					r.Push(laden(json.RawMessage(`{}`)))
				}
			})
		}
		for range 2 {
			busy.Go(r.Stop)
		}
		busy.Wait()
	}
	if h.IsReady() {
		t.Error("handler runs after Stop")
	}
}
