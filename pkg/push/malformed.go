package push

import "fmt"

// MalformedError says that bytes are not a receipt. Its text says what is wrong
// and where; it quotes nothing of the receipt.
type MalformedError struct {
	// Oversize tells a receipt of more than [Limits.MaxBytes] from every other
	// malformation.
	Oversize bool
	// Field is the path of the field that is wrong, for example "payload.seq", or
	// empty when it is not a field that a receipt has.
	Field string
	// Offset counts the bytes before the wrong one; 0 if Oversize.
	Offset int
	// Problem says what is wrong or what was wanted instead.
	Problem string
}

func (e *MalformedError) Error() string {
	switch {
	case e.Oversize:
		return e.Problem
	case e.Field == "":
		return fmt.Sprintf("at byte %d: %s", e.Offset, e.Problem)
	}
	return fmt.Sprintf("%s at byte %d: %s", e.Field, e.Offset, e.Problem)
}

// under puts the name of the enclosing object before the field.
func (e *MalformedError) under(name string) *MalformedError {
	if e != nil && e.Field != "" {
		name += "." + e.Field
	}
	if e != nil {
		e.Field = name
	}
	return e
}
