package session

import (
	"context"
	"errors"
	"time"

	"incamera/auth/policy"
	"incamera/auth/token"
	"incamera/signaling/wire"
)

// markTime bounds the question what a person is called: an entry does not wait for it.
const markTime = time.Second

// facts are what a room is now, for an entry.
func (s *Session) facts(ctx context.Context, room string) (Facts, error) {
	f, err := s.srv.o.Rooms.Facts(ctx, room)
	switch {
	case errors.Is(err, ErrNoRoom):
		return f, refuse(wire.CodeNotFound, "there is no such room").because(err)
	case err != nil:
		return f, unavailable.because(err)
	}
	return f, nil
}

// fits refuses whom the room's class does not let in from this page.
func (s *Session) fits(ctx context.Context, f Facts, p token.Person) error {
	o := s.srv.o.Origins
	switch {
	case f.Unencrypted:
		return refuse(wire.CodeE2EEUnavailable, "this room asks for end-to-end encryption, which is not to be had here")
	case f.TrustedPages && p.Client != "" && !o.Own(s.origin) && !o.Trusted(ctx, p.Client):
		return refuse(wire.CodeClientNotTrusted, "this room is entered from this server's own pages, or from trusted ones")
	}
	return nil
}

// mark is what a watermark says of the person: their name and account, and when they came.
func (s *Session) mark(ctx context.Context, p token.Person) string {
	ctx, cancel := context.WithTimeout(ctx, markTime)
	defer cancel()
	who, err := s.srv.o.Rooms.Called(ctx, p)
	if err != nil {
		who = p.Name + " · " + p.Subject
	}
	return who + " · " + s.srv.o.Now().UTC().Format("2006-01-02 15:04 UTC")
}

// begin is what holds for a seat until the policy has spoken.
func (st *seat) begin() *standing {
	return &standing{outcome: policy.Allow, marked: st.marked, records: st.records}
}

// watermark is what the client is to draw over pictures; empty: nothing.
func (st *seat) watermark(marked bool) string {
	if !marked {
		return ""
	}
	return st.mark
}

// recordable says whether the room lets its meetings be recorded now.
func (s *Session) recordable(st *seat) bool {
	if at := s.stands.Load(); at != nil {
		return at.records
	}
	return st.records
}
