package idm

import (
	"sync"
	"time"
)

// cache keeps loaded facts for the next judgements. It is bounded in size and in age, and never keeps what a concurrent drop may
// have made stale.
type cache[K comparable, V any] struct {
	size int
	age  time.Duration

	mu      sync.RWMutex
	entries map[K]cached[V]
	drops   uint64 // how often something was dropped
}

type cached[V any] struct {
	value V
	at    time.Time
}

func newCache[K comparable, V any](size int, age time.Duration) *cache[K, V] {
	return &cache[K, V]{size: size, age: age, entries: make(map[K]cached[V])}
}

func (c *cache[K, V]) get(k K, now time.Time) (v V, drops uint64, ok bool) {
	c.mu.RLock()
	e, ok := c.entries[k]
	drops = c.drops
	c.mu.RUnlock()
	if ok {
		if d := now.Sub(e.at); d < 0 || d >= c.age {
			ok = false
		}
	}
	return e.value, drops, ok
}

// put keeps v, which was loaded after get returned drops and as of at, unless something was dropped since.
func (c *cache[K, V]) put(k K, v V, at time.Time, drops uint64) {
	if c.age <= 0 || c.size <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drops != drops {
		return
	}
	if _, ok := c.entries[k]; !ok && len(c.entries) >= c.size {
		for other := range c.entries { // whichever: maps are walked in random order
			delete(c.entries, other)
			break
		}
	}
	c.entries[k] = cached[V]{v, at}
}

func (c *cache[K, V]) drop(k K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	delete(c.entries, k)
}

func (c *cache[K, V]) dropFunc(match func(K, V) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	for k, e := range c.entries {
		if match(k, e.value) {
			delete(c.entries, k)
		}
	}
}
