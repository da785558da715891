package mistakes_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tributary-data/tributary/schemas/stores"
)

// check is how a store file is looked at before anybody gets it.
var check = []string{"tributary", "store", "check", "$file"}

// changed is the demo's store file with one change, as $file.
func changed(from, to string) func(*testing.T, string) map[string]string {
	return func(t *testing.T, dir string) map[string]string {
		text := strings.Replace(string(stores.Demo()), from, to, 1)
		if text == string(stores.Demo()) {
			t.Fatalf("the demo's store has no %q", from)
		}
		return map[string]string{"file": write(t, dir, "store.yaml", text)}
	}
}

// two stores in a folder, as $folder.
func two(first, second string) func(*testing.T, string) map[string]string {
	return func(t *testing.T, dir string) map[string]string {
		folder := filepath.Dir(write(t, dir, "stores/a.yaml", strings.ReplaceAll(string(stores.Demo()), "store: demo", first)))
		write(t, dir, "stores/b.yaml", strings.ReplaceAll(string(stores.Demo()), "store: demo", second))
		return map[string]string{"folder": folder}
	}
}

func emptyFolder(t *testing.T, dir string) map[string]string {
	folder := filepath.Join(dir, "stores")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"folder": folder}
}

func unreadable(t *testing.T, dir string) map[string]string {
	file := write(t, dir, "store.yaml", string(stores.Demo()))
	if err := os.Chmod(file, 0); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"file": file}
}

// storeFiles with mistakes in them. Each is told with its file, line and field.
var storeFiles = []mistake{
	{name: "a store file that is not there", call: []string{"tributary", "store", "check", "/nowhere.yaml"}, says: "no such file or directory; see tributary --help", exit: 2},
	{name: "a folder in place of a store file", call: []string{"tributary", "store", "check", "/"}, says: `"/" exists but is a directory; see tributary --help`, exit: 2},
	{name: "TRIBUTARY_STORES names nothing", call: []string{"ingest"}, set: []string{"TRIBUTARY_STORES=/nowhere"}, says: "store file /nowhere is not there: set TRIBUTARY_STORES", exit: 2},
	{name: "dev with stores that are not there", call: []string{"tributary", "dev", "--dir=$dir", "--stores=/nowhere"}, says: "--stores=/nowhere is not there: use a store file", exit: 2},
	{name: "dev with a mistake in its store file", call: []string{"tributary", "dev", "--dir=$dir", "--addr=127.0.0.1:0", "--stores=$file"}, says: "ingest: $file: line 8: meaning.currency: 'euro': use the three capital letters", exit: 2, prepare: changed("EUR", "euro")},
	{name: "TRIBUTARY_STORES is an empty folder", call: []string{"ingest"}, set: []string{"TRIBUTARY_STORES=$folder"}, says: "holds no store file (*.yaml): put one there", exit: 2, prepare: emptyFolder},
	{name: "a store file that may not be read", call: []string{"ingest"}, set: []string{"TRIBUTARY_STORES=$file"}, says: "cannot read store file: set its permission", exit: 2, prepare: unreadable, as: 65534},
	{name: "two files for one store", call: []string{"ingest"}, set: []string{"TRIBUTARY_STORES=$folder"}, says: "b.yaml: store demo is defined by", exit: 2, prepare: two("store: demo", "store: demo")},
	{name: "one write key for two stores", call: []string{"ingest"}, set: []string{"TRIBUTARY_STORES=$folder"}, says: "a write key belongs to store one already: use each for one store", exit: 2, prepare: two("store: one", "store: two")},
	{name: "a store file that is no YAML", call: check, says: "line 6: not YAML, check its brackets", exit: 1, prepare: changed("[shop.example]", "[shop.example")},
	{name: "a field that is mistyped", call: check, says: "line 7: meaning: there is no field sesion_gap: did you mean session_gap?", exit: 1, prepare: changed("session_gap", "sesion_gap")},
	{name: "a field that is missing", call: check, says: "'store' is missing: set it", exit: 1, prepare: changed("store: demo", "# nothing")},
	{name: "a time zone that there is not", call: check, says: `meaning.time_zone: "CEST" is no IANA time zone: use one such as Europe/Berlin`, exit: 1, prepare: changed("UTC", "CEST")},
	{name: "a currency in words", call: check, says: "line 8: meaning.currency: 'euro': use the three capital letters of ISO 4217, such as EUR", exit: 1, prepare: changed("EUR", "euro")},
	{name: "a duration in words", call: check, says: "meaning.session_gap: 'half an hour': use a duration, such as 30m", exit: 1, prepare: changed("30m", "half an hour")},
	{name: "a session gap that is too long", call: check, says: "meaning.session_gap: 48h0m0s: use 1m to 8h", exit: 1, prepare: changed("30m", "48h")},
	{name: "a funnel without steps", call: check, says: "meaning.funnels[0]: 'steps' is missing: set it", exit: 1, prepare: func(t *testing.T, dir string) map[string]string {
		head, _, _ := strings.Cut(string(stores.Demo()), "      steps:")
		return map[string]string{"file": write(t, dir, "store.yaml", head+"      breakdowns: [[channel]]\n")}
	}},
	{name: "an action that is mistyped", call: check, says: "no event is named cart_aded: did you mean cart_added?", exit: 1, prepare: changed("cart_added", "cart_aded")},
	{name: "a breakdown of any number of values", call: check, says: "campaign can have any number of values, and each would make cells of its own: put those to keep under allow", exit: 1, prepare: changed("[channel, device]", "[channel, campaign]")},
	{name: "an optional step in any order", call: check, says: "with order: any no step is jumped over: remove it", exit: 1, prepare: changed("      version: 1", "      version: 1\n      order: any")},
	{name: "a country file that is not there", call: []string{"ingest"}, set: []string{"TRIBUTARY_COUNTRY_DB=/nowhere.mmdb"}, says: "TRIBUTARY_COUNTRY_DB: country file cannot be read, set a path that is there: open /nowhere.mmdb: no such file", exit: 2},
	{name: "a country file that is none", call: []string{"ingest"}, set: []string{"TRIBUTARY_COUNTRY_DB=$file"}, says: "is no MaxMind DB, or damaged: use another copy", exit: 2, prepare: changed("EUR", "USD")},
	{name: "a breakdown that there is not", call: check, says: "use one of 'channel', 'device'", exit: 1, prepare: changed("[channel, device]", "[browser]")},
}

// applied holds what becomes of a store's second and third file. The rows come one after the other.
var applied = []mistake{
	{name: "a changed store file that nobody applied", call: []string{"ingest"}, set: []string{"TRIBUTARY_KAFKA_BROKERS=$tables", "TRIBUTARY_STORES=$file"},
		says: "this store takes no events, its file changed: apply it with: tributary store apply $file", waits: true, prepare: changed("30m", "20m")},
	{name: "a funnel that changes under its version", call: []string{"tributary", "store", "apply", "--brokers=$tables", "$file"},
		says: "funnel purchase is not what version 1 was so far: set version: 2", exit: 1, prepare: changed("        - {action: payment_submitted, optional: true}\n", "")},
	{name: "a store file that another one replaced", call: []string{"tributary", "store", "apply", "--brokers=$tables", demo},
		says: "a later file counts, and the same file cannot be applied twice", exit: 1},
}

// demo is the demo's store file.
const demo = "../../../schemas/stores/demo.yaml"
