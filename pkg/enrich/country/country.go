// Package country finds the country of an address in a MaxMind DB file, such as GeoLite2-Country or one of another
// maker with the same layout. It is the only importer of the format's reader. It downloads nothing, and keeps and logs no
// address.
package country

import (
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"
)

// DB is one file, held in memory. It may be asked from several goroutines.
type DB struct{ reader *maxminddb.Reader }

// Open reads a file. It is read as a whole and not mapped, so that whoever replaces it in place does no harm; a new one
// counts from the next start on.
func Open(path string) (*DB, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("country file cannot be read, set a path that is there: %w", err)
	}
	r, err := maxminddb.OpenBytes(b)
	if err != nil {
		return nil, fmt.Errorf("country file %s is no MaxMind DB, or damaged: use another copy: %w", path, err)
	}
	kind := strings.ToLower(r.Metadata.DatabaseType)
	for _, known := range []string{"country", "city", "enterprise"} {
		if strings.Contains(kind, known) {
			return &DB{r}, nil
		}
	}
	return nil, fmt.Errorf("country file %s holds %s: use one with countries, such as GeoLite2-Country.mmdb", path, r.Metadata.DatabaseType)
}

// Country of an address, ISO 3166 alpha-2; empty for one that the file does not know, such as a private one. What
// cannot be decoded is unknown too: no event is refused for it.
func (d *DB) Country(addr netip.Addr) string {
	var code string
	if !addr.IsValid() || d.reader.Lookup(addr.Unmap().WithZone("")).DecodePath(&code, "country", "iso_code") != nil {
		return ""
	}
	return code
}
