package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Ledger compares the ids that ingest acknowledged with those that bi.events holds.
type Ledger struct {
	// Acknowledged and Stored are the numbers of different ids.
	Acknowledged int `json:"acknowledged"`
	Stored       int `json:"stored"`
	// Lost were acknowledged and are not stored, Unknown are stored and were never acknowledged: there is no other way in.
	Lost    int `json:"lost"`
	Unknown int `json:"unknown"`
}

// String is one line.
func (l Ledger) String() string {
	return fmt.Sprintf("ledger: %d ids acknowledged, %d stored, %d lost, %d unknown", l.Acknowledged, l.Stored, l.Lost, l.Unknown)
}

// ledger reads both sides.
func (r *runner) ledger(ctx context.Context) (l Ledger, err error) {
	f, err := os.Open(filepath.Join(r.dir, ledgerFile))
	if err != nil {
		return l, fmt.Errorf("read the ledger: %w", err)
	}
	defer f.Close()
	acknowledged, err := readLedger(f)
	if err != nil {
		return l, err
	}
	stored := map[string]bool{}
	err = r.db.Each(ctx, "SELECT DISTINCT message_id FROM bi.events", func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		stored[id] = true
		return err
	})
	if err != nil {
		return l, fmt.Errorf("read the stored ids: %w", err)
	}
	return balance(acknowledged, stored), nil
}

func readLedger(from io.Reader) (map[string]bool, error) {
	ids := map[string]bool{}
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		var line struct {
			MessageID string `json:"message_id"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("read the ledger: %w", err)
		}
		ids[line.MessageID] = true
	}
	return ids, lines.Err()
}

func balance(acknowledged, stored map[string]bool) Ledger {
	l := Ledger{Acknowledged: len(acknowledged), Stored: len(stored)}
	for id := range acknowledged {
		if !stored[id] {
			l.Lost++
		}
	}
	for id := range stored {
		if !acknowledged[id] {
			l.Unknown++
		}
	}
	return l
}
