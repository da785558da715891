// Package recent remembers answers to questions that come again and again. It is bounded, safe for concurrent use, and
// no store of truth: what it forgets is worked out anew.
package recent

import (
	"strings"
	"sync"
)

// maxKey is the longest key that is remembered: a bound on entries alone would be none on memory.
const maxKey = 1024

// Cache holds what was asked for lately, in two generations: when the young one is full it becomes the old one, and
// what is found there moves back. So a flood of new keys does not drive out those in use.
type Cache[V any] struct {
	mu         sync.RWMutex
	young, old map[string]V
	limit      int
}

// New makes a cache of at most twice limit entries.
func New[V any](limit int) *Cache[V] {
	return &Cache[V]{young: map[string]V{}, limit: limit}
}

// Get gives the value of key, if it is remembered.
func (c *Cache[V]) Get(key string) (V, bool) {
	c.mu.RLock()
	v, ok := c.young[key]
	if ok {
		c.mu.RUnlock()
		return v, true
	}
	v, ok = c.old[key]
	c.mu.RUnlock()
	if ok {
		c.Put(key, v)
	}
	return v, ok
}

// Put remembers a copy of key. The value must not change any more, nor lie in memory that does.
func (c *Cache[V]) Put(key string, v V) {
	if len(key) > maxKey {
		return
	}
	key = strings.Clone(key)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= c.limit {
		c.old, c.young = c.young, make(map[string]V, c.limit)
	}
	c.young[key] = v
}
