package country_test

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/tributary-data/tributary/pkg/enrich/country"
)

// file writes a tiny database of the given kind: networks and their countries.
func file(t *testing.T, kind string, countries map[string]string) string {
	t.Helper()
	w, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	for prefix, code := range countries {
		_, n, err := net.ParseCIDR(prefix)
		if err != nil {
			t.Fatal(err)
		}
		record := mmdbtype.Map{"continent": mmdbtype.Map{"code": mmdbtype.String("EU")}}
		if code != "" {
			record["country"] = mmdbtype.Map{"iso_code": mmdbtype.String(code), "geoname_id": mmdbtype.Uint32(7)}
		}
		if err := w.Insert(n, record); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return write(t, b.Bytes())
}

func write(t *testing.T, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "country.mmdb")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var networks = map[string]string{"81.2.69.0/24": "GB", "2001:218::/32": "JP", "89.160.20.0/24": ""}

func TestCountry(t *testing.T) {
	t.Parallel()
	db, err := country.Open(file(t, "GeoLite2-Country", networks))
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{
		"81.2.69.160": "GB", "::ffff:81.2.69.160": "GB", "2001:218::1": "JP", "2001:218::1%eth0": "JP",
		"81.2.70.1": "", "2001:219::1": "", // not in the file
		"89.160.20.1": "",                                                               // a record without a country
		"10.1.2.3":    "", "192.168.0.1": "", "127.0.0.1": "", "::1": "", "fd00::1": "", // of nobody's country
	} {
		if got := db.Country(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: got %q, want %q", addr, got, want)
		}
	}
	if got := db.Country(netip.Addr{}); got != "" {
		t.Errorf("no address: got %q", got)
	}
}

// Ensure that what is no file of countries is refused with its path and what to do, and cut off at no place makes a panic.
func TestOpen(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(file(t, "DBIP-Country-Lite", networks))
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) { // the format has its description at the end
		if _, err := country.Open(write(t, whole[:n])); err == nil || n < 100 && !strings.Contains(err.Error(), "is no MaxMind DB, or damaged") {
			t.Fatalf("the first %d of %d bytes: got %v", n, len(whole), err)
		}
	}
	if _, err := country.Open(file(t, "GeoLite2-ASN", networks)); err == nil || !strings.Contains(err.Error(), "holds GeoLite2-ASN: use one with countries") {
		t.Errorf("another kind: got %v", err)
	}
	if _, err := country.Open(filepath.Join(t.TempDir(), "none.mmdb")); err == nil || !strings.Contains(err.Error(), "country file cannot be read") {
		t.Errorf("no file: got %v", err)
	}
}

// Ensure that bytes missing in the middle never make a panic.
func TestHole(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(file(t, "GeoLite2-Country", networks))
	if err != nil {
		t.Fatal(err)
	}
	for from := 0; from+32 < len(whole)-200; from += 16 {
		db, err := country.Open(write(t, append(bytes.Clone(whole[:from]), whole[from+32:]...)))
		if err != nil {
			continue
		}
		for _, addr := range []string{"81.2.69.160", "2001:218::1", "10.0.0.1"} {
			db.Country(netip.MustParseAddr(addr))
		}
	}
}
