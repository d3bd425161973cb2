package push

// AccessMode is a set of access rights.
type AccessMode uint
