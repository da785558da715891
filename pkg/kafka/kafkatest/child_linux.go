package kafkatest

import "syscall"

// childAttributes let a broker die with this process, and keep the terminal's Ctrl-C from it: we stop it.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
