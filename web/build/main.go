package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "web/build:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("web/build", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), "usage: go run ./web/build [--check] [--dev] [--out dir]\n\n"+
			"Bundles web/app and web/sdk. Needs `npm ci` in web/ first.\n\n")
		flags.PrintDefaults()
	}
	check := flags.Bool("check", false, "fail when a bundle is larger than its budget")
	dev := flags.Bool("dev", false, "readable output with source maps")
	out := flags.String("out", "", "where to write (default: web/dist)")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	if *out == "" {
		*out = filepath.Join(root, "web", "dist")
	}
	job := job{web: filepath.Join(root, "web"), out: *out, dev: *dev}
	if err := job.build(); err != nil {
		return err
	}
	return report(*out, *check)
}

// moduleRoot finds the folder of go.mod, so that the command works from anywhere in the repository.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod above the working directory")
		}
		dir = up
	}
}
