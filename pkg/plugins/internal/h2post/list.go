package h2post

// list holds requests in order. A request is in one list at most.
type list struct {
	first, last *Request
	len         int
}

func (l *list) pushBack(r *Request) {
	r.in, r.prev, r.next = l, l.last, nil
	if l.last != nil {
		l.last.next = r
	} else {
		l.first = r
	}
	l.last = r
	l.len++
}

func (l *list) pushFront(r *Request) {
	r.in, r.prev, r.next = l, nil, l.first
	if l.first != nil {
		l.first.prev = r
	} else {
		l.last = r
	}
	l.first = r
	l.len++
}

// leave takes r out of the list that it is in, if any.
func (r *Request) leave() {
	l := r.in
	if l == nil {
		return
	}
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		l.first = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	} else {
		l.last = r.prev
	}
	r.in, r.prev, r.next = nil, nil, nil
	l.len--
}

// pop takes the first request out; nil if there is none.
func (l *list) pop() *Request {
	r := l.first
	if r != nil {
		r.leave()
	}
	return r
}
