package demo

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"

	"github.com/tributary-data/tributary/pkg/kafka"
	"github.com/tributary-data/tributary/schemas"
)

// nextOffset is a line of the aggregator's metrics: how far it is in a partition of dead-letters.
var nextOffset = regexp.MustCompile(`^tributary_next_offset\{partition="(\d+)",stage="` + schemas.TopicDeadLetters + `"\} (\S+)$`)

// lettersRead tells whether all dead letters are in their table. They carry no watermark, so bi.completeness says nothing
// of them: the offsets do.
func (r *runner) lettersRead(ctx context.Context) (bool, error) {
	next, err := r.lettersNext(ctx)
	if err != nil {
		return false, err
	}
	client, err := kafka.NewClient(kafka.Config{Brokers: r.stack.Kafka})
	if err != nil {
		return false, err
	}
	defer client.Close()
	ends, err := client.Offsets(ctx, schemas.TopicDeadLetters, schemas.PartitionsLaptop)
	if err != nil {
		return false, err
	}
	for p, end := range ends {
		if next[p] < end.Last {
			return false, nil
		}
	}
	return true, nil
}

// lettersNext is the offset, by partition, from which the aggregator's state continues.
func (r *runner) lettersNext(ctx context.Context) (map[int]int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.stack.Admin["aggregator"]+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the aggregator for its offsets: %w", err)
	}
	defer res.Body.Close()
	out := map[int]int64{}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		m := nextOffset.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		p, err := strconv.Atoi(m[1])
		if err != nil {
			return nil, err
		}
		n, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			return nil, err
		}
		out[p] = int64(n)
	}
	return out, lines.Err()
}
