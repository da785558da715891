package traffic

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
)

// StatusError is an answer of ingest other than 200.
type StatusError struct {
	// Code is the HTTP status, Text the body.
	Code int
	Text string
}

func (e StatusError) Error() string { return fmt.Sprintf("%d: %s", e.Code, e.Text) }

// Post sends a body with the demo store's write key. Nil is the answer 200: what the body holds is safe.
func Post(ctx context.Context, client *http.Client, url string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth("demo-write-key", "")
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("send load: %w", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("send load: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("send load: %w", StatusError{Code: res.StatusCode, Text: string(text)})
	}
	return nil
}
