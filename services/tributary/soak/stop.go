package soak

import (
	"strings"
	"sync"
)

// stop ends the machines of these services, all at once.
func (f *fleet) stop(services ...string) {
	var all sync.WaitGroup
	for _, m := range f.machines {
		for _, s := range services {
			if m.name == s || strings.HasPrefix(m.name, s+"-") {
				all.Go(m.stop)
			}
		}
	}
	all.Wait()
}

// close ends everything, in the order in which data flows.
func (f *fleet) close() {
	f.stop(ingest)
	f.stop(sessionizer, aggregator)
	if f.client != nil {
		f.client.Close()
	}
	if f.db != nil {
		_ = f.db.Close() // everything was read
	}
	if f.apache != nil {
		f.apache.stop()
	}
	f.stop(broker, engine)
}
