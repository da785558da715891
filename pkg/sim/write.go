package sim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// WriteTruth writes the truth as JSON lines: one config, then all that a Truth lists, each line with its kind and what it
// is. Nothing in it depends on the sabotage or on the sending.
func (d *Day) WriteTruth(w io.Writer) error {
	b := bufio.NewWriterSize(w, 1<<16)
	t := d.Truth
	var err error
	for _, write := range []func() error{
		lines(b, "config", []any{struct {
			Header
			Counts Counts `json:"counts"`
		}{t.Header, t.Counts}}),
		lines(b, "event", t.Events), lines(b, "repeat", t.Repeats), lines(b, "session", t.Sessions), lines(b, "cell", t.Cells),
		lines(b, "hour", t.Hours), lines(b, "occurred", t.Occurred), lines(b, "order", t.Orders), lines(b, "refund", t.Refunds),
		lines(b, "intake", t.Intake), lines(b, "dead_letters", t.Letters), b.Flush,
	} {
		if err == nil {
			err = write()
		}
	}
	if err != nil {
		return fmt.Errorf("write truth: %w", err)
	}
	return nil
}

// lines writes a list.
func lines[T any](w io.Writer, kind string, list []T) func() error {
	return func() error {
		for i := range list {
			text, err := encodeLine(list[i])
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(w, "{\"kind\":%q,%s", kind, text[1:]); err != nil {
				return err
			}
		}
		return nil
	}
}

// encodeLine is a JSON object with the end of its line; signs of HTML stay as they are.
func encodeLine(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}
