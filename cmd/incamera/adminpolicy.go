package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/audit"
	"incamera/auth/policy"
	"incamera/auth/store"
	"incamera/cmd/incamera/config"
)

func policyCommand() *command {
	return &command{name: "policy", args: "show|check|set|history|rollback|explain", short: "the rules who may enter and stay", children: []*command{
		{name: "show", short: "print the version that counts, or another", run: policyShow},
		{name: "check", short: "check a file, and try it on the latest decisions", run: policyCheck},
		{name: "set", short: "make a version of a file; it counts from then on", run: policySet},
		{name: "history", short: "list the versions", run: policyHistory},
		{name: "rollback", short: "make a version of an old one's text", run: policyRollback},
		{name: "explain", short: "say which rule decides for given facts, and why", run: policyExplain},
	}}
}

// policyDesk is the database with the policy's versions.
type policyDesk struct {
	w        world
	c        config.Config
	store    *store.Store
	book     *policy.Book
	identity string
}

// atPolicy parses the flags of one command and opens the desk for it.
func atPolicy(ctx context.Context, w world, args []string, usage, about string, flagsOf func(text, number func(name string, def, about string) *string), do func(d policyDesk) error) error {
	f := flags(w, usage, about)
	path := configFlag(f, w)
	identity := f.String("identity", "", "`directory` of an identity of this deployment, which signs the record; empty: this process's own")
	text := func(name, def, about string) *string { return f.String(name, def, about) }
	flagsOf(text, text)
	if err := parse(f, args); err != nil {
		return err
	}
	c, err := config.Load(*path, w.environ)
	if err != nil {
		return err
	}
	s, err := openSQL(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	book, err := openPolicy(ctx, c.Auth, s, prometheus.NewRegistry())
	if book == nil {
		return err
	}
	if err != nil { // a version that does not compile must still be seen and replaced
		fmt.Fprintln(w.stderr, "the version that counts does not compile here:", err)
	}
	return do(policyDesk{w, c, s, book, *identity})
}

func readPolicy(path string) (string, error) {
	if path == "" {
		return "", errors.New("--file is needed")
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, policy.MaxText+1))
	return string(data), err
}

func (d policyDesk) record(ctx context.Context, verb, object string, meta map[string]string) error {
	r, err := openRecord(ctx, d.c, d.store, d.identity)
	if err != nil {
		return err
	}
	meta["way"] = "cli"
	return r.log.Append(ctx, audit.Event{Actor: "machine:" + whoami(), Verb: verb, Object: object, Result: "ok", Meta: meta})
}

func policyShow(ctx context.Context, w world, args []string) error {
	var version *string
	return atPolicy(ctx, w, args, "incamera admin policy show [--version N]", "Prints a version of the policy; 0 is the configuration's, -1 the one that counts.",
		func(_, number func(string, string, string) *string) { version = number("version", "-1", "`number`") },
		func(d policyDesk) error {
			n, err := strconv.ParseInt(*version, 10, 64)
			if err != nil {
				return err
			}
			p, err := d.book.Version(ctx, n)
			if err != nil {
				return err
			}
			fmt.Fprintf(w.stdout, "# version %d, by %s: %s\n%s", p.Version, p.Author, p.Comment, p.Text)
			return nil
		})
}

func policyCheck(ctx context.Context, w world, args []string) error {
	var file, last *string
	return atPolicy(ctx, w, args, "incamera admin policy check --file FILE [--last N]",
		"Compiles a policy and tells which of the latest N decisions it would have made otherwise. Nothing is changed.",
		func(text, _ func(string, string, string) *string) {
			file, last = text("file", "", "policy in YAML"), text("last", "200", "`number` of decisions")
		},
		func(d policyDesk) error {
			text, err := readPolicy(*file)
			if err != nil {
				return err
			}
			n, err := strconv.Atoi(*last)
			if err != nil {
				return err
			}
			looked, changed, err := d.book.DryRun(ctx, text, n)
			if err != nil {
				return err
			}
			fmt.Fprintf(w.stdout, "the policy compiles; of %d decisions it would have made %d otherwise\n", looked, len(changed))
			for _, t := range changed {
				fmt.Fprintf(w.stdout, "%s\t%s\t%s: %s -> %s: %s\n", t.Facts.At.Format(time.RFC3339), t.Facts.Subject, t.Rule, t.Before, t.After.Rule, t.After.Outcome)
			}
			return nil
		})
}

func policySet(ctx context.Context, w world, args []string) error {
	var file, comment *string
	return atPolicy(ctx, w, args, "incamera admin policy set --file FILE --comment TEXT",
		"Makes a new version of the policy. It counts on every instance within 2 s, also for those who sit in meetings.",
		func(text, _ func(string, string, string) *string) {
			file, comment = text("file", "", "policy in YAML"), text("comment", "", "why; kept in the history")
		},
		func(d policyDesk) error {
			text, err := readPolicy(*file)
			if err != nil {
				return err
			}
			if _, err := d.book.Compile(text, 0); err != nil {
				return err
			}
			if err := d.record(ctx, "policy.set", "policy", map[string]string{"comment": *comment}); err != nil {
				return err // what is not on record is not done
			}
			p, err := d.book.Set(ctx, policy.Edit{Author: "machine:" + whoami(), Comment: *comment, Text: text, After: -1})
			if err == nil {
				fmt.Fprintf(w.stdout, "version %d counts\n", p.Version)
			}
			return err
		})
}

func policyHistory(ctx context.Context, w world, args []string) error {
	return atPolicy(ctx, w, args, "incamera admin policy history", "Lists the latest versions, newest first.",
		func(_, _ func(string, string, string) *string) {},
		func(d policyDesk) error {
			list, err := d.book.History(ctx, 50)
			for _, p := range list {
				fmt.Fprintf(w.stdout, "%d\t%s\t%s\t%s\n", p.Version, p.CreatedAt.Format(time.RFC3339), p.Author, p.Comment)
			}
			return err
		})
}

func policyRollback(ctx context.Context, w world, args []string) error {
	var version *string
	return atPolicy(ctx, w, args, "incamera admin policy rollback --version N", "Makes a new version of version N's text; 0 is the configuration's.",
		func(_, number func(string, string, string) *string) { version = number("version", "", "`number`") },
		func(d policyDesk) error {
			n, err := strconv.ParseInt(*version, 10, 64)
			if err != nil {
				return err
			}
			if err := d.record(ctx, "policy.rollback", "policy", map[string]string{"version": *version}); err != nil {
				return err
			}
			p, err := d.book.Rollback(ctx, n, "machine:"+whoami())
			if err == nil {
				fmt.Fprintf(w.stdout, "version %d counts\n", p.Version)
			}
			return err
		})
}

func policyExplain(ctx context.Context, w world, args []string) error {
	var file, facts *string
	return atPolicy(ctx, w, args, "incamera admin policy explain [--file FILE] [--facts FILE]",
		"Says which rule decides, and how each before it fared. Facts are a JSON object as in the table policy_decisions;\nwithout --facts, those of the latest decision.",
		func(text, _ func(string, string, string) *string) {
			file, facts = text("file", "", "policy in YAML; empty: the version that counts"), text("facts", "", "JSON file")
		},
		func(d policyDesk) error {
			engine := d.book.Engine()
			if *file != "" {
				text, err := readPolicy(*file)
				if err != nil {
					return err
				}
				if engine, err = d.book.Compile(text, 0); err != nil {
					return err
				}
			}
			if engine == nil {
				return errNoPolicy
			}
			var r policy.Request
			if err := d.facts(ctx, *facts, &r); err != nil {
				return err
			}
			decision, steps := engine.Explain(ctx, r)
			for _, s := range steps {
				fmt.Fprintf(w.stdout, "%s\t%s\n", s.Rule, s.Result)
			}
			fmt.Fprintf(w.stdout, "%s by %s: %s\n", decision.Outcome, decision.Rule, decision.Reason)
			return nil
		})
}

func (d policyDesk) facts(ctx context.Context, path string, r *policy.Request) error {
	if path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return json.Unmarshal(data, r)
	}
	list, err := d.store.Policies.Decisions(ctx, 1)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return errors.New("nothing was decided yet; give --facts")
	}
	return json.Unmarshal([]byte(list[0].Facts), r)
}
