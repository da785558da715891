package clickhouse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// form is what a request says besides its body: the URL's parameters, and those of a multipart body. Clients put
// what is too long for a URL there.
type form struct {
	url.Values
	tables []external
	// whole tells that the body was read as a form.
	whole bool
}

// external is a table that comes with the query and ends with it.
type external struct {
	name, structure, format string
	data                    []byte
}

// maxForm is how much of a form is taken: it is held in memory.
const maxForm = 256 << 20

func readForm(r *http.Request) (form, error) {
	f := form{Values: r.URL.Query()}
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(media, "multipart/") {
		return f, nil // a body of another kind is the query's text or an insert's rows
	}
	f.whole = true
	body := io.LimitReader(r.Body, maxForm+1)
	var read int64
	for parts := multipart.NewReader(body, params["boundary"]); ; {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return f, f.describe()
		}
		var b []byte
		if err == nil {
			b, err = io.ReadAll(p)
		}
		if read += int64(len(b)); read > maxForm {
			return f, fail(codeBadArguments, "BAD_ARGUMENTS", "the form has more than %d bytes", maxForm)
		}
		if err != nil {
			return f, fail(codeBadArguments, "BAD_ARGUMENTS", "read the request's form: %v", err)
		}
		if p.FileName() != "" {
			f.tables = append(f.tables, external{name: p.FormName(), data: b})
		} else {
			f.Add(p.FormName(), string(b))
		}
	}
}

// describe finds the parameters that say what the tables hold, and takes them out: the others are settings.
func (f *form) describe() error {
	for i := range f.tables {
		t := &f.tables[i]
		t.format, t.structure = f.Get(t.name+"_format"), f.Get(t.name+"_structure")
		if t.format == "" {
			t.format = "TabSeparated"
		}
		if types := f.Get(t.name + "_types"); t.structure == "" && types != "" {
			var columns []string
			for i, typ := range split(types) {
				columns = append(columns, fmt.Sprintf("_%d %s", i+1, typ))
			}
			t.structure = strings.Join(columns, ", ")
		}
		if t.structure == "" {
			return fail(codeBadArguments, "BAD_ARGUMENTS", "the external table %q needs the parameter %[1]s_structure or %[1]s_types", t.name)
		}
		for _, name := range []string{"format", "structure", "types"} {
			f.Del(t.name + "_" + name)
		}
	}
	return nil
}

// create makes the tables as temporary ones of the connection; drop takes them back.
func (f form) create(c *conn) (drop func(), err error) {
	var made []string
	drop = func() {
		for _, name := range slices.Backward(made) {
			_, err := c.query("DROP TEMPORARY TABLE "+name, "Null")
			c.dirty = c.dirty || err != nil
		}
	}
	for _, t := range f.tables {
		name := identifier(t.name)
		if _, err := c.query("CREATE TEMPORARY TABLE "+name+" ("+t.structure+")", "Null"); err != nil {
			drop()
			return nil, err
		}
		made = append(made, name)
		if _, err := c.insert("INSERT INTO "+name, t.format, bytes.NewReader(t.data)); err != nil {
			drop()
			return nil, err
		}
	}
	return drop, nil
}
