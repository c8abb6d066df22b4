package issue

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"incamera/auth/audit"
	"incamera/auth/policy"
	"incamera/auth/streamkey"
	"incamera/auth/token"
)

// StreamKeyRequest asks for a stream key.
type StreamKeyRequest struct {
	Login   string // handle of the web session
	Room    string
	Label   string
	Mode    streamkey.Mode
	Life    time.Duration
	Address netip.Addr
}

// IssuedStreamKey is a new stream key with its secret, which is shown once.
type IssuedStreamKey struct {
	streamkey.Key
	Secret string
}

// StreamKey issues a stream key to a host of the room with a fresh second factor. An end-to-end encrypted room has none:
// an encoder holds no keys of the meeting.
func (i *Issuer) StreamKey(ctx context.Context, q StreamKeyRequest) (out IssuedStreamKey, err error) {
	a := &attempt{path: pathStream, actor: "unknown", address: q.Address, meta: map[string]string{}}
	_, err = i.enter(ctx, a, q.Room, func() (Issued, error) { return Issued{}, i.mayIssueKeys(ctx, a, q) })
	if err == nil {
		out.Key, out.Secret, err = i.o.Streams.Issue(ctx, streamkey.Request{
			Room: q.Room, Owner: a.actor, Label: q.Label, Mode: q.Mode, Life: q.Life,
		})
	}
	switch {
	case errors.Is(err, streamkey.ErrInvalid):
		err = refuse(CodeInvalid, "label, mode or lifetime")
	case errors.Is(err, streamkey.ErrTooMany):
		err = refuse(CodeLimit, "the room has as many stream keys as it may have")
	case err != nil && CodeOf(err) == "":
		err = wrap(CodeUnavailable, err)
	}
	a.meta["key"], a.meta["mode"] = out.ID, string(out.Mode)
	if rec := i.record(ctx, a, "streamkey.create", q.Room, err); rec != nil && err == nil {
		// What is not on record is not handed out; the key that nobody has seen ends here.
		return IssuedStreamKey{}, wrap(CodeUnavailable, errors.Join(rec, i.o.Streams.Revoke(ctx, q.Room, out.ID)))
	}
	if err != nil {
		return IssuedStreamKey{}, err
	}
	return out, nil
}

func (i *Issuer) mayIssueKeys(ctx context.Context, a *attempt, q StreamKeyRequest) error {
	s, err := i.session(ctx, a.room, q.Login)
	if err != nil {
		return err
	}
	a.actor = UserSubject(s.User.ID)
	p, member, err := i.account(ctx, a, s)
	if err != nil {
		return err
	}
	if !p.Moderate {
		return refuse(CodeForbidden, "only hosts of the room issue stream keys")
	}
	if err := takesProgram(a, q.Mode); err != nil {
		return err
	}
	return i.decide(ctx, a, policy.Request{
		Subject: p.Subject, Role: s.User.Role, Assurance: string(p.Assurance), FactorAge: i.age(s.at), Member: member,
	}, machine{since: s.CreatedAt}, nil)
}

// takesProgram refuses encoders and players where the room takes none.
func takesProgram(a *attempt, mode streamkey.Mode) error {
	switch {
	case a.room.E2EE:
		return refuse(CodeForbidden, "an end-to-end encrypted room takes no encoders or players")
	case !a.rules.StreamKeys:
		return refuse(CodeForbidden, "rooms of this class take no encoders or players")
	case mode == streamkey.Play && !a.rules.Plays():
		return refuse(CodeForbidden, "a room with a watermark takes no players: they draw none")
	}
	return nil
}

// record puts an act on record that mints no token.
func (i *Issuer) record(ctx context.Context, a *attempt, verb, room string, err error) error {
	result, object := "ok", "room:unknown"
	if err != nil {
		result = string(CodeOf(err))
	}
	if token.ValidRoomID(room) {
		object = "room:" + room
	}
	return i.o.Audit.Append(ctx, audit.Event{Actor: a.actor, Verb: verb, Object: object, Result: result, Address: a.address, Meta: a.meta})
}

// StreamRequest asks for the room token of an encoder or a player.
type StreamRequest struct {
	Secret  string
	Mode    streamkey.Mode // what the door is for: a key to publish plays nothing
	Key     string         // thumbprint of the key that the door makes for this session
	Address netip.Addr
}

// ForStream issues a room token by a stream key, for the door that speaks for its bearer. The second factor was that of
// the host who issued the key, and it was fresh then; the host must still have the right.
func (i *Issuer) ForStream(ctx context.Context, q StreamRequest) (Issued, error) {
	a := &attempt{path: pathStream, actor: "stream", address: q.Address, meta: map[string]string{}}
	k, err := i.o.Streams.Redeem(ctx, q.Secret)
	if err != nil {
		if err = wrap(CodeUnavailable, err); errors.Is(err, streamkey.ErrUnknown) {
			err = refuse(CodeUnauthorized, "")
		}
		i.issued.WithLabelValues(a.path, string(CodeOf(err))).Inc()
		a.meta["path"] = a.path
		return Issued{}, errors.Join(err, i.record(ctx, a, "token.mint", "", err))
	}
	return i.run(ctx, a, k.Room, func() (Issued, error) {
		a.actor = StreamSubject(k.ID)
		a.meta["mode"] = string(k.Mode)
		if k.Mode != q.Mode {
			return Issued{}, refuse(CodeForbidden, "a stream key of the other kind")
		}
		if err := takesProgram(a, k.Mode); err != nil {
			return Issued{}, err
		}
		for _, subject := range []string{StreamSubject(k.ID), k.Owner} {
			if err := i.banned(ctx, k.Room, subject); err != nil {
				return Issued{}, err
			}
		}
		p := token.Person{
			Subject: StreamSubject(k.ID), Name: k.Label, Role: token.RoleViewer, Assurance: token.AssuranceStreamKey, Sponsor: k.Owner, Roster: true,
		}
		if k.Mode == streamkey.Publish {
			p.Role, p.Publish = token.RoleParticipant, []token.Kind{token.Mic, token.Camera}
		}
		err := i.decide(ctx, a, policy.Request{
			Subject: p.Subject, Role: "stream", Assurance: string(p.Assurance), FactorAge: i.age(k.Created), Member: true,
		}, machine{key: q.Key}, &p)
		if err != nil {
			return Issued{}, err
		}
		if k.Mode == streamkey.Publish && len(p.Publish) == 0 {
			return Issued{}, refuse(CodeForbidden, "may only watch from here")
		}
		return i.mint(a.room, p, q.Key)
	})
}

// StreamSubject is the subject of a stream key.
func StreamSubject(key string) string { return "s:" + key }
