package mistakes_test

import "syscall"

func mountTiny(dir string) error { return syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16k") }
