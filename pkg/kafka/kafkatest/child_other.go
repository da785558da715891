//go:build !linux

package kafkatest

import "syscall"

// childAttributes: only Linux can promise that a broker dies with this process.
func childAttributes() *syscall.SysProcAttr { return nil }
