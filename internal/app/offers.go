package app

import "github.com/parley-im/parley/internal/chat"

// offers tell several of what was committed, in turn.
type offers []chat.Offers

func (all offers) Offer(app chat.AppID, events []chat.Event) {
	for _, o := range all {
		o.Offer(app, events)
	}
}

func (all offers) Changed(app chat.AppID) {
	for _, o := range all {
		o.Changed(app)
	}
}

func (all offers) Behind(app chat.AppID, head chat.Sequence) {
	for _, o := range all {
		o.Behind(app, head)
	}
}
