package stack

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"

	"github.com/tributary-data/tributary/pkg/kafka"
)

// nextOffset is a line of a service's metrics: how far a stage is in a partition.
var nextOffset = regexp.MustCompile(`^tributary_next_offset\{partition="(\d+)",stage="([^"]+)"\} (\S+)$`)

// CaughtUp tells whether a stage of the service at an admin address has committed everything that is in a topic now.
func CaughtUp(ctx context.Context, client *kafka.Client, admin, stage, topic string, partitions int) (bool, error) {
	next, err := nextOffsets(ctx, admin, stage)
	if err != nil {
		return false, err
	}
	ends, err := client.Offsets(ctx, topic, partitions)
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

// nextOffsets are the offsets, by partition, from which a stage's state continues.
func nextOffsets(ctx context.Context, admin, stage string) (map[int]int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask for the offsets of stage %s: %w", stage, err)
	}
	defer res.Body.Close()
	out := map[int]int64{}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		m := nextOffset.FindStringSubmatch(lines.Text())
		if m == nil || m[2] != stage {
			continue
		}
		p, err := strconv.Atoi(m[1])
		if err != nil {
			return nil, err
		}
		n, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			return nil, err
		}
		out[p] = int64(n)
	}
	return out, lines.Err()
}
