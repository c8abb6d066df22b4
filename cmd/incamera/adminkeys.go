package main

import (
	"context"
	"fmt"
	"strconv"

	"incamera/auth/seal"
	"incamera/auth/store"
	"incamera/cmd/incamera/config"
)

func keysCommand() *command {
	return &command{name: "keys", args: "list|rotate|reseal|drop", short: "the keys that seal secrets in the database", children: []*command{
		{name: "list", short: "list the keys of the key file, and how many values each seals", run: listKeys},
		{name: "rotate", short: "seal with a new key from now on", run: rotateKeys},
		{name: "reseal", short: "seal everything with the primary key", run: resealKeys},
		{name: "drop", short: "take a key that seals nothing any more out of the file", run: dropKey},
	}}
}

// openKeys reads the key of sealed secrets and holds it against the database.
func openKeys(ctx context.Context, c config.Config, s *store.Store) (*seal.Keys, error) {
	k, err := seal.Start(ctx, seal.Options{Store: s, File: c.SealKeyFile(), DataDir: c.DataDir, Strict: c.Mode == config.Production})
	if err != nil {
		return nil, fmt.Errorf("auth.key_file: %w", err)
	}
	return k, nil
}

// keyWork is what the commands on keys work with.
type keyWork struct {
	record
	store *store.Store
	keys  *seal.Keys
}

// onKeys opens what lasts, its keys and the record for one command.
func onKeys(ctx context.Context, w world, path, dir string, do func(keyWork) error) error {
	c, err := config.Load(path, w.environ)
	if err != nil {
		return err
	}
	s, err := openSQL(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	k := keyWork{store: s}
	if k.keys, err = openKeys(ctx, c, s); err != nil {
		return err
	}
	if k.record, err = openRecord(ctx, c, s, dir); err != nil {
		return err
	}
	return do(k)
}

func listKeys(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera admin keys list [--config FILE]", "Lists the keys of auth.key_file: number, primary or old, how many values it seals.")
	path := configFlag(f, w)
	dir := f.String("identity", "", identityHelp)
	if err := parse(f, args); err != nil {
		return err
	}
	return onKeys(ctx, w, *path, *dir, func(k keyWork) error {
		counts, err := k.keys.Count(ctx, k.store)
		if err != nil {
			return err
		}
		for _, key := range k.keys.List() {
			state := "old"
			if key.Primary {
				state = "primary"
			}
			fmt.Fprintf(w.stdout, "%d\t%s\t%d\n", key.ID, state, counts[key.ID])
		}
		return nil
	})
}

func rotateKeys(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera admin keys rotate [--stage both|add|promote] [--key NUMBER] [--config FILE]",
		"Adds a key to auth.key_file and seals with it from now on; running processes read the file again within seconds,\n"+
			"and the old keys still open. Where instances have copies of the file: --stage add here, copy the file to all, then\n"+
			"--stage promote --key NUMBER, and copy again. Back the file up before `keys reseal`.")
	path := configFlag(f, w)
	dir := f.String("identity", "", identityHelp)
	stage := f.String("stage", "both", "`stage`: both, add or promote")
	number := f.Uint64("key", 0, "`number` of the key to promote")
	if err := parse(f, args); err != nil {
		return err
	}
	if (*stage != "both" && *stage != "add" && *stage != "promote") || (*stage == "promote") != (*number != 0) || *number > 1<<32-1 {
		f.Usage()
		return errUsage
	}
	return onKeys(ctx, w, *path, *dir, func(k keyWork) error {
		id, err := uint32(*number), error(nil)
		if *stage != "promote" {
			err = k.do(ctx, "keys.add", "", func() error { id, err = k.keys.Add(); return err })
		}
		if err == nil && *stage != "add" {
			err = k.do(ctx, "keys.rotate", strconv.FormatUint(uint64(id), 10), func() error { return k.keys.Promote(id) })
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(w.stdout, id)
		return nil
	})
}

func resealKeys(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera admin keys reseal [--config FILE]",
		"Seals everything that another key seals with the primary one. Safe while processes run, and to repeat.")
	path := configFlag(f, w)
	dir := f.String("identity", "", identityHelp)
	if err := parse(f, args); err != nil {
		return err
	}
	return onKeys(ctx, w, *path, *dir, func(k keyWork) error {
		n := 0
		err := k.do(ctx, "keys.reseal", "", func() (err error) { n, err = k.keys.Reseal(ctx, k.store); return err })
		fmt.Fprintf(w.stdout, "%d values sealed anew\n", n)
		return err
	})
}

func dropKey(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera admin keys drop --key NUMBER [--config FILE]",
		"Takes an old key out of auth.key_file. It refuses while a value is sealed with it. Backups of the database from\nbefore the reseal need a backup of the file from then.")
	path := configFlag(f, w)
	dir := f.String("identity", "", identityHelp)
	number := f.Uint64("key", 0, "`number` of the key")
	if err := parse(f, args); err != nil {
		return err
	}
	if *number == 0 || *number > 1<<32-1 {
		f.Usage()
		return errUsage
	}
	return onKeys(ctx, w, *path, *dir, func(k keyWork) error {
		return k.do(ctx, "keys.drop", strconv.FormatUint(*number, 10), func() error { return k.keys.Drop(ctx, k.store, uint32(*number)) })
	})
}
