package clickhouse_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// TestKillByClientsQueryID kills statements by the ids that their clients gave them, while these hold every connection
// that the KILL could have.
func TestKillByClientsQueryID(t *testing.T) {
	post(t, "CREATE OR REPLACE TABLE slow (a UInt64) ENGINE = Null")
	ids := []string{"it's /* mine */", "kill-1", "kill-2", "kill-3"}
	var clients sync.WaitGroup
	for i, id := range ids {
		query := fmt.Sprintf("INSERT INTO slow SELECT sipHash64(number) FROM numbers(100000000000) SETTINGS log_comment = 'victim-%d'", i)
		if i >= 2 {
			query = fmt.Sprintf("SELECT sum(sipHash64(number)) FROM numbers(100000000000) SETTINGS log_comment = 'victim-%d'", i)
		}
		clients.Go(func() {
			a := do(t, http.MethodPost, server(t), "/", url.Values{"query_id": {id}}, nil, strings.NewReader(query))
			if a.header.Get("X-ClickHouse-Exception-Code") != "394" || a.header.Get("X-ClickHouse-Query-Id") != id {
				t.Errorf("%s: %d %v %s", id, a.status, a.header, a.body)
			}
		})
	}
	gone := make(chan struct{})
	go func() { clients.Wait(); close(gone) }()
	eventually(t, "all are killed", func() bool {
		for _, id := range ids {
			post(t, "KILL QUERY WHERE query_id = {id:String}", "param_id", id)
		}
		select {
		case <-gone:
			return true
		default:
			return false
		}
	})
	post(t, "KILL QUERY WHERE query_id = 'nobody'")
}

// TestKillLeavesOthers: the id decides.
func TestKillLeavesOthers(t *testing.T) {
	done := make(chan answer, 1)
	go func() {
		done <- do(t, http.MethodPost, server(t), "/", url.Values{"query_id": {"other"}}, nil, strings.NewReader("SELECT sleepEachRow(0.02), 'victim-left' FROM numbers(20) SETTINGS max_block_size = 1"))
	}()
	eventually(t, "it runs", func() bool {
		return post(t, "SELECT count() FROM system.processes WHERE query LIKE '%victim-left%' AND query NOT LIKE '%system.processes%'") == "1\n"
	})
	post(t, "KILL QUERY WHERE query_id = 'another'")
	if a := <-done; a.status != 200 {
		t.Errorf("the other query: %d %s", a.status, a.body)
	}
}
