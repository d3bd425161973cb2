//go:build unix && !linux

package process

import "syscall"

// attributes give the process a group of its own, which the terminal's Ctrl-C does
// not reach.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
