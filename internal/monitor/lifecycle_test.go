package monitor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/parley-im/parley/callback"
	"github.com/parley-im/parley/internal/monitor"
	"github.com/prometheus/client_golang/prometheus"
)

func TestAllFaultsOfTheConfigAreToldAtOnce(t *testing.T) {
	t.Parallel()
	_, err := monitor.New(monitor.Config{Listen: "8090", TLSCert: "a", Apps: []monitor.App{{SdkAppid: -1}, {SdkAppid: 7, CallbackTokens: []string{""}},
		{SdkAppid: 7, WebhookKeys: make([]callback.WebhookKey, 1), Server: monitor.Server{URL: "localhost"}}}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"listen:", "data:", "tls-cert, tls-key:", "SdkAppid -1", "SdkAppid 7 is given twice", "callback-token:", "webhook-key:", "server:", "server-token:"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %q", want, err)
		}
	}
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 9 {
		t.Errorf("%d lines for 9 faults", lines)
	}
	if _, err := monitor.New(monitor.Config{Data: "x", Database: "postgres://h/d", Apps: []monitor.App{{SdkAppid: 1}}}); err == nil || err.Error() != "data, database: give one of them" {
		t.Errorf("with two databases: %v", err)
	}
	if _, err := monitor.New(monitor.Config{Data: "x"}); err == nil || !strings.Contains(err.Error(), "at least one app") {
		t.Errorf("without an app: %v", err)
	}
}

func TestStartAndStopInAnyOrder(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		ctx := context.Background()
		m, err := monitor.New(e.config(t))
		if err != nil {
			t.Fatal(err)
		}
		if m.Addr() != "" {
			t.Errorf("address %q before the start", m.Addr())
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if err := m.Start(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if m.Addr() == "" {
			t.Error("no address")
		}
		for range 4 {
			wg.Go(func() {
				if err := m.Stop(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if err := m.Start(ctx); err == nil {
			t.Error("started again after the stop")
		}

		never, err := monitor.New(e.config(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := never.Stop(ctx); err != nil {
			t.Errorf("stop before start: %v", err)
		}
	})
}

func TestStopEndsThoughACallbackHangs(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := start(t, e.config(t))
		conn, err := net.Dial("tcp", r.m.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		request := "POST " + query(callback.CmdGroupSendMsgException) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n"
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 12)); err != nil { // it waits for the body now
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := r.m.Stop(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("stop: %v", err)
		}
	})
}

func TestSecondMonitorOnTheFolderIsRefused(t *testing.T) {
	t.Parallel()
	cfg := defaults(t)
	r := start(t, cfg)
	second, err := monitor.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Start(context.Background()); !errors.Is(err, monitor.ErrFolderInUse) {
		t.Errorf("start: %v", err)
	}
	r.mustSend(event{group: "g"})
	r.stop()
	if err := second.Start(context.Background()); err != nil {
		t.Errorf("after the first ended: %v", err)
	}
	if err := second.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestNewerDatabaseIsRefusedAndLeftAlone(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		cfg := e.config(t)
		r := start(t, cfg)
		r.mustSend(event{group: "g"})
		r.stop()
		db := e.beside(t, cfg)
		exec(t, db, e.newer)
		m, err := monitor.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Start(context.Background()); !errors.Is(err, monitor.ErrNewerDatabase) || !strings.Contains(err.Error(), "99") {
			t.Errorf("start: %v", err)
		}
		var version, rows int
		if err := db.QueryRow("SELECT (SELECT max(version_id) FROM goose_db_version), count(*) FROM exception").Scan(&version, &rows); err != nil || version != 99 || rows != 1 {
			t.Errorf("version %d, %d rows, %v", version, rows, err)
		}
	})
}

func TestStartThatFailsLeavesNothingOpen(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := defaults(t)
	cfg.Listen = taken.Addr().String()
	m, err := monitor.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Start(context.Background()); err == nil {
		t.Fatal("started on a taken port")
	}
	taken.Close()
	if err := m.Start(context.Background()); err != nil {
		t.Errorf("when the port is free: %v", err)
	}
	if err := m.Stop(context.Background()); err != nil {
		t.Error(err)
	}

	for name, change := range map[string]func(*monitor.Config){
		"data folder is a file": func(c *monitor.Config) {
			c.Data = filepath.Join(c.Data, "file")
			if err := os.WriteFile(c.Data, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"database is no database": func(c *monitor.Config) {
			if err := os.WriteFile(filepath.Join(c.Data, "monitor.db"), []byte(strings.Repeat("rubbish ", 1000)), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"no certificate": func(c *monitor.Config) { c.TLSCert, c.TLSKey = "missing.pem", "missing.key" },
	} {
		cfg := defaults(t)
		change(&cfg)
		m, err := monitor.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Start(context.Background()); err == nil {
			t.Errorf("%s: started", name)
		}
	}
}

func TestFolderWithOddCharactersIsFine(t *testing.T) {
	t.Parallel()
	cfg := defaults(t)
	cfg.Data = filepath.Join(cfg.Data, "a?b#c%20d é")
	r := start(t, cfg)
	r.mustSend(event{group: "g"})
	if _, err := os.Stat(filepath.Join(cfg.Data, "monitor.db")); err != nil {
		t.Error(err)
	}
}

func TestGivenRegistryIsUsedOnce(t *testing.T) {
	t.Parallel()
	cfg := defaults(t)
	cfg.Registry = prometheus.NewRegistry()
	r := start(t, cfg)
	if _, text := r.get("/metrics"); !strings.Contains(text, "parley_monitor_exceptions_total 0") || strings.Contains(text, "go_goroutines") {
		t.Errorf("metrics %s", text)
	}
	if _, err := monitor.New(cfg); err == nil {
		t.Error("two monitors share a registry")
	}
}

func TestPromisesOfTheDatabaseAreToldOnceAndExported(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		cfg := e.config(t)
		var log bytes.Buffer
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		r := start(t, cfg)
		_, metrics := r.get("/metrics")
		r.stop()
		for _, promise := range []string{"crash", "torn_pages", "failover"} {
			found := regexp.MustCompile(`(?m)^parley_store_promise{promise="` + promise + `"} ([01])$`).FindStringSubmatch(metrics)
			if found == nil {
				t.Errorf("no metric of %s", promise)
				continue
			}
			holds := found[1] == "1"
			if e.name == "sqlite" && holds != (promise != "failover") {
				t.Errorf("%s holds: %v", promise, holds)
			}
			level := "INFO"
			if !holds && promise != "failover" {
				level = "WARN"
			}
			line := fmt.Sprintf("level=%s msg=store.promise promise=%s holds=%v why=", level, promise, holds)
			if n := strings.Count(log.String(), line); n != 1 {
				t.Errorf("%d lines with %s in %s", n, line, &log)
			}
		}
	})
}
