package main

import (
	"context"
	"fmt"
	"time"

	"incamera/auth/keybook"
	"incamera/auth/token"
	"incamera/cmd/incamera/config"
)

func tokenKeysCommand() *command {
	return &command{name: "token-keys", args: "list|rotate|revoke", short: "the keys that sign tokens", children: []*command{
		{name: "list", short: "list keys whose tokens may still be good", run: listTokenKeys},
		{name: "rotate", short: "have every signaling process take a new key", run: rotateTokenKeys},
		{name: "revoke", short: "refuse what a key has signed, from now on", run: revokeTokenKeys},
	}}
}

// onBook opens the book and the record for one command.
func onBook(ctx context.Context, w world, path, dir string, do func(keybook.Book, record) error) error {
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
	return do(keybook.Book{Store: s}, log)
}

func listTokenKeys(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera admin token-keys list [--config FILE]",
		"Lists the keys: name, process, state (next, signs, retired, revoked), signs from, signs until, in UTC.")
	path := configFlag(f, w)
	dir := f.String("identity", "", identityHelp)
	if err := parse(f, args); err != nil {
		return err
	}
	return onBook(ctx, w, *path, *dir, func(b keybook.Book, _ record) error {
		now := time.Now()
		list, err := b.List(ctx, now)
		for _, k := range list {
			fmt.Fprintf(w.stdout, "%s\t%s\t%s\t%s\t%s\n", k.Kid, k.Signer, stateOfKey(k, now), k.From.Format(time.RFC3339), k.Until.Format(time.RFC3339))
		}
		return err
	})
}

func stateOfKey(k token.PublishedKey, now time.Time) string {
	switch {
	case !k.RevokedAt.IsZero():
		return "revoked"
	case now.Before(k.ActiveAt):
		return "next"
	case now.Before(k.Until):
		return "signs"
	}
	return "retired"
}

func rotateTokenKeys(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera admin token-keys rotate [--config FILE]",
		"Has every signaling process publish a new key within seconds and sign with it a quarter of an hour later. What\nthe old keys signed stays good for its own life. Nobody notices.")
	path := configFlag(f, w)
	dir := f.String("identity", "", identityHelp)
	if err := parse(f, args); err != nil {
		return err
	}
	return onBook(ctx, w, *path, *dir, func(b keybook.Book, log record) error {
		return log.do(ctx, "token_keys.rotate", "", func() error { return b.Renew(ctx, time.Now()) })
	})
}

func revokeTokenKeys(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera admin token-keys revoke (--key NAME | --all) [--config FILE]",
		"Has all instances refuse, within seconds, what a key (or every key there is now) has signed; its process takes a\nnew one at once. People who are in a meeting stay; who loses the connection then has to join anew.")
	path := configFlag(f, w)
	dir := f.String("identity", "", identityHelp)
	kid := f.String("key", "", "`name` of the key")
	all := f.Bool("all", false, "all keys")
	if err := parse(f, args); err != nil {
		return err
	}
	if (*kid == "") == !*all {
		f.Usage()
		return errUsage
	}
	return onBook(ctx, w, *path, *dir, func(b keybook.Book, log record) error {
		return log.do(ctx, "token_keys.revoke", *kid, func() error { return b.Revoke(ctx, *kid, time.Now()) })
	})
}
