package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"incamera/auth/audit"
	"incamera/auth/pki"
	"incamera/cmd/incamera/config"
)

func auditCommand() *command {
	return &command{name: "audit", args: "verify|search|export", short: "the record of what happened", children: []*command{
		{name: "verify", short: "walk the audit log and say whether it holds", run: verifyAudit},
		{name: "search", short: "find entries of the audit log", run: searchAudit},
		{name: "export", short: "write the audit log to a file that can be verified anywhere", run: exportAudit},
	}}
}

func verifyAudit(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera admin audit verify [--kept SEQ:HASH] [--identity DIR] [--config FILE]",
		"Walks the audit log from its first entry to its signed head and prints the last entry as SEQ:HASH. Keep that\nelsewhere: given as --kept, it shows that nothing before it was exchanged, even if the database was put back whole.")
	path := configFlag(f, w)
	keptText := f.String("kept", "", "`SEQ:HASH` that an earlier run printed")
	dir := f.String("identity", "", "`directory` of an identity of this deployment, whose CA is trusted; empty: this process's own")
	if err := parse(f, args); err != nil {
		return err
	}
	kept, err := parsePoint(*keptText)
	if err != nil {
		return err
	}
	c, err := config.Load(*path, w.environ)
	if err != nil {
		return err
	}
	identity, err := anyIdentity(c, *dir)
	if err != nil {
		return err
	}
	s, err := openSQL(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	last, err := audit.VerifyFrom(ctx, s, identity.Trust(), kept)
	if err != nil {
		return err
	}
	if last.Seq == 0 {
		fmt.Fprintln(w.stdout, "nothing is on record yet")
		return nil
	}
	fmt.Fprintf(w.stdout, "%d entries hold; the last is\n%d:%s\n", last.Seq, last.Seq, last.Hash)
	return nil
}

func parsePoint(s string) (audit.Point, error) {
	if s == "" {
		return audit.Point{}, nil
	}
	seq, hash, ok := strings.Cut(s, ":")
	n, err := strconv.ParseInt(seq, 10, 64)
	if !ok || err != nil || n < 1 || hash == "" {
		return audit.Point{}, fmt.Errorf("--kept is %q, must be SEQ:HASH", s)
	}
	return audit.Point{Seq: n, Hash: hash}, nil
}

// anyIdentity finds an identity to trust the CA of: the one named, the enrolled one, or what serve made for itself.
func anyIdentity(c config.Config, dir string) (*pki.Identity, error) {
	dirs := []string{dir}
	if dir == "" {
		own := filepath.Join(c.DataDir, "identity")
		dirs = []string{c.Process.IdentityDir, own, filepath.Join(own, "signaling")}
	}
	for _, d := range dirs {
		if d == "" {
			continue
		}
		identity, err := pki.LoadIdentity(d)
		if err == nil || !errors.Is(err, os.ErrNotExist) {
			return identity, err
		}
	}
	return nil, errNoIdentity
}

var errNoIdentity = errors.New("no identity of this deployment found; name its directory with --identity")

// signingIdentity finds an identity for the record. Where serve has not started yet it is made as serve makes it: the
// first act on a new machine may well be to register a program.
func signingIdentity(c config.Config, dir string) (*pki.Identity, error) {
	identity, err := anyIdentity(c, dir)
	if !errors.Is(err, errNoIdentity) || dir != "" || c.Process.IdentityDir != "" {
		return identity, err
	}
	ca, err := loadCA(c)
	if err != nil {
		return nil, err
	}
	return ownSignaling(ca, c, time.Now())
}
