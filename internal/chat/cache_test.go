package chat

import (
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func always() bool { return true }

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{32, 1000, 4096} {
		c := newCache[int, int](limit)
		for k := range 20 * limit {
			c.fill(k, k, always)
			c.get(k / 2)
			c.get(k - 1)
		}
		if n := c.len(); n > limit || n < limit/4 {
			t.Errorf("%d values in a cache of %d", n, limit)
		}
	}
}

func (c *cache[K, V]) len() (n int) {
	for i := range c.shards {
		n += len(c.shards[i].young) + len(c.shards[i].old)
	}
	return n
}

func TestWhatIsUsedStays(t *testing.T) {
	t.Parallel()
	c := newCache[int, string](1000)
	c.fill(-1, "used", always)
	for k := range 100_000 {
		c.fill(k, "once", always)
		if _, ok := c.get(-1); !ok {
			t.Fatalf("a value in use was gone after %d others", k)
		}
	}
	if _, ok := c.get(0); ok {
		t.Error("a value that nobody used is still there")
	}
}

// The order is: read the store, change, drop, fill. The fill must not win.
func TestFillFromBeforeAChangeIsThrownAway(t *testing.T) {
	t.Parallel()
	a := &tenant{}
	c := newCache[string, string](64)
	version := a.version.Load()
	a.version.Add(1)
	c.drop("g")
	c.fill("g", "old", a.unchangedSince(version))
	if v, ok := c.get("g"); ok {
		t.Errorf("%q came back", v)
	}
	c.fill("g", "new", a.unchangedSince(a.version.Load()))
	if v, _ := c.get("g"); v != "new" {
		t.Errorf("got %q", v)
	}
}

// With a change as the writer makes it, version first and then the drop,
// nothing older than the change is ever in the cache after it.
func TestChangesAndFillsAtTheSameTimeLeaveNothingOld(t *testing.T) {
	t.Parallel()
	a := &tenant{}
	c := newCache[int, uint64](64)
	var store sync.Map // what the store would answer
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				version := a.version.Load()
				v, _ := store.Load(1)
				n, _ := v.(uint64)
				c.fill(1, n, a.unchangedSince(version))
			}
		})
	}
	for n := uint64(1); n <= 3000; n++ {
		store.Store(1, n)
		a.version.Store(n)
		c.drop(1)
		if v, ok := c.get(1); ok && v < n {
			t.Errorf("value %d after change %d", v, n)
		}
	}
	close(stop)
	wg.Wait()
}

func TestDropAndClearReachBothGenerations(t *testing.T) {
	t.Parallel()
	c := newCache[int, int](64) // two of a generation in each shard
	for k := range 1000 {
		c.fill(k, k, always)
	}
	for k := range 1000 {
		c.drop(k)
	}
	if c.len() != 0 {
		t.Errorf("%d values after each was dropped", c.len())
	}
	for k := range 1000 {
		c.fill(k, k, always)
	}
	c.clear()
	if c.len() != 0 {
		t.Errorf("%d values after clear", c.len())
	}
	c.fill(1, 1, always)
	if v, ok := c.get(1); !ok || v != 1 {
		t.Error("a cleared cache does not fill")
	}
}

// What the cache holds is what was filled last and not dropped since.
func TestPropertyCacheNeverAnswersOldValues(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := newCache[int, int](rapid.SampledFrom([]int{1, 64, 1000}).Draw(t, "limit"))
		last := map[int]int{}
		for i := range rapid.IntRange(1, 200).Draw(t, "steps") {
			k := rapid.IntRange(0, 60).Draw(t, "key")
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0:
				c.drop(k)
				delete(last, k)
			case 1, 2:
				c.fill(k, i, always)
				last[k] = i
			default:
				if v, ok := c.get(k); ok {
					if want, known := last[k]; !known || v != want {
						t.Fatalf("%d is %d, want %d", k, v, want)
					}
				}
			}
		}
	})
}
