package recent_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/tributary-data/tributary/pkg/enrich/recent"
)

// Ensure that what is in use stays while twice the limit of new keys comes, and what is not goes.
func TestGenerations(t *testing.T) {
	t.Parallel()
	c := recent.New[int](10)
	c.Put("used", 1)
	c.Put("unused", 2)
	for i := range 100 {
		c.Put(strconv.Itoa(i), i)
		if v, ok := c.Get("used"); !ok || v != 1 {
			t.Fatalf("after %d keys: got %d, %t", i, v, ok)
		}
	}
	if _, ok := c.Get("unused"); ok {
		t.Error("what nobody asks for is still there")
	}
}

// Ensure that keys lie in memory of their own, and that huge ones are not kept.
func TestKeys(t *testing.T) {
	t.Parallel()
	c := recent.New[int](10)
	long := strings.Repeat("x", 2000)
	c.Put(long, 1)
	if _, ok := c.Get(long); ok {
		t.Error("a huge key is kept")
	}
}

// Ensure that many may use it at once (for the race detector).
func TestConcurrent(t *testing.T) {
	t.Parallel()
	c := recent.New[int](8)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 1000 {
				key := strconv.Itoa(i % 30)
				if v, ok := c.Get(key); ok && v != i%30 {
					t.Errorf("key %s: got %d", key, v)
				}
				c.Put(key, i%30)
			}
		})
	}
	wg.Wait()
}
