package clickhouse_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// multipartForm has the fields, given as name and value, and the files, given as table and content.
func multipartForm(t testing.TB, fields, files []string) (body string, header http.Header) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		must(t, w.WriteField(fields[i], fields[i+1]))
	}
	for i := 0; i < len(files); i += 2 {
		p, err := w.CreateFormFile(files[i], files[i]+".tsv")
		must(t, err)
		_, err = p.Write([]byte(files[i+1]))
		must(t, err)
	}
	must(t, w.Close())
	return b.String(), http.Header{"Content-Type": {w.FormDataContentType()}}
}

func TestForms(t *testing.T) {
	for _, c := range []struct {
		name          string
		url           url.Values
		fields, files []string
		want          string
	}{
		{"query and parameter", nil, []string{"query", "SELECT {s:String}", "param_s", `it's`}, nil, `it\'s`},
		{"a long parameter", nil, []string{"query", "SELECT length({s:String})", "param_s", strings.Repeat("x", 3<<20)}, nil, "3145728"},
		{"a long query", nil, []string{"query", "SELECT length('" + strings.Repeat("x", 255<<10) + "')"}, nil, "261120"},
		{"query in the URL", url.Values{"query": {"SELECT {s:String}"}}, []string{"param_s", "x"}, nil, "x"},
		{"setting", nil, []string{"query", "SELECT getSetting('max_block_size')", "max_block_size", "77"}, nil, "77"},
		{"table", url.Values{"t_structure": {"a UInt8, b String"}}, []string{"query", "SELECT * FROM t ORDER BY a"}, []string{"t", "2\ty\n1\tx\n"}, "1\tx\n2\ty"},
		{"table that the form describes", nil, []string{"query", "SELECT sum(_1) FROM t", "t_types", "UInt8,Decimal(9, 2)", "t_format", "CSV"}, []string{"t", "2,1.5\n5,0\n"}, "7"},
		{"two tables", nil, []string{"query", "SELECT a, b FROM t JOIN `u-v` USING a", "t_structure", "a UInt8", "u-v_structure", "a UInt8, b String"},
			[]string{"t", "1\n2\n", "u-v", "2\ttwo\n"}, "2\ttwo"},
		{"empty table", nil, []string{"query", "SELECT count() FROM t", "t_structure", "a UInt8"}, []string{"t", ""}, "0"},
	} {
		for _, session := range []string{"", "forms"} {
			fields := c.fields
			if session != "" {
				fields = append(fields[:len(fields):len(fields)], "session_id", session)
			}
			body, header := multipartForm(t, fields, c.files)
			if a := do(t, http.MethodPost, server(t), "/", c.url, header, strings.NewReader(body)); a.status != 200 || strings.TrimSuffix(a.body, "\n") != c.want {
				t.Errorf("%s, session %q: %d %.200q, expected %q", c.name, session, a.status, a.body, c.want)
			}
		}
	}
	for range 4 { // every connection of the pool
		refused(t, "SELECT * FROM t", 404, 60)
	}
	refused(t, "SELECT * FROM t", 404, 60, "session_id", "forms")
}

func TestRefusedForms(t *testing.T) {
	for name, c := range map[string]struct {
		fields, files []string
		code          string
	}{
		"a table without columns":   {[]string{"query", "SELECT 1"}, []string{"t", "1\n"}, "36"},
		"a table of a wrong type":   {[]string{"query", "SELECT 1", "t_structure", "a Nope"}, []string{"t", "1\n"}, "50"},
		"a table with a wrong row":  {[]string{"query", "SELECT 1", "t_structure", "a UInt8"}, []string{"t", "x\n"}, "27"},
		"a second table is refused": {[]string{"query", "SELECT 1", "t_structure", "a UInt8", "u_structure", "a Nope"}, []string{"t", "1\n", "u", "1\n"}, "50"},
		"a query beyond the limit":  {[]string{"query", "SELECT length('" + strings.Repeat("x", 257<<10) + "')"}, nil, "62"},
		"no query":                  {[]string{"param_x", "1"}, nil, "62"},
		"a wrong account":           {[]string{"query", "SELECT 1", "user", "x"}, nil, "516"},
	} {
		body, header := multipartForm(t, c.fields, c.files)
		a := do(t, http.MethodPost, server(t), "/", nil, header, strings.NewReader(body))
		if got := a.header.Get("X-ClickHouse-Exception-Code"); got != c.code {
			t.Errorf("%s: %d, code %s, expected %s: %s", name, a.status, got, c.code, a.body)
		}
	}
	a := do(t, http.MethodPost, server(t), "/", nil, http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}, strings.NewReader("--x\r\nbroken"))
	if a.status != 400 || !strings.Contains(a.body, "read the request's form") {
		t.Errorf("a form that breaks off: %d %q", a.status, a.body)
	}
	refused(t, "SELECT * FROM t", 404, 60)
}
