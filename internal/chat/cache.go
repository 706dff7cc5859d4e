package chat

import (
	"hash/maphash"
	"sync"
)

// cache is a bounded map of two generations: what was used since the last turn
// is in the young one, the rest in the old one, which is let go when the young
// one is full. A fill that began before a change is thrown away by the caller's
// check, which runs under the shard's lock.
type cache[K comparable, V any] struct {
	seed   maphash.Seed
	shards [16]cacheShard[K, V]
	limit  int // entries of one generation of one shard
}

type cacheShard[K comparable, V any] struct {
	mu         sync.Mutex
	young, old map[K]V
	reads      map[reading[K]]*read[V] // under way
}

// reading is a read of a key that began at a version.
type reading[K comparable] struct {
	key     K
	version uint64
}

type read[V any] struct {
	done chan struct{}
	v    V
	err  error
}

// load gives the cached value, or reads it. Those who miss the same key at the
// same version share one read: when everything is forgotten after a change, the
// store is not asked by everybody at once. A read that began at another version
// may be older than what the caller has to see. The value is kept if the version
// is still the same then.
func (c *cache[K, V]) load(k K, version func() uint64, fetch func() (V, error)) (V, error) {
	s := c.shard(k)
	s.mu.Lock()
	if v, ok := s.get(k, c.limit); ok {
		s.mu.Unlock()
		return v, nil
	}
	began := version()
	this := reading[K]{k, began}
	if r, ok := s.reads[this]; ok {
		s.mu.Unlock()
		<-r.done
		return r.v, r.err
	}
	r := &read[V]{done: make(chan struct{})}
	if s.reads == nil {
		s.reads = make(map[reading[K]]*read[V])
	}
	s.reads[this] = r
	s.mu.Unlock()

	r.v, r.err = fetch()
	s.mu.Lock()
	delete(s.reads, this)
	if r.err == nil && version() == began {
		s.put(k, r.v, c.limit)
	}
	s.mu.Unlock()
	close(r.done)
	return r.v, r.err
}

// newCache makes a cache of at most entries values.
func newCache[K comparable, V any](entries int) *cache[K, V] {
	c := &cache[K, V]{seed: maphash.MakeSeed()}
	c.limit = max(1, entries/(2*len(c.shards)))
	return c
}

func (c *cache[K, V]) shard(k K) *cacheShard[K, V] {
	return &c.shards[maphash.Comparable(c.seed, k)%uint64(len(c.shards))]
}

func (c *cache[K, V]) get(k K) (V, bool) {
	s := c.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.get(k, c.limit)
}

func (s *cacheShard[K, V]) get(k K, limit int) (V, bool) {
	if v, ok := s.young[k]; ok {
		return v, true
	}
	v, ok := s.old[k]
	if ok {
		s.put(k, v, limit)
	}
	return v, ok
}

func (s *cacheShard[K, V]) put(k K, v V, limit int) {
	if s.young == nil {
		s.young = make(map[K]V)
	}
	if len(s.young) >= limit {
		s.old, s.young = s.young, make(map[K]V)
	}
	s.young[k] = v
}

func (c *cache[K, V]) drop(k K) {
	s := c.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.young, k)
	delete(s.old, k)
}

// dropIf drops the keys that are wanted.
func (c *cache[K, V]) dropIf(wanted func(K) bool) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		for _, generation := range []map[K]V{s.young, s.old} {
			for k := range generation {
				if wanted(k) {
					delete(generation, k)
				}
			}
		}
		s.mu.Unlock()
	}
}

// clear empties the cache.
func (c *cache[K, V]) clear() {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.young, s.old = nil, nil
		s.mu.Unlock()
	}
}
