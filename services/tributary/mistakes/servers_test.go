package mistakes_test

// brokers that are not there, or not what they should be.
var brokers = []mistake{
	{name: "a broker's address as a URL", call: []string{"tributary", "tail", "--brokers=http://$kafka"}, says: "is no address of a Kafka broker: use host:port", exit: 2},
	{name: "a broker's address without a port", call: []string{"ingest"}, set: []string{"TRIBUTARY_KAFKA_BROKERS=kafka"}, says: `"kafka" is no address of a Kafka broker: use host:port`, exit: 2},
	{name: "no broker's address", call: []string{"tributary", "topics", "create", "--brokers="}, says: "set TRIBUTARY_KAFKA_BROKERS or --brokers", exit: 2},
	{name: "no broker listens", call: []string{"tributary", "tail", "--brokers=$refused"}, says: "no Kafka broker listens at $refused: start Kafka, or set", exit: 1},
	{name: "a broker's host that does not exist", call: []string{"tributary", "topics", "create", "--brokers=broker.invalid:9092"}, says: "of broker broker.invalid:9092: start Kafka, or set", exit: 1},
	{name: "the broker is an HTTP server", call: []string{"tributary", "topics", "create", "--brokers=$http"}, says: "is no Kafka broker: set TRIBUTARY_KAFKA_BROKERS", exit: 1},
	{name: "the broker's port closes at once", call: []string{"tributary", "tail", "--brokers=$closes"}, says: "closes the connection (a broker with TLS, or none at all)", exit: 1},
	{name: "the broker's port never answers", call: []string{"tributary", "store", "show", "--brokers=$mute", "demo"}, says: "does not answer as a Kafka broker: start Kafka, or set", exit: 1},
	{name: "the broker is too old", call: []string{"tributary", "topics", "create", "--brokers=$old"}, says: "is too old (it knows fetch up to version 11, 13 is needed): run Apache Kafka 3.1 or newer", exit: 1},
	{name: "a service's broker is too old", call: []string{"sessionizer"}, set: []string{"TRIBUTARY_KAFKA_BROKERS=$old"}, says: "run Apache Kafka 3.1 or newer", exit: 1},
	{name: "a service's broker is not there yet", call: []string{"sessionizer"}, set: []string{"TRIBUTARY_KAFKA_BROKERS=$refused"}, says: "waiting for Kafka: no Kafka broker listens at", waits: true},
	{name: "a service's broker never answers", call: []string{"ingest"}, set: []string{"TRIBUTARY_KAFKA_BROKERS=$mute"}, says: "waiting for Kafka: what listens at", waits: true},
	{name: "no topics to tail", call: []string{"tributary", "tail", "--brokers=$bare"}, says: "topic events.g0 is not there: create it with tributary topics create", exit: 1},
	{name: "no topics for store apply", call: []string{"tributary", "store", "apply", "--brokers=$bare", "../../../schemas/stores/demo.yaml"}, says: "topic events.g0 is not there: create it", exit: 1},
	{name: "no topics for a service", call: []string{"aggregator"}, set: []string{"TRIBUTARY_KAFKA_BROKERS=$bare"}, says: "waiting for Kafka: topic events.g0 is not there: create it", waits: true},
	{name: "more replicas than brokers", call: []string{"tributary", "topics", "create", "--brokers=$bare"}, says: "the cluster has fewer brokers: use --replication=1", exit: 1},
	{name: "topics of no partitions", call: []string{"tributary", "topics", "create", "--brokers=$bare", "--partitions=0", "--replication=1"}, says: "cannot have 0 partitions: use --partitions", exit: 1},
	{name: "another partition count than the topics have", call: []string{"tributary", "topics", "create", "--brokers=$kafka", "--partitions=4", "--replication=1"}, says: "topic events.g0 has 3 partitions, expected 4: use --partitions=3", exit: 1},
	{name: "topics whose partition counts differ", call: []string{"sessionizer"}, set: []string{"TRIBUTARY_KAFKA_BROKERS=$uneven"}, says: "topic sessions.g0.e0 has 4 partitions, topic events.g0 has 3", exit: 1},
	{name: "topics that somebody made without append time", call: []string{"tributary", "topics", "create", "--brokers=$stampless", "--partitions=3", "--replication=1"}, says: "expected LogAppendTime: set that with kafka-configs --alter", exit: 1},
	{name: "ingest on topics without append time", call: []string{"ingest"}, set: []string{"TRIBUTARY_KAFKA_BROKERS=$stampless"}, says: "topic events stamps no append time: set message.timestamp.type=LogAppendTime", waits: true},
	{name: "a clock that is wrong", call: []string{"ingest"}, set: []string{"TRIBUTARY_KAFKA_BROKERS=$ahead"}, says: "apart: check NTP", waits: true},
	{name: "a store that nobody applied", call: []string{"tributary", "store", "show", "--brokers=$kafka", "nobody"}, says: "no partition knows store nobody: apply its file", exit: 1},
}

// engines that are not there, or not what they should be, and queries that they cannot answer.
var engines = []mistake{
	{name: "ClickHouse's address as a URL", call: []string{"tributary", "query", "--clickhouse=http://$clickhouse", "sessions"}, says: "is no address of ClickHouse: use host:port", exit: 2},
	{name: "the aggregator's ClickHouse as a URL", call: []string{"aggregator"}, set: []string{"TRIBUTARY_CLICKHOUSE_ADDR=http://$clickhouse"}, says: "is no address of ClickHouse: use host:port", exit: 2},
	{name: "no address of ClickHouse", call: []string{"tributary", "migrate", "--clickhouse="}, says: "set TRIBUTARY_CLICKHOUSE_ADDR or --clickhouse", exit: 2},
	{name: "no ClickHouse listens", call: []string{"tributary", "migrate", "--clickhouse=$refused"}, says: "no ClickHouse listens at", exit: 1},
	{name: "ClickHouse's host does not exist", call: []string{"tributary", "query", "--clickhouse=clickhouse.invalid:8123", "sessions"}, says: "of ClickHouse at clickhouse.invalid:8123: start it, or set", exit: 1},
	{name: "ClickHouse's native port", call: []string{"tributary", "query", "--clickhouse=$native", "sessions"}, says: "(its native port?): set TRIBUTARY_CLICKHOUSE_ADDR or --clickhouse to the HTTP port, usually 8123", exit: 1},
	{name: "another HTTP server than ClickHouse", call: []string{"tributary", "query", "--clickhouse=$http", "sessions"}, says: "is no ClickHouse: start it, or set", exit: 1},
	{name: "ClickHouse's port never answers", call: []string{"tributary", "query", "--clickhouse=$mute", "sessions"}, says: "does not answer in time: start it, or set", exit: 1},
	{name: "ClickHouse's port closes at once", call: []string{"tributary", "query", "--clickhouse=$closes", "sessions"}, says: "is no ClickHouse: start it, or set", exit: 1},
	{name: "a wrong password", call: []string{"tributary", "query", "--clickhouse=$clickhouse", "--password=secret", "sessions"}, says: "ClickHouse refuses the account: set TRIBUTARY_CLICKHOUSE_USER", exit: 1},
	{name: "the aggregator with a wrong password", call: []string{"aggregator"}, set: []string{"TRIBUTARY_CLICKHOUSE_PASSWORD=secret"}, says: "waiting for ClickHouse: ClickHouse refuses the account: set", waits: true},
	{name: "the aggregator before ClickHouse", call: []string{"aggregator"}, set: []string{"TRIBUTARY_CLICKHOUSE_ADDR=$refused"}, says: "waiting for ClickHouse: no ClickHouse listens at", waits: true},
	{name: "SQL that is none", call: []string{"tributary", "query", "SELEC 1"}, says: "check the statement, ClickHouse says: Syntax error: failed at position 1 (SELEC)", exit: 1},
	{name: "a column that there is not", call: []string{"tributary", "query", "SELECT visiter FROM bi.sessions"}, says: "Unknown expression identifier `visiter`", exit: 1},
	{name: "a view that is mistyped", call: []string{"tributary", "query", "session"}, says: "there is no view bi.session: did you mean sessions?", exit: 2},
	{name: "a format that there is not", call: []string{"tributary", "query", "--format=xml", "sessions"}, says: `--format must be one of "table","csv","json"`, exit: 2},
}

// unmigrated is what happens before the first tributary migrate.
var unmigrated = []mistake{
	{name: "a view before migrate", call: []string{"tributary", "query", "sessions"}, says: "create what is ours with: tributary migrate", exit: 1},
	{name: "the aggregator before migrate", call: []string{"aggregator"}, says: "waiting for ClickHouse: ", waits: true},
}

// drifted are databases that are not what their migrations made. Each row's first statement makes it so, the second mends it.
var drifted = []struct {
	mistake
	spoil, mend string
}{
	{mistake{name: "a migration's table is gone", call: migrate, says: "0001_tables.sql created tributary.refunds, which is missing: restore it from a backup", exit: 1},
		"RENAME TABLE tributary.refunds TO tributary.elsewhere", "RENAME TABLE tributary.elsewhere TO tributary.refunds"},
	{mistake{name: "a migration was applied with another text", call: migrate, says: "0002_views.sql was applied with another text: use the program that applied it", exit: 1},
		"INSERT INTO tributary.migrations (name, hash, applied_at) VALUES ('0002_views.sql', 'beef', now() + 1)", "ALTER TABLE tributary.migrations DELETE WHERE hash = 'beef' SETTINGS mutations_sync = 2"},
	{mistake{name: "the database is newer than the program", call: migrate, says: "9999_later.sql was applied by a newer program, this one ends at 0007_reconcile.sql: use the newer one", exit: 1},
		"INSERT INTO tributary.migrations (name) VALUES ('9999_later.sql')", "ALTER TABLE tributary.migrations DELETE WHERE name = '9999_later.sql' SETTINGS mutations_sync = 2"},
}

var migrate = []string{"tributary", "migrate"}
