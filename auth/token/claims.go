package token

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The claim sets as they are signed. A member without omitempty must be present; unknown ones are refused.

type confirmation struct {
	JKT string `json:"jkt"`
}

type personClaims struct {
	Subject   string    `json:"sub"`
	Name      string    `json:"name"`
	Role      Role      `json:"role"`
	Assurance Assurance `json:"assurance"`
	Sponsor   string    `json:"sponsor,omitempty"`
	Client    string    `json:"client,omitempty"`
	Login     string    `json:"login,omitempty"`
	FactorAt  int64     `json:"factor_at,omitempty"`
	Publish   []Kind    `json:"publish"`
	Chat      bool      `json:"chat"`
	Roster    bool      `json:"roster"`
	Moderate  bool      `json:"moderate"`
}

type times struct {
	IssuedAt  int64 `json:"iat"`
	NotBefore int64 `json:"nbf,omitempty"`
	ExpiresAt int64 `json:"exp"`
}

type roomClaims struct {
	ID          string       `json:"jti"`
	Audience    string       `json:"aud"`
	Room        string       `json:"room"`
	Participant string       `json:"participant"`
	Confirm     confirmation `json:"cnf"`
	personClaims
	times
}

type seatClaims struct {
	Room           string `json:"room"`
	Meeting        string `json:"meeting"`
	Participant    string `json:"participant"`
	Session        string `json:"session"`
	Number         uint32 `json:"number"`
	SessionVersion uint64 `json:"session_version"`
	Node           string `json:"node"`
	Placement      uint64 `json:"placement"`
}

type ticketClaims struct {
	Audience  string       `json:"aud"`
	Confirm   confirmation `json:"cnf"`
	EnteredAt int64        `json:"entered_at"`
	seatClaims
	personClaims
	times
}

type lobbyClaims struct {
	Audience  string       `json:"aud"`
	Room      string       `json:"room"`
	Waiter    string       `json:"waiter"`
	Subject   string       `json:"sub"`
	Name      string       `json:"name"`
	Assurance Assurance    `json:"assurance"`
	Login     string       `json:"login,omitempty"`
	Client    string       `json:"client,omitempty"`
	Confirm   confirmation `json:"cnf"`
	times
}

type admissionClaims struct {
	Audience  string `json:"aud"`
	Room      string `json:"room"`
	Waiter    string `json:"waiter"`
	EnteredAt int64  `json:"entered_at"`
	personClaims
	times
}

type grantClaims struct {
	ID string `json:"jti"`
	seatClaims
	Publish   []Kind `json:"publish"`
	Subscribe bool   `json:"subscribe"`
	E2EE      bool   `json:"e2ee"`
	times
}

const (
	maxName    = 128 // bytes of a display name
	maxSubject = 160
)

var (
	idRE          = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)
	subjectRE     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:@+/=-]{0,159}$`)
	thumbprintRE  = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	participantRE = regexp.MustCompile(`^p_[a-z2-7]{16}$`)
)

func validID(s string) bool      { return idRE.MatchString(s) }
func optionalID(s string) bool   { return s == "" || idRE.MatchString(s) }
func optionalSubj(s string) bool { return s == "" || subjectRE.MatchString(s) }

// ValidName says whether s may be shown as a person's name: not blank, bounded, nothing that steers a terminal,
// hides or reverses text.
func ValidName(s string) bool {
	if s == "" || len(s) > maxName || !utf8.ValidString(s) || strings.TrimSpace(s) != s {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r == utf8.RuneError || !unicode.IsPrint(r) && r != '\u200d' && r != '\u200c' // joiners are part of scripts and emoji
	})
}

// ValidSubject says whether s can name a person.
func ValidSubject(s string) bool { return subjectRE.MatchString(s) }

// ValidThumbprint says whether s is spelled like the base64url SHA-256 thumbprint of a key.
func ValidThumbprint(s string) bool { return thumbprintRE.MatchString(s) }

func validKinds(ks []Kind) bool {
	if len(ks) > 4 {
		return false
	}
	for i, k := range ks {
		if !k.Valid() || slices.Contains(ks[:i], k) {
			return false
		}
	}
	return true
}

func (p personClaims) check() error {
	switch {
	case !subjectRE.MatchString(p.Subject):
		return failf(CodeClaims, "sub")
	case !ValidName(p.Name):
		return failf(CodeClaims, "name")
	case !p.Role.Valid():
		return failf(CodeClaims, "role")
	case !p.Assurance.Valid():
		return failf(CodeClaims, "assurance")
	case !optionalSubj(p.Sponsor) || !optionalID(p.Client) || !optionalID(p.Login):
		return failf(CodeClaims, "sponsor, client or login")
	case !validKinds(p.Publish):
		return failf(CodeClaims, "publish")
	case (p.Assurance == AssuranceGuest || p.Assurance == AssuranceStreamKey) && (p.Sponsor == "" || p.Moderate):
		// nobody enters unverified without a sponsor, and no such person has power over others
		return failf(CodeClaims, "guest")
	case p.FactorAt < 0:
		return failf(CodeClaims, "factor_at")
	case p.Moderate && p.Role != RoleHost && p.Role != RoleCohost:
		return failf(CodeClaims, "moderate")
	}
	return nil
}

func (s seatClaims) check() error {
	switch {
	case !ValidRoomID(s.Room):
		return failf(CodeClaims, "room")
	case !validID(s.Meeting) || !validID(s.Session) || !validID(s.Node):
		return failf(CodeClaims, "meeting, session or node")
	case !participantRE.MatchString(s.Participant):
		return failf(CodeClaims, "participant")
	case s.Number == 0:
		return failf(CodeClaims, "number")
	}
	return nil
}

func (c roomClaims) check() error {
	switch {
	case !validID(c.ID):
		return failf(CodeClaims, "jti")
	case !ValidRoomID(c.Room):
		return failf(CodeClaims, "room")
	case !participantRE.MatchString(c.Participant) || c.Participant != ParticipantID(c.Room, c.Subject):
		return failf(CodeClaims, "participant")
	case !ValidThumbprint(c.Confirm.JKT):
		return failf(CodeClaims, "cnf")
	}
	return c.personClaims.check()
}

func (c ticketClaims) check() error {
	if c.EnteredAt <= 0 {
		return failf(CodeClaims, "entered_at")
	}
	if !ValidThumbprint(c.Confirm.JKT) {
		return failf(CodeClaims, "cnf")
	}
	if err := c.seatClaims.check(); err != nil {
		return err
	}
	return c.personClaims.check()
}

func (c lobbyClaims) check() error {
	switch {
	case !ValidRoomID(c.Room):
		return failf(CodeClaims, "room")
	case !validID(c.Waiter):
		return failf(CodeClaims, "waiter")
	case !subjectRE.MatchString(c.Subject):
		return failf(CodeClaims, "sub")
	case !ValidName(c.Name):
		return failf(CodeClaims, "name")
	case !c.Assurance.Valid() || c.Assurance == AssuranceStreamKey: // a program does not wait at the door
		return failf(CodeClaims, "assurance")
	case !optionalID(c.Login) || !optionalID(c.Client):
		return failf(CodeClaims, "login or client")
	case !ValidThumbprint(c.Confirm.JKT):
		return failf(CodeClaims, "cnf")
	}
	return nil
}

func (c admissionClaims) check() error {
	switch {
	case !ValidRoomID(c.Room):
		return failf(CodeClaims, "room")
	case !validID(c.Waiter):
		return failf(CodeClaims, "waiter")
	case c.EnteredAt <= 0:
		return failf(CodeClaims, "entered_at")
	case c.Assurance == AssuranceGuest || c.Assurance == AssuranceStreamKey:
		return failf(CodeClaims, "assurance") // nobody unverified vouches for anybody
	}
	return c.personClaims.check()
}

func (c grantClaims) check() error {
	if !validID(c.ID) {
		return failf(CodeClaims, "jti")
	}
	if !validKinds(c.Publish) {
		return failf(CodeClaims, "publish")
	}
	return c.seatClaims.check()
}

// check holds the times against now; see the package's text for the policy.
func (t times) check(now time.Time, longest time.Duration) error {
	const year9999 = 253402300799
	if t.IssuedAt <= 0 || t.ExpiresAt <= t.IssuedAt || t.ExpiresAt > year9999 || t.NotBefore < 0 || t.NotBefore > year9999 {
		return failf(CodeClaims, "times")
	}
	if t.ExpiresAt-t.IssuedAt > int64(longest/time.Second) {
		return fail(CodeLifetime)
	}
	if !now.Before(time.Unix(t.ExpiresAt, 0)) {
		return fail(CodeExpired)
	}
	if ahead := now.Add(Skew); time.Unix(t.IssuedAt, 0).After(ahead) || time.Unix(t.NotBefore, 0).After(ahead) {
		return fail(CodeNotYet)
	}
	return nil
}
