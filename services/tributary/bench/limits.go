package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/pkg/obs"
	"github.com/tributary-data/tributary/pkg/stream"
	"github.com/tributary-data/tributary/services/internal/boot"
)

// Work is what a limit did, and what it took.
type Work struct {
	Events int           `json:"events"`
	CPU    time.Duration `json:"cpu_ns"`
	Wall   time.Duration `json:"wall_ns"`
}

// sample is the work per event.
func (w Work) sample() Sample {
	n := float64(max(1, w.Events))
	return Sample{CPU: float64(w.CPU.Nanoseconds()) / 1000 / n, PerSecond: n / max(w.Wall.Seconds(), 1e-9)}
}

// Noop answers every request once its body is read: what net/http itself costs.
func Noop(ctx context.Context) error {
	answer := []byte(`{"success":true}`)
	return obs.Serve(ctx, "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a client that is gone is not what we measure
		_, _ = w.Write(answer)
	}), boot.Announce("traffic"))
}

// Walk reads a topic to its end and does nothing with the records: what fetching, checking and unpacking costs.
func Walk(ctx context.Context, brokers, topic string) (Work, error) {
	client, err := kafka.NewClient(kafka.Config{Brokers: brokers})
	if err != nil {
		return Work{}, err
	}
	defer client.Close()
	n, err := client.Partitions(ctx, topic)
	if err != nil {
		return Work{}, err
	}
	ranges, err := client.Offsets(ctx, topic, n)
	if err != nil {
		return Work{}, err
	}
	from := map[int32]int64{}
	for p, r := range ranges {
		if r.Last > r.First {
			from[int32(p)] = r.First
		}
	}
	var w Work
	began, before := time.Now(), used()
	reader := kafka.NewReader(client, kafka.ReaderConfig{Topic: topic})
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var reading errgroup.Group
	reading.Go(func() error { return reader.Run(ctx) })
	var g errgroup.Group
	counts := make([]int, n)
	for p, next := range from {
		source := reader.Open(p, stream.From(next))
		g.Go(func() error {
			for b := range source.Batches() {
				counts[p] += len(b.Records)
				if b.Next >= ranges[p].Last {
					return nil
				}
			}
			return source.Err()
		})
	}
	err = g.Wait()
	w.CPU, w.Wall = used()-before, time.Since(began)
	stop()
	for _, c := range counts {
		w.Events += c
	}
	return w, errors.Join(err, reading.Wait())
}

// Copy inserts the rows of tributary.events into a table like it, as the bytes that the engine gave for them: what sending
// rows costs that nobody has to make.
func Copy(ctx context.Context, addr string) (w Work, err error) {
	ask := func(query string, body []byte) ([]byte, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		req.URL.RawQuery = "query=" + escape(query)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err == nil && res.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", res.Status, b)
		}
		return b, err
	}
	if _, err := ask("CREATE TABLE default.copy AS tributary.events", nil); err != nil {
		return w, fmt.Errorf("make a table to copy into: %w", err)
	}
	rows, err := ask("SELECT * FROM tributary.events SETTINGS max_block_size = 65536 FORMAT Native", nil)
	if err != nil {
		return w, fmt.Errorf("read the rows to copy: %w", err)
	}
	began, before := time.Now(), used()
	if _, err := ask("INSERT INTO default.copy FORMAT Native", rows); err != nil {
		return w, fmt.Errorf("copy rows: %w", err)
	}
	w.CPU, w.Wall = used()-before, time.Since(began)
	count, err := ask("SELECT count() FROM default.copy FORMAT JSONEachRow SETTINGS output_format_json_quote_64bit_integers = 0", nil)
	if err != nil {
		return w, fmt.Errorf("count the copied rows: %w", err)
	}
	var c map[string]int
	if err := json.Unmarshal(count, &c); err != nil {
		return w, fmt.Errorf("count the copied rows: %w", err)
	}
	w.Events = c["count()"]
	return w, nil
}

// used is the processor time of this process so far.
func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // never happens for ourselves
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
