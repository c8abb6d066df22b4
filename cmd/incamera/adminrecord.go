package main

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/audit"
	"incamera/auth/store"
	"incamera/cmd/incamera/config"
)

const identityHelp = "`directory` of an identity of this deployment, which signs the record; empty: this process's own"

// record puts what a command does on record, under the machine's name for who runs it.
type record struct{ log *audit.Log }

func openRecord(ctx context.Context, c config.Config, s *store.Store, dir string) (record, error) {
	identity, err := signingIdentity(c, dir)
	if err != nil {
		return record{}, err
	}
	log, err := audit.New(ctx, audit.Options{Store: s, Identity: identity, Registerer: prometheus.NewRegistry()})
	return record{log}, err
}

// do puts an act on record and then does it: what is not on record is not done.
func (r record) do(ctx context.Context, verb, object string, do func() error) error {
	e := audit.Event{Actor: "machine:" + whoami(), Verb: verb, Object: object, Result: "ok", Meta: map[string]string{"way": "cli"}}
	if err := r.log.Append(ctx, e); err != nil {
		return err
	}
	err := do()
	if err != nil {
		e.Result = "internal"
		err = errors.Join(err, r.log.Append(ctx, e))
	}
	return err
}
