package main

import (
	"context"
	"path/filepath"

	"incamera/auth/store"
	"incamera/cmd/incamera/config"
)

// openSQL opens what lasts and brings its schema up to date.
func openSQL(ctx context.Context, c config.Config) (*store.Store, error) {
	if c.SQL.Driver == config.Postgres {
		return store.Open(ctx, store.Options{Postgres: c.SQL.DSN})
	}
	return store.Open(ctx, store.Options{SQLite: filepath.Join(c.DataDir, "incamera.db")})
}
