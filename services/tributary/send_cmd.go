package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
)

type sendCmd struct {
	Event      string            `arg:"" help:"Name of the event, such as \"Product Viewed\"; page sends a page call."`
	Visitor    string            `help:"Anonymous id of the visitor." default:"me"`
	User       string            `help:"Id of the known user."`
	URL        string            `help:"Address of the page; its utm parameters say where the visit comes from." default:"https://shop.example/"`
	Referrer   string            `help:"Address of the page before."`
	UserAgent  string            `help:"User agent of the browser." default:"Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"`
	Properties map[string]string `short:"p" help:"Properties of the event: -p product_id=p1 -p revenue=20.50."`
	Key        string            `help:"Write key of the store." default:"demo-write-key"`
	Ingest     string            `help:"Address of ingest." default:"http://127.0.0.1:8080"`
	Show       bool              `help:"Print the request before sending it: this is what an SDK sends."`
}

// Run sends one event, and says what ingest answered.
func (c *sendCmd) Run(ctx context.Context) error {
	if c.Event == "" {
		return fmt.Errorf("the event has no name: use one such as \"Product Viewed\", or page%w", errCall)
	}
	if u, err := url.Parse(c.Ingest); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("--ingest=%s is no address: use http://host:port, such as http://%s%w", c.Ingest, usualIngest, errCall)
	}
	call := map[string]any{"type": "track", "event": c.Event, "anonymousId": c.Visitor, "messageId": uuid.NewString(),
		"timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "properties": c.Properties,
		"context": map[string]any{"page": map[string]any{"url": c.URL, "referrer": c.Referrer}, "userAgent": c.UserAgent}}
	if c.Event == "page" {
		call["type"] = "page"
		delete(call, "event")
	}
	if c.User != "" {
		call["userId"] = c.User
	}
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false) // an address is to be read
	if err := enc.Encode(call); err != nil {
		return err
	}
	if c.Show {
		fmt.Printf("POST %s/v1/%s\n%s", c.Ingest, call["type"], body.String())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprint(c.Ingest, "/v1/", call["type"]), &body)
	if err != nil {
		return err
	}
	req.SetBasicAuth(c.Key, "")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ingest does not answer at %s: start it with tributary dev, or set --ingest to where it is: %w", c.Ingest, cause(err))
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if err != nil {
		return fmt.Errorf("read ingest's answer: %w", err)
	}
	switch res.StatusCode {
	case http.StatusOK:
		fmt.Printf("%s %s\n", res.Status, answer)
		return nil
	case http.StatusUnauthorized:
		return errors.New("ingest knows no store with this write key: set --key to one of the store file's write_keys")
	case http.StatusServiceUnavailable:
		return errors.New("ingest is not ready yet: try again, and check /readyz of its admin port if it stays so")
	}
	return fmt.Errorf("ingest answers %s: check the event: %s", res.Status, strings.TrimSpace(string(answer)))
}

// cause is an error of an HTTP client without method and address.
func cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
