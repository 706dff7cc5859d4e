package monitor

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestSlowStreamIsDroppedAndHoldsUpNobody(t *testing.T) {
	t.Parallel()
	metrics, err := newMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{metrics: metrics}
	slow, ok := h.join()
	if !ok {
		t.Fatal("not joined")
	}
	quick, ok := h.join()
	if !ok {
		t.Fatal("not joined")
	}
	for i := range streamBuffer + 10 {
		h.publish(Stored{Position: int64(i)})
		if got := <-quick; got.Position != int64(i) {
			t.Fatalf("the quick stream got %d, want %d", got.Position, i)
		}
	}
	n := 0
	for got := range slow { // ends because the hub closed it
		if got.Position != int64(n) {
			t.Fatalf("the slow stream got %d, want %d", got.Position, n)
		}
		n++
	}
	if n != streamBuffer {
		t.Errorf("the slow stream got %d", n)
	}
	h.leave(slow)
	h.leave(quick)
	h.close()
	if _, ok := h.join(); ok {
		t.Error("joined after the end")
	}
}
