package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"incamera/auth/pki"
	"incamera/cmd/incamera/config"
)

// goodbye is how long a process takes at most to leave in good order; a node moves its people first.
const goodbye = 10 * time.Second

// process is what every role of a larger deployment starts with.
type process struct {
	c        config.Config
	identity *pki.Identity
	log      *slog.Logger
	ops      *ops
	rdb      redis.UniversalClient
}

// role is `incamera node` or `incamera signaling`: start brings it up and says how it leaves in good order.
type role struct {
	pki            pki.Role
	usage, purpose string
	start          func(ctx context.Context, w world, p *process) (leave func(context.Context), err error)
}

// run is the life of such a process.
func (r role) run(ctx context.Context, w world, args []string) error {
	f := flags(w, r.usage, r.purpose)
	path := configFlag(f, w)
	if err := parse(f, args); err != nil {
		return err
	}
	c, err := config.Load(*path, w.environ)
	if err != nil {
		return err
	}
	if c.Redis.Mode == config.RedisEmbedded {
		return fmt.Errorf("redis.mode: a %s of its own needs the deployment's Redis, not an embedded one", r.pki)
	}
	p := &process{c: c, log: newLog(c.Log, w.stderr)}
	if p.identity, err = enrolledIdentity(c, r.pki, time.Now()); err != nil {
		return err
	}
	if p.ops, err = newOps(c.Admin.Listen, string(r.pki)); err != nil {
		return err
	}
	defer closeOps(p.ops, p.log)
	var closeState func()
	if p.rdb, closeState, err = openState(c.Redis, p.log, p.ops.registry); err != nil {
		return err
	}
	defer closeState()
	leave, err := r.start(ctx, w, p)
	if err != nil {
		return err
	}
	<-ctx.Done()
	p.log.Info("leaving")
	p.ops.drain()
	stop, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	leave(stop)
	return nil
}

func closeOps(o *ops, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := o.close(ctx); err != nil {
		log.Warn("admin listener", "error", err)
	}
}
