package clickhouse

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"runtime"
)

// machines of ELF files by GOARCH.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// unfit says why a file cannot be the engine, before the loader is asked: it maps a file that is cut short, and the process
// dies of it. On systems other than Linux it leaves that to the loader.
func unfit(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return errors.New("it is not there")
	case info.IsDir():
		return errors.New("it is a folder")
	case runtime.GOOS != "linux":
		return nil
	}
	f, err := elf.Open(path)
	if err != nil {
		if info.Size() > 0 && errors.As(err, new(*elf.FormatError)) {
			return errors.New("it is no shared library")
		}
		return errors.New("it is cut short")
	}
	defer f.Close()
	if want := machines[runtime.GOARCH]; f.Machine != want {
		return fmt.Errorf("it is for %s", f.Machine)
	}
	flags, err := f.DynValue(elf.DT_FLAGS_1)
	program := err == nil && len(flags) == 1 && elf.DynFlag1(flags[0])&elf.DF_1_PIE != 0
	if f.Type != elf.ET_DYN || program {
		return errors.New("it is no shared library")
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Off+p.Filesz > uint64(info.Size()) {
			return errors.New("it is cut short")
		}
	}
	return nil
}
