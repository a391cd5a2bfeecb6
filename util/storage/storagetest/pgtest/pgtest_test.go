package pgtest

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestSchemasAreSeparate(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	a, b := Open(t), Open(t)
	if err := execute(ctx, a, `CREATE TABLE mine ()`); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, b)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var there bool
	if err := conn.QueryRow(ctx, `SELECT to_regclass('mine') IS NOT NULL`).Scan(&there); err != nil {
		t.Fatal(err)
	}
	if there {
		t.Error("a test sees another test's table")
	}
}

func TestEveryAccountWorks(t *testing.T) {
	if _, err := server(); err != nil {
		t.Skipf("PostgreSQL not tested: %v", err)
	}
	bin, err := find()
	if err != nil {
		t.Skipf("PostgreSQL not tested here: %v", err)
	}
	for _, who := range accounts() {
		t.Run(who.name, func(t *testing.T) {
			if _, err := startIn(bin, "/tmp", who); err != nil {
				t.Skipf("not possible on this system: %v", err)
			}
		})
	}
}

func TestServerStopsAndStarts(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s := NewServer(t)
	if err := execute(ctx, s.URL, `CREATE TABLE kept ()`); err != nil {
		t.Fatal(err)
	}
	s.Stop(t)
	if err := execute(ctx, s.URL, `SELECT`); err == nil {
		t.Error("a server that was stopped answers")
	}
	s.Start(t)
	if err := execute(ctx, s.URL, `SELECT FROM kept`); err != nil {
		t.Error(err)
	}
}
