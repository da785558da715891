package checkpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrDecided is in the error of Decide where another decision stands.
var ErrDecided = errors.New("it was decided otherwise before, and a decision is not taken back")

// ErrNoDecision is in the error of Decision where none stands.
var ErrNoDecision = errors.New("nothing was decided")

const decisions = "decision/"

// Decide writes an operator's decision, once and for ever. The same bytes again are no error; others are ErrDecided. A name is made
// of parts like file names, with slashes between.
func (v *Vault) Decide(ctx context.Context, name string, body []byte) error {
	key, err := decisionKey(name)
	if err != nil {
		return err
	}
	if len(body) > smallLimit {
		return fmt.Errorf("decision %s: %d bytes, at most %d", name, len(body), smallLimit)
	}
	err = v.put(ctx, key, func(w io.Writer) error { _, err := w.Write(body); return err }, true)
	if errors.Is(err, errExists) {
		standing, gerr := v.get(ctx, key)
		if gerr == nil && bytes.Equal(standing, body) {
			return nil
		}
		err = errors.Join(ErrDecided, gerr)
	}
	if err != nil {
		return fmt.Errorf("decide %s: %w", name, err)
	}
	return nil
}

// Decision reads one.
func (v *Vault) Decision(ctx context.Context, name string) ([]byte, error) {
	key, err := decisionKey(name)
	if err != nil {
		return nil, err
	}
	b, err := v.get(ctx, key)
	if errors.Is(err, errAbsent) {
		err = ErrNoDecision
	}
	if err != nil {
		return nil, fmt.Errorf("decision %s: %w", name, err)
	}
	return b, nil
}

// Decisions names those that start with prefix, in order.
func (v *Vault) Decisions(ctx context.Context, prefix string) ([]string, error) {
	var out []string
	for o, err := range v.list(ctx, decisions+prefix) {
		if err != nil {
			return nil, err
		}
		out = append(out, strings.TrimPrefix(o.key, decisions))
	}
	return out, nil
}

func decisionKey(name string) (string, error) {
	for part := range strings.SplitSeq(name, "/") {
		if !fileName(part) {
			return "", fmt.Errorf("decision %q: its parts have letters, digits, dots, dashes and underscores, and no dot in front", name)
		}
	}
	return decisions + name, nil
}
