package chat

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"
)

// fill puts a value into the cache.
func fill[K comparable, V any](c *cache[K, V], k K, v V) {
	c.drop(k)
	_, _ = c.load(k, func() uint64 { return 0 }, func() (V, error) { return v, nil })
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{32, 1000, 4096} {
		c := newCache[int, int](limit)
		for k := range 20 * limit {
			fill(c, k, k)
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
	fill(c, -1, "used")
	for k := range 100_000 {
		fill(c, k, "once")
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
	if v, _ := c.load("g", a.version.Load, func() (string, error) {
		a.version.Add(1)
		c.drop("g")
		return "old", nil
	}); v != "old" { // who asked before the change may see what was before it
		t.Errorf("got %q", v)
	}
	if v, ok := c.get("g"); ok {
		t.Errorf("%q came back", v)
	}
	if v, _ := c.load("g", a.version.Load, func() (string, error) { return "new", nil }); v != "new" {
		t.Errorf("got %q", v)
	}
	if v, _ := c.get("g"); v != "new" {
		t.Errorf("got %q", v)
	}
}

// Those who miss at once share a read, but none that began before the last change.
func TestReadIsSharedWithinAVersion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &tenant{}
		c := newCache[string, string](64)
		var reads atomic.Int32
		let := make(chan struct{})
		got := make(chan string, 20)
		load := func(value string) {
			v, err := c.load("g", a.version.Load, func() (string, error) {
				reads.Add(1)
				<-let
				return value, nil
			})
			if err != nil {
				t.Error(err)
			}
			got <- v
		}
		for range 10 {
			go load("old")
		}
		synctest.Wait()
		a.version.Add(1)
		c.drop("g")
		for range 10 {
			go load("new")
		}
		synctest.Wait()
		close(let)
		values := map[string]int{}
		for range 20 {
			values[<-got]++
		}
		if reads.Load() != 2 || values["old"] != 10 || values["new"] != 10 {
			t.Errorf("%d reads, %v", reads.Load(), values)
		}
		if v, ok := c.get("g"); !ok || v != "new" {
			t.Errorf("%q is kept", v)
		}
		// A read that failed is no value.
		if _, err := c.load("h", a.version.Load, func() (string, error) { return "", errors.New("failed") }); err == nil {
			t.Error("the error is lost")
		}
		if _, ok := c.get("h"); ok {
			t.Error("a failed read is kept")
		}
	})
}

// With a change as the writer makes it, version first and then the drop,
// nothing older than the change is ever in the cache after it.
func TestChangesAndFillsAtTheSameTimeLeaveNothingOld(t *testing.T) {
	t.Parallel()
	a := &tenant{}
	c := newCache[int, uint64](64)
	var store sync.Map // what the store would answer
	read := func() (uint64, error) {
		v, _ := store.Load(1)
		n, _ := v.(uint64)
		return n, nil
	}
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
				_, _ = c.load(1, a.version.Load, read)
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
		if v, _ := c.load(1, a.version.Load, read); v < n {
			t.Errorf("value %d was given after change %d", v, n)
		}
	}
	close(stop)
	wg.Wait()
}

func TestDropAndClearReachBothGenerations(t *testing.T) {
	t.Parallel()
	c := newCache[int, int](64) // two of a generation in each shard
	for k := range 1000 {
		fill(c, k, k)
	}
	for k := range 1000 {
		c.drop(k)
	}
	if c.len() != 0 {
		t.Errorf("%d values after each was dropped", c.len())
	}
	for k := range 1000 {
		fill(c, k, k)
	}
	c.clear()
	if c.len() != 0 {
		t.Errorf("%d values after clear", c.len())
	}
	fill(c, 1, 1)
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
				fill(c, k, i)
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
