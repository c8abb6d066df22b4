package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// version is the release, set by the linker; a build without it is named after its commit.
var version = "dev"

func versionCommand() *command {
	return &command{name: "version", short: "print version, commit and platform", run: func(_ context.Context, w world, args []string) error {
		if err := parse(flags(w, "incamera version", "Prints version, commit and platform."), args); err != nil {
			return err
		}
		fmt.Fprintf(w.stdout, "incamera %s %s %s/%s\n", version, revision(), runtime.GOOS, runtime.GOARCH)
		return nil
	}}
}

func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(12, len(s.Value))]
		}
	}
	return "unknown"
}

func getenv(w world, name string) string {
	for _, kv := range w.environ {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}
