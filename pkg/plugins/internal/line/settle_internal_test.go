package line

import "testing"

// TestSettlersTakeEachOnce: of many answers that wait, each is taken by one settler.
func TestSettlersTakeEachOnce(t *testing.T) {
	t.Parallel()
	s := settlers{running: mostSettlers} // all are busy
	all := make([]post, 2*atOnce+3)
	for i := range all {
		s.add(&all[i])
	}
	taken := make(map[*post]int)
	for first := s.take(); first != nil; first = s.take() {
		for p := first; p != nil; p = p.next {
			taken[p]++
		}
	}
	for i := range all {
		if n := taken[&all[i]]; n != 1 {
			t.Errorf("answer %d was taken %d times", i, n)
		}
	}
}
