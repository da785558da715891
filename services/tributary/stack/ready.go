package stack

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Ready waits until the process says on its admin address that it is ready.
func (c *Process) Ready(ctx context.Context, admin string) error {
	began := time.Now()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/readyz", nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close() // the status is all we want
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		t := time.NewTimer(20 * time.Millisecond)
		select {
		case <-c.done:
			return c.Failure()
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready after %s; its log is %s", c.name, time.Since(began).Round(time.Second), c.log)
		case <-t.C:
		}
	}
}
