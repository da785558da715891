package clickhouse

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzForm: whatever the body is, a form is read or refused, and each of its tables has columns and a format.
func FuzzForm(f *testing.F) {
	const head = "--b\r\nContent-Disposition: form-data; name=\""
	f.Add("query\"\r\n\r\nSELECT 1\r\n--b--\r\n")
	f.Add("t\"; filename=\"t.tsv\"\r\n\r\n1\t2\r\n" + head + "t_types\"\r\n\r\nUInt8,String\r\n--b--\r\n")
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(head+body))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		in, err := readForm(r)
		if err != nil {
			return
		}
		for _, x := range in.tables {
			if x.structure == "" || x.format == "" {
				t.Errorf("table %q has structure %q and format %q", x.name, x.structure, x.format)
			}
			if in.Has(x.name+"_structure") || in.Has(x.name+"_types") || in.Has(x.name+"_format") {
				t.Errorf("what describes table %q is left as a setting", x.name)
			}
		}
	})
}

func TestKillByClientsID(t *testing.T) {
	for in, want := range map[string]string{
		"KILL QUERY WHERE query_id = 'a'":                      "KILL QUERY WHERE " + markedID + " = 'a'",
		"KILL QUERY WHERE `query_id` IN ('query_id') ASYNC":    "KILL QUERY WHERE " + markedID + " IN ('query_id') ASYNC",
		"KILL QUERY WHERE user = 'query_id' -- query_id\nTEST": "KILL QUERY WHERE user = 'query_id' -- query_id\nTEST",
	} {
		if got, err := killByClientsID(in); err != nil || got != want {
			t.Errorf("%s: got %s, %v", in, got, err)
		}
	}
	if _, err := killByClientsID("KILL QUERY WHERE 1 sync"); err == nil {
		t.Error("SYNC was accepted")
	}
}
