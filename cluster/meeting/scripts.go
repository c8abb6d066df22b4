package meeting

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"incamera/auth/token"
	"incamera/cluster/live"
)

//go:embed lua/*.lua
var luaFiles embed.FS

// scripts are the texts as sent: prelude and body.
type scripts map[string]*redis.Script

func loadScripts() (scripts, error) {
	prelude, err := luaFiles.ReadFile("lua/prelude.lua")
	if err != nil {
		return nil, err
	}
	entries, err := luaFiles.ReadDir("lua")
	if err != nil {
		return nil, err
	}
	s := scripts{}
	for _, e := range entries {
		body, err := luaFiles.ReadFile("lua/" + e.Name())
		if err != nil {
			return nil, err
		}
		name := e.Name()[:len(e.Name())-len(".lua")]
		switch name {
		case "prelude":
		case "claim": // works on the order of sweeping, not on a room
			s[name] = redis.NewScript(string(body))
		default:
			s[name] = redis.NewScript(string(prelude) + string(body))
		}
	}
	return s, nil
}

// may is what roles may do to others, as the scripts see it (C.may[role][action]).
var may = func() map[token.Role]map[token.Action]int {
	out := map[token.Role]map[token.Action]int{}
	for _, r := range token.Roles() {
		out[r] = map[token.Action]int{}
		for _, a := range token.RightsOf(r).Actions {
			out[r][a] = 1
		}
	}
	return out
}()

// args are a call's arguments as the scripts see them (A.…).
type args map[string]any

// bounds are the store's settings as the scripts see them (C.…), all numbers in milliseconds or counts.
func (s *Store) bounds(room string) args {
	o := s.o
	return args{
		"wake": wakeChannel(room), "events": o.EventsKept, "chat": o.ChatKept, "screens": o.MaxScreens, "waiters": o.MaxWaiters,
		"known": o.MaxKnown, "may": may, "bans": o.MaxBans, "banttl": banTTL.Milliseconds(),
		"livettl": o.LiveTTL.Milliseconds(), "endedttl": o.EndedTTL.Milliseconds(),
		"keep": o.AwayKeep.Milliseconds(), "grace": o.EmptyGrace.Milliseconds(), "sweep": o.SweepEvery.Milliseconds(),
	}
}

// reply is a script's answer after its code.
type reply []any

// run calls a script of a room. op names the call in metrics and errors.
func (s *Store) run(ctx context.Context, op, script, room string, a args, moreKeys ...string) (reply, error) {
	if !token.ValidRoomID(room) {
		return nil, s.refuse(op, CodeNotFound, nil)
	}
	c, err := json.Marshal(s.bounds(room))
	if err != nil {
		return nil, s.refuse(op, CodeUnavailable, err)
	}
	v, err := json.Marshal(a)
	if err != nil {
		return nil, s.refuse(op, CodeUnavailable, err)
	}
	ctx, cancel := context.WithTimeout(live.WithOp(ctx, op), s.o.OpTimeout)
	defer cancel()
	r, err := s.scripts[script].Run(ctx, s.rdb, keys(room, moreKeys...), c, v).Slice()
	if err != nil {
		var answered redis.Error
		if errors.As(err, &answered) { // Redis is there and says no: a bug of ours, or a server that may not write
			s.o.Log.Error("redis refused a script", "op", op, "room", room, "error", err)
		}
		return nil, s.refuse(op, CodeUnavailable, err)
	}
	if len(r) == 0 {
		return nil, s.refuse(op, CodeUnavailable, errors.New("empty answer"))
	}
	code, _ := r[0].(string)
	if code != "ok" {
		return nil, s.refuse(op, Code(code), nil)
	}
	return r[1:], nil
}

func (s *Store) refuse(op string, code Code, cause error) error {
	s.metrics.refused(op, code)
	return &Error{Code: code, Op: op, Err: cause}
}

// The answers' fields. A script of ours answers in one shape; another shape is a broken Redis, and what is read
// from it is zero.
func (r reply) str(i int) string {
	if i >= len(r) {
		return ""
	}
	v, _ := r[i].(string)
	return v
}

func (r reply) num(i int) int64 {
	if i >= len(r) {
		return 0
	}
	v, _ := r[i].(int64)
	return v
}

func (r reply) list(i int) []any {
	if i >= len(r) {
		return nil
	}
	v, _ := r[i].([]any)
	return v
}

func broken(op, what string, err error) error {
	return &Error{Code: CodeUnavailable, Op: op, Err: fmt.Errorf("document holds an unreadable %s: %w", what, err)}
}
