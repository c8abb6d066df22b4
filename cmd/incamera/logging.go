package main

import (
	"io"
	"log/slog"

	"incamera/cmd/incamera/config"
)

// newLog makes the process's logger; config.Validate has checked the words.
func newLog(c config.Log, out io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level))
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(out, o))
	}
	return slog.New(slog.NewTextHandler(out, o))
}
