package kafkatest

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// Account that the SASL listeners know, for SCRAM-SHA-256, SCRAM-SHA-512 and PLAIN.
const (
	User     = "alice"
	Password = "alice-secret"
)

// listener is one door of a broker.
type listener struct{ name, protocol string }

var (
	open   = []listener{{"PLAINTEXT", "PLAINTEXT"}, {"CONTROLLER", "PLAINTEXT"}}
	secure = []listener{{"SASL", "SASL_PLAINTEXT"}, {"SASLTLS", "SASL_SSL"}, {"MTLS", "SSL"}}
)

// settings of one node: small and quick, and as careful with data as a real cluster of that size.
func (c *Cluster) settings(n *node) map[string]string {
	replicas, insync := fmt.Sprint(len(c.nodes)), fmt.Sprint(min(len(c.nodes), 2))
	s := map[string]string{
		"process.roles": "broker,controller", "node.id": fmt.Sprint(n.id), "log.dirs": filepath.Join(n.dir, "log"),
		"controller.listener.names": "CONTROLLER", "inter.broker.listener.name": "PLAINTEXT",

		"default.replication.factor": replicas, "min.insync.replicas": insync, "unclean.leader.election.enable": "false",
		"offsets.topic.replication.factor": replicas, "offsets.topic.num.partitions": "4",
		"transaction.state.log.replication.factor": replicas, "transaction.state.log.min.isr": insync, "transaction.state.log.num.partitions": "4",
		"share.coordinator.state.topic.replication.factor": replicas, "share.coordinator.state.topic.min.isr": insync,
		"auto.create.topics.enable": "false",

		// A killed broker is away for as long as the controller believes that it lives.
		"broker.session.timeout.ms": "3000", "broker.heartbeat.interval.ms": "500",
		"group.initial.rebalance.delay.ms": "0", "group.min.session.timeout.ms": "500",

		// The cleaner's buffer of 128 MiB would be most of the heap.
		"log.cleaner.dedupe.buffer.size": "2097152", "log.cleaner.threads": "1",
		"num.network.threads": "2", "num.io.threads": "2", "num.replica.fetchers": "1", "background.threads": "2",
		"num.recovery.threads.per.data.dir": "1", "group.coordinator.threads": "1",
	}
	c.listeners(n, s)
	maps.Copy(s, c.options.Settings)
	return s
}

func (c *Cluster) listeners(n *node, s map[string]string) {
	doors := open
	if c.options.Secure {
		doors = slices.Concat(open, secure)
		c.security(s)
	}
	var at, protocols, voters []string
	for _, l := range doors {
		at = append(at, l.name+"://"+n.addr(l.name))
		protocols = append(protocols, l.name+":"+l.protocol)
	}
	for _, m := range c.nodes {
		voters = append(voters, fmt.Sprintf("%d@%s", m.id, m.addr("CONTROLLER")))
	}
	s["listeners"] = strings.Join(at, ",")
	s["listener.security.protocol.map"] = strings.Join(protocols, ",")
	s["controller.quorum.voters"] = strings.Join(voters, ",")
}

func (c *Cluster) security(s map[string]string) {
	const module = "org.apache.kafka.common.security."
	s["sasl.enabled.mechanisms"] = "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN"
	for _, door := range []string{"sasl", "sasltls"} {
		s["listener.name."+door+".scram-sha-256.sasl.jaas.config"] = module + "scram.ScramLoginModule required;"
		s["listener.name."+door+".scram-sha-512.sasl.jaas.config"] = module + "scram.ScramLoginModule required;"
		s["listener.name."+door+".plain.sasl.jaas.config"] = fmt.Sprintf("%splain.PlainLoginModule required user_%s=%q;", module, User, Password)
	}
	s["listener.name.mtls.ssl.client.auth"] = "required"
	s["ssl.keystore.type"], s["ssl.truststore.type"] = "PEM", "PEM"
	s["ssl.keystore.location"] = filepath.Join(c.options.Dir, serverFile)
	s["ssl.truststore.location"] = filepath.Join(c.options.Dir, caFile)
}

// properties is the text of a settings file.
func properties(s map[string]string) []byte {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&b, "%s=%s\n", k, strings.ReplaceAll(s[k], `\`, `\\`))
	}
	return []byte(b.String())
}

// logging sends the broker's log to its standard output, which goes to a file.
const logging = `status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{HH:mm:ss.SSS} %p %c{1} %m%n
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
`
