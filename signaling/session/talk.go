package session

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"incamera/auth/policy"
	"incamera/auth/token"
	"incamera/signaling/wire"
)

const (
	maxChat   = 2000 // characters
	maxChatID = 36   // bytes
)

func setHand(ctx context.Context, s *Session, req *request) error {
	st := s.seat.Load()
	return s.srv.o.Talk.SetHand(ctx, st.Room, st.actor(), req.GetSetHand().Raised)
}

func sendChat(ctx context.Context, s *Session, req *request) error {
	q := req.GetSendChat()
	st := s.seat.Load()
	text := strings.TrimSpace(q.Text)
	switch {
	case q.Id == "" || len(q.Id) > maxChatID || !plain(q.Id):
		return refuse(wire.CodeBadMessage, "a chat message needs an id of at most 36 plain bytes")
	case text == "":
		return refuse(wire.CodeBadMessage, "the message is empty")
	case utf8.RuneCountInString(text) > maxChat:
		return refuse(wire.CodeTooLarge, "a chat message has at most 2000 characters")
	case strings.ContainsFunc(text, forbidden):
		return refuse(wire.CodeBadMessage, "control characters are not allowed")
	case !st.Person.Chat && !st.may(token.ActMute) || s.restricted(policy.NoChat):
		return refuse(wire.CodeForbidden, "this person may not write")
	case !s.chat.Allow():
		return refuse(wire.CodeRateLimited, "too many chat messages").after(time.Second)
	}
	return s.srv.o.Talk.Chat(ctx, st.Room, st.actor(), q.Id, text)
}

// forbidden says whether a character would steer a terminal or turn text around. Line breaks and tabs are text.
func forbidden(r rune) bool {
	if r == '\n' || r == '\t' {
		return false
	}
	return unicode.IsControl(r) || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

func plain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '!' || r > '~' })
}
