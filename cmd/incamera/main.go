package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// world is what a subcommand may touch of the process.
type world struct {
	environ        []string
	stdout, stderr io.Writer
}

// command is one subcommand. A command with children only dispatches.
type command struct {
	name, args, short string
	children          []*command
	run               func(ctx context.Context, w world, args []string) error
}

// errUsage says that the words of the call are off; the help was already printed.
var errUsage = errors.New("usage")

func root() *command {
	return &command{
		name: "incamera", short: "meetings that nobody overhears",
		children: []*command{
			serveCommand(), signalingCommand(), nodeCommand(), adminCommand(), recordCommand(), loadCommand(), configCommand(), versionCommand(),
		},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	w := world{environ: os.Environ(), stdout: os.Stdout, stderr: os.Stderr}
	os.Exit(exitCode(w, root().dispatch(ctx, w, "", os.Args[1:])))
}

func exitCode(w world, err error) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	}
	fmt.Fprintln(w.stderr, "incamera:", err)
	return 1
}

func (c *command) dispatch(ctx context.Context, w world, path string, args []string) error {
	path = strings.TrimSpace(path + " " + c.name)
	if c.children == nil {
		return c.run(ctx, w, args)
	}
	if len(args) > 0 {
		for _, child := range c.children {
			if child.name == args[0] {
				return child.dispatch(ctx, w, path, args[1:])
			}
		}
		if args[0] == "help" || args[0] == "-h" || args[0] == "-help" || args[0] == "--help" {
			c.help(w.stdout, path)
			return nil
		}
		fmt.Fprintf(w.stderr, "incamera: %s has no command %q\n\n", path, args[0])
	}
	c.help(w.stderr, path)
	return errUsage
}

func (c *command) help(out io.Writer, path string) {
	fmt.Fprintf(out, "%s: %s\n\n", path, c.short)
	for _, child := range c.children {
		fmt.Fprintf(out, "  %-28s %s\n", strings.TrimSpace(child.name+" "+child.args), child.short)
	}
	fmt.Fprintf(out, "\n%s COMMAND -h tells more.\n", path)
}

// flags makes a command's flag set with its one-line purpose above the list.
func flags(w world, usage, purpose string) *flag.FlagSet {
	f := flag.NewFlagSet(usage, flag.ContinueOnError)
	f.SetOutput(w.stderr)
	f.Usage = func() {
		fmt.Fprintf(f.Output(), "usage: %s\n\n%s\n\n", usage, purpose)
		f.PrintDefaults()
	}
	return f
}

// parse reads flags and refuses arguments that nobody asked for.
func parse(f *flag.FlagSet, args []string) error {
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage // flag printed what and the usage
	}
	if f.NArg() > 0 {
		fmt.Fprintf(f.Output(), "unexpected argument %q\n", f.Arg(0))
		f.Usage()
		return errUsage
	}
	return nil
}
