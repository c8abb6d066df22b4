package main

import (
	"context"
	"flag"
	"fmt"

	"incamera/cmd/incamera/config"
)

func configCommand() *command {
	return &command{
		name: "config", args: "check|print", short: "look at the configuration",
		children: []*command{
			{name: "check", short: "say what is wrong with it, and nothing else", run: checkConfig},
			{name: "print", short: "show what is in force, secrets left out", run: printConfig},
		},
	}
}

// configFlag adds --config; INCAMERA_CONFIG gives its default.
func configFlag(f *flag.FlagSet, w world) *string {
	return f.String("config", getenv(w, config.EnvPrefix+"CONFIG"), "configuration `file`; none: the defaults")
}

func checkConfig(_ context.Context, w world, args []string) error {
	f := flags(w, "incamera config check [--config FILE]", "Reads file and environment as a start would and reports every mistake.")
	path := configFlag(f, w)
	if err := parse(f, args); err != nil {
		return err
	}
	if _, err := config.Load(*path, w.environ); err != nil {
		return err
	}
	fmt.Fprintln(w.stdout, "the configuration is good")
	return nil
}

func printConfig(_ context.Context, w world, args []string) error {
	f := flags(w, "incamera config print [--config FILE]", "Shows file, environment and defaults put together; secrets are redacted.")
	path := configFlag(f, w)
	if err := parse(f, args); err != nil {
		return err
	}
	c, err := config.Load(*path, w.environ)
	if err != nil {
		return err
	}
	return c.Print(w.stdout)
}
