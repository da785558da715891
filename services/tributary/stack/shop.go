package stack

import (
	"context"
	"fmt"
	"net/http"
)

// OpenShop lets visitors into the shop of a stack with a driven clock; with the wall clock it is open from the start.
func (s *Stack) OpenShop(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+s.IngestAdmin+"/shop/open", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("open the shop: %w", err)
	}
	_ = res.Body.Close() // the status is all we want
	if res.StatusCode != http.StatusNoContent {
		return fmt.Errorf("open the shop: ingest answers %s", res.Status)
	}
	return nil
}
