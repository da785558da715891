package clickhouse

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
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
	machine, err := machineOf(path)
	if err != nil {
		return err
	}
	if want := machines[runtime.GOARCH]; machine != want {
		return fmt.Errorf("it is for %s", machine)
	}
	f, err := elf.Open(path)
	if err != nil {
		return errors.New("it is cut short")
	}
	defer f.Close()
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

// machineOf reads the first bytes of an ELF file, which are there even if it is cut short.
func machineOf(path string) (elf.Machine, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("it cannot be read: %w", errors.Unwrap(err))
	}
	defer f.Close()
	var head [20]byte
	if _, err := io.ReadFull(f, head[:]); err != nil || string(head[:4]) != elf.ELFMAG {
		return 0, errors.New("it is no shared library")
	}
	return elf.Machine(binary.LittleEndian.Uint16(head[18:])), nil
}
