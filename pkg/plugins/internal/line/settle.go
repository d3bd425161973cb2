package line

import "sync"

const (
	// mostSettlers is how many goroutines settle at once: one may wait for the queue's
	// broker.
	mostSettlers = 4
	// atOnce is how many answers one of them takes, and how many wait at most before
	// another one comes to help.
	atOnce = 16
)

// settlers settle answers off the goroutine that reads them, in the order of their
// coming. They are there only while there are answers.
type settlers struct {
	mu          sync.Mutex
	first, last *post
	len         int
	running     int
}

// add has p settled soon.
func (s *settlers) add(p *post) {
	s.mu.Lock()
	if s.last == nil {
		s.first = p
	} else {
		s.last.next = p
	}
	s.last = p
	s.len++
	start := s.running == 0 || s.running < mostSettlers && s.len > s.running*atOnce
	if start {
		s.running++
	}
	s.mu.Unlock()
	if start {
		go s.run()
	}
}

// run settles until there is nothing left.
func (s *settlers) run() {
	for p := s.take(); p != nil; p = s.take() {
		for p != nil {
			next := p.next
			p.next = nil
			p.settle()
			p = next
		}
	}
}

// take takes the answers that came first; nil when there are none, and then its caller
// ends.
func (s *settlers) take() *post {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := s.first
	if first == nil {
		s.running--
		return nil
	}
	end := first
	n := 1
	for ; n < atOnce && end.next != nil; n++ {
		end = end.next
	}
	s.first = end.next
	if s.first == nil {
		s.last = nil
	}
	end.next = nil
	s.len -= n
	return first
}
