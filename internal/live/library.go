package live

import (
	"net/http"
	"time"

	"github.com/centrifugal/centrifuge"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-im/parley/internal/chat"
)

// Bounds of a connection.
const (
	// queueBytes is what may wait for one connection; whoever is further behind is
	// disconnected and catches up.
	queueBytes = 256 << 10
	// queuedAnswer is the most that an answer may be which goes through that queue.
	queuedAnswer = queueBytes / 2
	// frameBytes is the largest message of a client that is read at all: more than
	// a body may have, so that one that is too large can be answered.
	frameBytes = 4 << 20
	staleWait  = 5 * time.Second // until a client says who it is
	writeWait  = 2 * time.Second // for one write; who takes longer does not read
)

var ping = centrifuge.PingPongConfig{PingInterval: 25 * time.Second, PongTimeout: 10 * time.Second}

// LibraryConfig is how the library is set. The bare library that the door is
// compared with has the same settings.
func LibraryConfig(registry *prometheus.Registry) centrifuge.Config {
	return centrifuge.Config{
		LogLevel:           centrifuge.LogLevelWarn,
		ClientQueueMaxSize: queueBytes,
		// Who opens a connection and does not say who he is soon, has no business here.
		ClientStaleCloseDelay: staleWait,
		ClientChannelLimit:    chat.MaxJoined * 4, // who is in how many groups is not for the library to say
		Metrics:               centrifuge.MetricsConfig{MetricsNamespace: "parley_clients", RegistererGatherer: registry},
	}
}

// WebSocketConfig is how WebSockets are set, see [LibraryConfig].
func WebSocketConfig() centrifuge.WebsocketConfig {
	return centrifuge.WebsocketConfig{
		// Who connects shows his UserSig in the first command; no cookie speaks for
		// him, so pages of any origin may connect, as they may call the REST API.
		CheckOrigin:      func(*http.Request) bool { return true },
		MessageSizeLimit: frameBytes, WriteTimeout: writeWait, PingPongConfig: ping,
		ReadBufferSize: 1024, UseWriteBufferPool: true, ProcessCommandsOffReadLoop: true,
	}
}
