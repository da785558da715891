package kafkatest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// What formatting writes.
const (
	metaFile      = "meta.properties"
	bootstrapFile = "bootstrap.checkpoint"
)

// template is formatted storage, made once for this version: formatting takes a second or two and always says the same.
func (d distribution) template(ctx context.Context) (string, error) {
	dir := filepath.Join(d.dir, "format")
	if _, err := os.Stat(filepath.Join(dir, metaFile)); err == nil {
		return dir, nil
	}
	part, err := os.MkdirTemp(d.dir, ".format-")
	if err != nil {
		return "", fmt.Errorf("format storage: %w", err)
	}
	defer os.RemoveAll(part)
	file, log := filepath.Join(part, "server.properties"), filepath.Join(part, "log")
	text := properties(map[string]string{"process.roles": "broker,controller", "node.id": "1", "log.dirs": log,
		"controller.listener.names": "CONTROLLER", "listeners": "PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2",
		"controller.quorum.voters": "1@127.0.0.1:2"})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return "", fmt.Errorf("format storage: %w", err)
	}
	args := []string{"format", "--cluster-id", directoryID(), "--config", file}
	for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
		args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, User, Password))
	}
	out, err := d.command(nil, "kafka.tools.StorageTool", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("format storage: %w: %s", err, out)
	}
	if err := os.Rename(log, dir); err != nil {
		if _, serr := os.Stat(filepath.Join(dir, metaFile)); serr != nil { // not: another process was faster
			return "", fmt.Errorf("format storage: %w", err)
		}
	}
	return dir, nil
}

// directoryID is a random identifier as Kafka writes them.
func directoryID() string {
	var id [16]byte
	_, _ = rand.Read(id[:])   // never fails
	id[0] &= 0x7f             // Kafka's tools take a leading '-' for a flag
	id[6] = id[6]&0x0f | 4<<4 // a random UUID
	id[8] = id[8]&0x3f | 2<<6
	return base64.RawURLEncoding.EncodeToString(id[:])
}

var (
	nodeLine      = regexp.MustCompile(`(?m)^node\.id=.*$`)
	directoryLine = regexp.MustCompile(`(?m)^directory\.id=.*$`)
)

// format gives a node storage of its own, unless it has some.
func (d distribution) format(ctx context.Context, n *node) error {
	log := filepath.Join(n.dir, "log")
	if _, err := os.Stat(filepath.Join(log, metaFile)); err == nil {
		return nil
	}
	from, err := d.template(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(log, 0o755); err != nil {
		return fmt.Errorf("format storage: %w", err)
	}
	boot, err := os.ReadFile(filepath.Join(from, bootstrapFile))
	if err != nil {
		return fmt.Errorf("format storage: %w", err)
	}
	if err := os.WriteFile(filepath.Join(log, bootstrapFile), boot, 0o644); err != nil {
		return fmt.Errorf("format storage: %w", err)
	}
	meta, err := os.ReadFile(filepath.Join(from, metaFile))
	if err != nil {
		return fmt.Errorf("format storage: %w", err)
	}
	meta = nodeLine.ReplaceAll(meta, fmt.Appendf(nil, "node.id=%d", n.id))
	meta = directoryLine.ReplaceAll(meta, []byte("directory.id="+directoryID()))
	if err := os.WriteFile(filepath.Join(log, metaFile), meta, 0o644); err != nil { // last: it says that the storage is formatted
		return fmt.Errorf("format storage: %w", err)
	}
	return nil
}
