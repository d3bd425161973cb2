package process

import "syscall"

// attributes give the process a group of its own, which the terminal's Ctrl-C does
// not reach, and have the kernel end it when this program is gone.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
