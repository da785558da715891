package clickhouse

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
)

// extract copies the file with one of the names out of a tarball.
func extract(tarball, to string, names ...string) error {
	f, err := os.Open(tarball)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("the package holds no %s", names[0])
		}
		if err != nil {
			return err
		}
		if slices.Contains(names, h.Name) && h.Typeflag == tar.TypeReg {
			return writeFile(to, t)
		}
	}
}

// install puts the library in its place and then the marker: only both together count.
func install(fresh, library string) error {
	info, err := os.Stat(fresh)
	if err != nil {
		return err
	}
	if err := os.Rename(fresh, library); err != nil {
		return err
	}
	tmp := fresh + ".complete"
	if err := os.WriteFile(tmp, []byte(strconv.FormatInt(info.Size(), 10)+"\n"), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, marker(library))
}

// writeFile writes and syncs: the marker must not outlive the data in a crash.
func writeFile(path string, from io.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Sync(), f.Close())
}
