package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"incamera/auth/audit"
	"incamera/auth/pki"
	"incamera/auth/store"
	"incamera/cmd/incamera/config"
)

func recordCommand() *command {
	return &command{name: "audit", args: "verify", short: "exports of the record, anywhere", children: []*command{
		{name: "verify", short: "say whether an export of the audit log holds", run: verifyExport},
	}}
}

func verifyExport(_ context.Context, w world, args []string) error {
	f := flags(w, "incamera audit verify --ca FILE EXPORT",
		"Checks an export of the audit log without a database: that its entries follow each other, that nothing in them was\nchanged, and that signaling processes of the deployment signed them.")
	ca := f.String("ca", "", "`file` of the deployment's authority (ca.crt of any identity); it is no secret")
	if err := f.Parse(args); err != nil {
		return parse(f, args) // prints what is wrong
	}
	if *ca == "" || f.NArg() != 1 {
		f.Usage()
		return errUsage
	}
	trust, err := pki.LoadTrust(*ca)
	if err != nil {
		return err
	}
	file, err := os.Open(f.Arg(0))
	if err != nil {
		return err
	}
	defer file.Close()
	got, err := audit.VerifyExport(file, trust)
	if err != nil {
		return err
	}
	if got.Last.Seq == 0 {
		return fmt.Errorf("%s holds no entry", f.Arg(0))
	}
	fmt.Fprintf(w.stdout, "entries %d to %d hold; the last is\n%d:%s\n", got.First.Seq, got.Last.Seq, got.Last.Seq, got.Last.Hash)
	if got.First.Seq > 1 {
		fmt.Fprintf(w.stdout, "they follow the entry\n%d:%s\n", got.First.Seq-1, got.First.Hash)
	}
	return nil
}

// onAudit opens what lasts and the record, on which reading is put, too.
func onAudit(ctx context.Context, w world, path, dir string, do func(*store.Store, record) error) error {
	c, err := config.Load(path, w.environ)
	if err != nil {
		return err
	}
	s, err := openSQL(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	log, err := openRecord(ctx, c, s, dir)
	if err != nil {
		return err
	}
	return do(s, log)
}

func searchAudit(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera admin audit search [--actor A] [--verb V] [--object O] [--result R] [--since T] [--until T] [--limit N] [--config FILE]",
		"Prints matching entries, newest first, one a line: number, time, actor, verb, object, result, address, details.\n--verb account. finds all verbs below it. Times are like 2026-05-01T08:00:00Z.")
	path := configFlag(f, w)
	dir := f.String("identity", "", identityHelp)
	q := audit.Query{}
	f.StringVar(&q.Actor, "actor", "", "who: `u:ID`, c:ID, g:ID, machine:NAME")
	f.StringVar(&q.Verb, "verb", "", "what: a `verb`, or a beginning that ends in a dot")
	f.StringVar(&q.Object, "object", "", "to `what`")
	f.StringVar(&q.Result, "result", "", "`ok`, or the code of a refusal")
	since := f.String("since", "", "not before this `time`")
	until := f.String("until", "", "before this `time`")
	most := f.Int("limit", 100, "the most entries, 1 to 100000")
	if err := parse(f, args); err != nil {
		return err
	}
	var err error
	for _, t := range []struct {
		text string
		to   *time.Time
	}{{*since, &q.Since}, {*until, &q.Until}} {
		if t.text != "" {
			if *t.to, err = time.Parse(time.RFC3339, t.text); err != nil {
				return fmt.Errorf("%q is no time like 2026-05-01T08:00:00Z", t.text)
			}
		}
	}
	if *most < 1 || *most > 100_000 {
		return fmt.Errorf("--limit is %d, must be 1 to 100000", *most)
	}
	return onAudit(ctx, w, *path, *dir, func(s *store.Store, log record) error {
		return log.do(ctx, "audit.search", "", func() error {
			for left := *most; left > 0; {
				q.Limit = min(left, audit.MaxFound)
				found, err := audit.Search(ctx, s, q)
				if err != nil {
					return err
				}
				for _, e := range found {
					details, _ := json.Marshal(e.Meta) // strings always marshal
					fmt.Fprintln(w.stdout, strings.Join([]string{
						fmt.Sprint(e.Seq), e.At.Format(time.RFC3339), e.Actor, e.Verb, e.Object, e.Result, e.Address, string(details)}, "\t"))
				}
				if len(found) < q.Limit {
					break
				}
				left, q.Before = left-len(found), found[len(found)-1].Seq
			}
			return nil
		})
	})
}

func exportAudit(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera admin audit export --out FILE [--from SEQ] [--config FILE]",
		"Writes the audit log from entry SEQ on as JSON lines, with the certificates that verify it. FILE must not exist.\nCheck it anywhere with `incamera audit verify`.")
	path := configFlag(f, w)
	dir := f.String("identity", "", identityHelp)
	out := f.String("out", "", "`file` to write")
	from := f.Int64("from", 1, "`number` of the first entry")
	if err := parse(f, args); err != nil {
		return err
	}
	if *out == "" || *from < 1 {
		f.Usage()
		return errUsage
	}
	return onAudit(ctx, w, *path, *dir, func(s *store.Store, log record) error {
		return log.do(ctx, "audit.export", "", func() error {
			file, err := os.OpenFile(*out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if err != nil {
				return err
			}
			for next := *from; next != 0 && err == nil; {
				next, err = audit.Export(ctx, s, file, next, audit.MaxExported)
			}
			if cerr := file.Close(); err == nil {
				err = cerr
			}
			return err
		})
	})
}
