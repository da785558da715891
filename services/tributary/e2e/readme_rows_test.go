package e2e_test

import "strings"

// way is how a test runs a command of a page. The first of these that is set counts, after that which stands beside it.
type way struct {
	// short is a quicker form, which is run instead of the command.
	short string
	// test is the folder and the name of the test that runs it, or what it would: it takes too long or too much here.
	test string
	// parse only looks at the script, for the reason that stands here.
	parse string
	// exit is the expected exit code, and shows what is printed in the end: what needs a moment is asked again.
	exit  int
	shows string
}

const (
	aMutant  = `./scripts/proof mutants -only "a pause of exactly the gap cuts, on the fast path"`
	someTest = "./scripts/test ./pkg/session -run Gap"
	small    = " --events 1000 --pace 0"
)

// rows say for every command of README.md and CONTRIBUTING.md how it is run. A command without a row, or with none of
// the beginnings below, fails the test.
var rows = map[string]way{
	"./scripts/demo": {short: "./scripts/demo" + small, shows: "difference 0"},
	"./scripts/demo --pace 0 --sabotage drop":         {short: "./scripts/demo --sabotage drop" + small, exit: 3, shows: "\ncell "},
	"./scripts/demo --chaos":                          {test: "services/tributary/demo TestChaos"},
	"./scripts/demo --pace 0 --events 5000 --json":    {test: "services/tributary/demo TestJSON"},
	"./scripts/demo --keep":                           {test: "services/tributary/e2e TestREADMEQueries"},
	"./scripts/demo --prune":                          {test: "services/tributary/demo TestEarlierRuns"},
	"./scripts/demo --help":                           {shows: "--sabotage"},
	"./scripts/test":                                  {short: someTest},
	"./scripts/test ./pkg/session":                    {short: someTest},
	someTest:                                          {shows: "ok"},
	"./scripts/bench":                                 {short: "./scripts/bench --events 2000 --rounds 1 --partitions 2", shows: "whole path"},
	"./scripts/kafka fetch":                           {test: "pkg/kafka/kafkatest TestScriptRun"},
	"./scripts/proof mutants":                         {short: aMutant},
	"./scripts/proof resume":                          {test: "services/tributary/e2e TestResume"},
	aMutant:                                           {shows: "1 of 1 killed"},
	"./scripts/proof diagnose":                        {test: "services/tributary/accept TestIncidentsAreTold"},
	"./scripts/proof chaos":                           {test: "services/tributary/demo TestChaos"},
	"./scripts/proof brokers":                         {test: "pkg/kafka/brokers TestFailover"},
	"./scripts/soak --seconds 60":                     {test: "services/tributary/e2e TestSoak"},
	"./scripts/generate":                              {parse: "needs protoc, and writes into the tree"},
	".ci/run":                                         {parse: "runs these tests"},
	"tributary dev":                                   {test: "services/tributary/e2e TestDev"},
	"export TRIBUTARY_CLICKHOUSE_PASSWORD=choose-one": {},
	"docker compose up --build --wait":                {test: "scripts/tools/deploy TestComposeServices"},
	"go test ./services/tributary/e2e -run TestREADMESettings -update": {test: "services/tributary/e2e TestREADMESettings"},
}

// beginnings of commands that are run as they stand, in order, against one running stack.
var beginnings = []struct {
	text string
	way  way
}{
	{"export PATH=", way{}},
	{"curl -u demo-write-key:", way{shows: `{"success":true}`}},
	{"curl 'http://127.0.0.1:8123/", way{shows: "never change again"}},
	{"curl -i http://127.0.0.1:8081/readyz", way{shows: "200 OK"}},
	{"curl -s http://127.0.0.1:8081/metrics", way{shows: "tributary_ingest_events_total"}},
	{"tributary send ", way{shows: "200 OK"}},
	{"tributary tail ", way{shows: "product_viewed"}},
	{"tributary query completeness", way{shows: "final_through"}},
	{"tributary query --format csv", way{shows: "purchased,1"}},
	{"tributary query ", way{shows: "Email"}},
	{"tributary topics create ", way{shows: "12 partitions"}},
	{"tributary migrate ", way{shows: "nothing to do"}},
	{"tributary store check ", way{shows: "ok"}},
	{"tributary store apply ", way{shows: "nothing to do"}},
	{"tributary store show ", way{shows: "partition  11"}},
	{"TRIBUTARY_KAFKA_BROKERS=127.0.0.1:9092 ingest --check", way{}},
	{"sessionizer --help", way{shows: "TRIBUTARY_STATE_DIR"}},
	{"tributary diagnose ", way{shows: "Not enough is known"}}, // with cells of 35 days: services/tributary/stack TestDiagnosisOfCells
	{"tributary backfill ", way{shows: "nothing to backfill"}}, // of an edited funnel: services/tributary/stack TestBackfill
	{"tributary reconcile", way{shows: "compared"}},
	{"tributary annotate ", way{shows: "checkout 2.1"}},
	{"tributary suggest-values ", way{shows: "allow: {landing_path:"}},
	{"tributary lag", way{shows: "events.g0/11"}},
	{"tributary state ", way{test: "services/tributary/e2e TestStops"}},
	{"tributary restate ", way{test: "services/tributary/e2e TestRestate"}},
	{"TRIBUTARY_EPOCH=1 ", way{test: "services/tributary/e2e TestRestate"}},
	{"helm install ", way{test: "scripts/tools/deploy TestREADMEInstall"}},
}

// how a command is run.
func how(command string) (way, bool) {
	if w, ok := rows[command]; ok {
		return w, true
	}
	for _, b := range beginnings {
		if strings.HasPrefix(command, b.text) {
			return b.way, true
		}
	}
	return way{}, false
}
