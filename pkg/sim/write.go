package sim

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// WriteTruth writes the truth as JSON lines: one config, then every event, session and cell. The line's kind is its
// first field. Nothing in it depends on the sabotage or on the sending.
func (d *Day) WriteTruth(w io.Writer) error {
	b := bufio.NewWriterSize(w, 1<<16)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	t := d.Truth
	err := enc.Encode(struct {
		Kind string `json:"kind"`
		Header
	}{"config", t.Header})
	for i := 0; err == nil && i < len(t.Events); i++ {
		err = enc.Encode(struct {
			Kind string `json:"kind"`
			*Event
		}{"event", &t.Events[i]})
	}
	for i := 0; err == nil && i < len(t.Sessions); i++ {
		err = enc.Encode(struct {
			Kind string `json:"kind"`
			*Session
		}{"session", &t.Sessions[i]})
	}
	for i := 0; err == nil && i < len(t.Cells); i++ {
		err = enc.Encode(struct {
			Kind string `json:"kind"`
			*Cell
		}{"cell", &t.Cells[i]})
	}
	if err == nil {
		err = b.Flush()
	}
	if err != nil {
		return fmt.Errorf("write truth: %w", err)
	}
	return nil
}
