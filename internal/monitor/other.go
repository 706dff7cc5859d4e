package monitor

import (
	"context"
	"fmt"
)

// Bounds of the callbacks that are no exceptions: the oldest go first.
const (
	KeepOther      = 10_000   // callbacks
	keepOtherBytes = 64 << 20 // bytes of their bodies
)

// others knows how much is kept of other commands. Another monitor on the same
// database adds to it unseen, so it is measured again after every tenth.
type others struct {
	kept  otherSize // when measured, with what was added since
	added otherSize // since it was measured
}

type otherSize struct{ rows, bytes int64 }

func (s *otherSize) add(rec *record) { s.rows, s.bytes = s.rows+1, s.bytes+int64(len(rec.Body)) }

// over says that s is more than a part of the bounds.
func (s otherSize) over(part int64) bool {
	return s.rows > KeepOther/part || s.bytes > keepOtherBytes/part
}

func (o *others) measure(ctx context.Context, s session) error {
	*o = others{}
	if err := s.one(ctx, "SELECT count(*), coalesce(sum(length(body)), 0) FROM other", &o.kept.rows, &o.kept.bytes); err != nil {
		return fmt.Errorf("measure other callbacks: %w", err)
	}
	return nil
}

func (o *others) add(rec *record) {
	o.kept.add(rec)
	o.added.add(rec)
}

// prune removes the oldest callbacks of other commands, a tenth at a time,
// until the rest is within bounds.
func (o *others) prune(ctx context.Context, s session) error {
	if !o.added.over(10) && !o.kept.over(1) {
		return nil
	}
	for {
		if err := o.measure(ctx, s); err != nil || !o.kept.over(1) {
			return err
		}
		err := s.exec(ctx, "DELETE FROM other WHERE pos IN (SELECT pos FROM other ORDER BY pos LIMIT $1)", max(1, o.kept.rows/10))
		if err != nil {
			return fmt.Errorf("remove other callbacks: %w", err)
		}
	}
}
