package fake

import "strings"

// glob matches a pattern with * and ? against the whole text.
func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	first, rest := parts[0], parts[1:]
	if len(text) < len(first) || !same(first, text[:len(first)]) {
		return false
	}
	text = text[len(first):]
	if len(rest) == 0 {
		return text == ""
	}
	for _, part := range rest[:len(rest)-1] {
		at := find(part, text)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	last := rest[len(rest)-1]
	return len(text) >= len(last) && same(last, text[len(text)-len(last):])
}

// find is the first place where part matches, -1 for none.
func find(part, text string) int {
	for i := 0; i+len(part) <= len(text); i++ {
		if same(part, text[i:i+len(part)]) {
			return i
		}
	}
	return -1
}

func same(pattern, text string) bool {
	for i := range len(pattern) {
		if pattern[i] != '?' && pattern[i] != text[i] {
			return false
		}
	}
	return true
}
