package mistakes_test

import (
	"os"
	"path/filepath"
	"testing"
)

// calls that are wrong, and settings that are: they end with 2, and nothing was started.
var calls = []mistake{
	{name: "a command that does not exist", call: []string{"tributary", "nonsense"}, says: "unexpected argument nonsense; see tributary --help", exit: 2},
	{name: "a flag that does not exist", call: []string{"tributary", "demo", "--event=5"}, says: "unknown flag --event, did you mean", exit: 2},
	{name: "a service with a flag", call: []string{"ingest", "--brokers=x:1"}, says: "--brokers=x:1 is unknown; settings are environment variables, see --help", exit: 2},
	{name: "a demo of no events", call: []string{"tributary", "demo", "--events=0", "--dir=$dir"}, says: "--events=0: use a number from 1 to 2000000", exit: 2},
	{name: "a demo of fewer than no events", call: []string{"tributary", "demo", "--events=-5", "--dir=$dir"}, says: "--events=-5: use a number from 1", exit: 2},
	{name: "a demo of more events than memory holds", call: []string{"tributary", "demo", "--events=1000000000000", "--dir=$dir"}, says: "use a number from 1 to 2000000", exit: 2},
	{name: "a pace that is no duration", call: []string{"tributary", "demo", "--pace=fast", "--dir=$dir"}, says: `--pace: expected duration but got "fast"`, exit: 2},
	{name: "a pace below zero", call: []string{"tributary", "demo", "--pace=-1s", "--dir=$dir"}, says: "--pace=-1s: use 0 or a duration such as 60s", exit: 2},
	{name: "a sabotage that there is not", call: []string{"tributary", "demo", "--sabotage=burn", "--dir=$dir"}, says: `--sabotage must be one of "","drop","dup","move"`, exit: 2},
	{name: "chaos without its programs", call: []string{"tributary", "demo", "--chaos", "--dir=$dir"}, says: "./scripts/demo --chaos builds it", exit: 1},
	{name: "a benchmark of no rounds", call: []string{"tributary", "bench", "--rounds=0", "--dir=$dir"}, says: "--rounds=0, --partitions=16: use numbers above zero", exit: 2},
	{name: "an empty query", call: []string{"tributary", "query", " "}, says: "the query is empty: use SQL, or the name of a view", exit: 2},
	{name: "an event without a name", call: []string{"tributary", "send", ""}, says: "the event has no name: use one", exit: 2},
	{name: "ingest's address without http://", call: []string{"tributary", "send", "page", "--ingest=127.0.0.1:8080"}, says: "use http://host:port", exit: 2},
	{name: "ingest is not running", call: []string{"tributary", "send", "page", "--ingest=http://$refused"}, says: "start it with tributary dev", exit: 1},
	{name: "a wrong write key", call: []string{"tributary", "send", "page", "--key=x", "--ingest=http://$unauthorized"}, says: "ingest knows no store with this write key: set --key", exit: 1},
	{name: "ingest is not ready", call: []string{"tributary", "send", "page", "--ingest=http://$unavailable"}, says: "ingest is not ready yet: try again, and check /readyz", exit: 1},
	{name: "what is at ingest's address is something else", call: []string{"tributary", "send", "page", "--ingest=http://$http"}, says: "ingest answers 404 Not Found: check", exit: 1},

	{name: "a switch that is neither true nor false", call: []string{"ingest"}, set: []string{"TRIBUTARY_SHOP=maybe"}, says: "TRIBUTARY_SHOP=maybe: use true or false", exit: 2},
	{name: "a duration without a unit", call: []string{"sessionizer"}, set: []string{"TRIBUTARY_FLUSH_EVERY=10"}, says: "TRIBUTARY_FLUSH_EVERY=10: use a duration, such as 10s", exit: 2},
	{name: "a number that is too large", call: []string{"aggregator"}, set: []string{"TRIBUTARY_GENERATION=300"}, says: "use a whole number from 0 to 255", exit: 2},
	{name: "networks that are none", call: []string{"ingest"}, set: []string{"TRIBUTARY_PROXIES=proxy1"}, says: "TRIBUTARY_PROXIES=proxy1: use networks", exit: 2},
	{name: "a setting that is mistyped", call: []string{"aggregator"}, set: []string{"TRIBUTARY_KAFKA_BROKERS", "TRIBUTARY_KAFKA_BROKER=x:1"}, says: "did you mean TRIBUTARY_KAFKA_BROKERS?", exit: 2},
	{name: "a setting that there is not", call: []string{"ingest", "--check"}, set: []string{"TRIBUTARY_WRITE_KEY=x"}, says: "TRIBUTARY_WRITE_KEY is no setting of this program and changes nothing; see --help"},
	{name: "a clock that there is not", call: []string{"ingest"}, set: []string{"TRIBUTARY_CLOCK=sundial"}, says: "TRIBUTARY_CLOCK=sundial: expected wall or driven", exit: 2},
	{name: "a driven clock with a broker elsewhere", call: []string{"ingest"}, set: []string{"TRIBUTARY_CLOCK=driven", "TRIBUTARY_KAFKA_BROKERS=kafka:9092"}, says: "needs every broker address on loopback", exit: 2},
	{name: "an ownership that there is not", call: []string{"sessionizer"}, set: []string{"TRIBUTARY_OWNERSHIP=some"}, says: "TRIBUTARY_OWNERSHIP=some: expected all or group", exit: 2},
	{name: "a log level that there is not", call: []string{"ingest"}, set: []string{"TRIBUTARY_LOG_LEVEL=loud"}, says: "TRIBUTARY_LOG_LEVEL=loud: expected debug, info, warn or error", exit: 2},
	{name: "a log format that there is not", call: []string{"ingest"}, set: []string{"TRIBUTARY_LOG_FORMAT=xml"}, says: "TRIBUTARY_LOG_FORMAT=xml: expected json, text or auto", exit: 2},
	{name: "no home folder for a service's state", call: []string{"sessionizer"}, set: []string{"HOME"}, says: "no home folder for state, set TRIBUTARY_STATE_DIR", exit: 2},
	{name: "no home folder for the demo", call: []string{"tributary", "demo"}, set: []string{"HOME"}, says: "no home folder for the data, use --dir", exit: 2},
	{name: "no home folder for dev", call: []string{"tributary", "dev"}, set: []string{"HOME"}, says: "no home folder for the data, use --dir", exit: 2},

	{name: "TRIBUTARY_ENGINE names nothing", call: []string{"tributary", "dev", "--dir=$dir"}, set: []string{"TRIBUTARY_ENGINE=/nowhere/libchdb.so"}, says: "TRIBUTARY_ENGINE=/nowhere/libchdb.so is not there: set it", exit: 2},
	{name: "TRIBUTARY_ENGINE is a text", call: engineCall, set: []string{"TRIBUTARY_ENGINE=$text"}, says: "it is no shared library): set TRIBUTARY_ENGINE", exit: 1, prepare: text},
	{name: "TRIBUTARY_ENGINE is a program", call: engineCall, set: []string{"TRIBUTARY_ENGINE=$programs/ingest"}, says: "it is no shared library): set TRIBUTARY_ENGINE", exit: 1, prepare: ownPrograms},
	{name: "TRIBUTARY_ENGINE is another library", call: engineCall, set: []string{"TRIBUTARY_ENGINE=$libc"}, says: "set TRIBUTARY_ENGINE", exit: 1, prepare: someLibrary},
	{name: "TRIBUTARY_ENGINE was downloaded in part", call: engineCall, set: []string{"TRIBUTARY_ENGINE=$part"}, says: "it is cut short): set TRIBUTARY_ENGINE", exit: 1, prepare: changedEngine(func(b []byte) []byte { return b })},
	{name: "TRIBUTARY_ENGINE is for another processor", call: engineCall, set: []string{"TRIBUTARY_ENGINE=$part"}, says: "it is for EM_S390): set TRIBUTARY_ENGINE", exit: 1, prepare: changedEngine(func(b []byte) []byte { b[18] = 22; return b })},
	{name: "no npm to fetch the engine with", call: []string{"tributary", "dev", "--dir=$dir"}, set: []string{"TRIBUTARY_ENGINE", "PATH=/nowhere"}, says: "npm is missing: install Node.js with npm, or set TRIBUTARY_ENGINE", exit: 1},
	{name: "the program was copied without the others", call: []string{"tributary", "dev", "--dir=$dir"}, says: "program ingest is not beside", exit: 1, prepare: alone},
}

// engineCall starts everything, and so the engine.
var engineCall = []string{"tributary", "dev", "--dir=$dir", "--addr=127.0.0.1:0"}

func text(t *testing.T, dir string) map[string]string {
	return map[string]string{"text": write(t, dir, "engine.txt", "the engine is elsewhere\n")}
}

func ownPrograms(*testing.T, string) map[string]string {
	return map[string]string{"programs": programs}
}

// someLibrary is the system's C library: it loads, and is no engine.
func someLibrary(t *testing.T, _ string) map[string]string {
	found, err := filepath.Glob("/lib/*/libm.so.6")
	if err != nil || len(found) == 0 {
		t.Skip("this system has no libm.so.6 to take for the engine")
	}
	return map[string]string{"libc": found[0]}
}

// changedEngine is the engine's first megabyte, changed.
func changedEngine(change func([]byte) []byte) func(*testing.T, string) map[string]string {
	return func(t *testing.T, dir string) map[string]string {
		f, err := os.Open(engine)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		b := make([]byte, 1<<20)
		if _, err := f.Read(b); err != nil {
			t.Fatal(err)
		}
		return map[string]string{"part": write(t, dir, "part.so", string(change(b)))}
	}
}

// alone is a folder with one program.
func alone(t *testing.T, dir string) map[string]string {
	b, err := os.ReadFile(filepath.Join(programs, "tributary"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(write(t, dir, "alone/tributary", string(b)), 0o755); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"programs": filepath.Join(dir, "alone")}
}
