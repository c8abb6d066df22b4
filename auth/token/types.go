package token

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"
	"time"
)

// Kind is a kind of source, numbered as in the client protocol.
type Kind uint8

const (
	Mic         Kind = 1
	Camera      Kind = 2
	Screen      Kind = 3
	ScreenAudio Kind = 4
)

// AllKinds is what a full participant may publish.
func AllKinds() []Kind { return []Kind{Mic, Camera, Screen, ScreenAudio} }

var kindNames = [...]string{Mic: "mic", Camera: "camera", Screen: "screen", ScreenAudio: "screen_audio"}

func (k Kind) Valid() bool { return k >= Mic && k <= ScreenAudio }

func (k Kind) String() string {
	if !k.Valid() {
		return "unknown"
	}
	return kindNames[k]
}

// MarshalText writes the kind's word; it also keeps a []Kind from being written as base64.
func (k Kind) MarshalText() ([]byte, error) {
	if !k.Valid() {
		return nil, errors.New("token: unknown kind")
	}
	return []byte(kindNames[k]), nil
}

func (k *Kind) UnmarshalText(b []byte) error {
	for i, n := range kindNames {
		if n != "" && n == string(b) {
			*k = Kind(i)
			return nil
		}
	}
	return errors.New("token: unknown kind")
}

// Role is what a person is in a room.
type Role string

const (
	RoleHost        Role = "host"
	RoleCohost      Role = "cohost"
	RolePresenter   Role = "presenter"
	RoleParticipant Role = "participant"
	RoleViewer      Role = "viewer"
)

func (r Role) Valid() bool {
	switch r {
	case RoleHost, RoleCohost, RolePresenter, RoleParticipant, RoleViewer:
		return true
	}
	return false
}

// Assurance is how sure we are who the person is.
type Assurance string

const (
	AssuranceGuest             Assurance = "guest"
	AssuranceMFA               Assurance = "mfa"
	AssurancePhishingResistant Assurance = "phishing_resistant"
	AssuranceStreamKey         Assurance = "stream_key" // a program with a stream key; Sponsor is who issued it
)

func (a Assurance) Valid() bool {
	return a == AssuranceGuest || a == AssuranceMFA || a == AssurancePhishingResistant || a == AssuranceStreamKey
}

// Person is who enters and what they may do. Subject is stable per person: "u:<user id>", "c:<client>:<user>",
// "g:<random>".
type Person struct {
	Subject, Name string
	Role          Role
	Assurance     Assurance
	Sponsor       string    // participant id or subject of the host who admitted a guest
	Client        string    // API client that vouched
	Login         string    // web session (its public handle, never the cookie)
	FactorAt      time.Time // when the second factor was given that let them in; zero: none
	Publish       []Kind
	Chat          bool
	Roster        bool
	Moderate      bool
}

// Room admits its bearer once into one room, within a minute, with the key of the thumbprint.
type Room struct {
	ID          string // jti, single use; random when empty at minting
	Audience    string // filled in at minting
	Room        string
	Participant string
	Person
	Key       string // cnf.jkt, RFC 7638 thumbprint of the client's key
	IssuedAt  time.Time
	ExpiresAt time.Time // zero at minting: MaxRoomLife from now
}

// Ticket resumes a seat on any signaling instance. It is rotated while the socket lives.
type Ticket struct {
	Audience, Room, Meeting, Participant, Session string
	Number                                        uint32
	SessionVersion                                uint64
	Person
	Key       string
	Node      string
	Placement uint64
	EnteredAt time.Time // when the person joined; now when zero at minting
	IssuedAt  time.Time
	ExpiresAt time.Time // zero at minting: DefaultTicketLife from now
}

// LobbyPass lets a person wait, be seen and leave; nothing else.
type LobbyPass struct {
	Audience, Room, Waiter string
	Subject, Name          string
	Assurance              Assurance
	Login, Client          string
	Key                    string
	IssuedAt               time.Time
	ExpiresAt              time.Time // zero at minting: DefaultLobbyLife from now
}

// Admission is a host's word that a waiting person may enter, signed by the instance that checked who the host is.
// The instance that holds the waiting person's socket mints from it: the live state, through which it travels, could
// otherwise be used to admit people by whoever seizes it.
type Admission struct {
	Audience, Room, Waiter string
	Person                           // the host
	EnteredAt              time.Time // when the host entered
	IssuedAt, ExpiresAt    time.Time // zero at minting: now, MaxAdmissionLife from now
}

// Grant tells a media node to carry one participant's packets.
type Grant struct {
	ID, Room, Meeting, Participant, Session string
	Number                                  uint32
	SessionVersion                          uint64
	Node                                    string
	Placement                               uint64
	Publish                                 []Kind
	Subscribe, E2EE                         bool
	Signer                                  string // id of the process that signed; the verifier's word, not a claim
	IssuedAt                                time.Time
	ExpiresAt                               time.Time // zero at minting: DefaultGrantLife from now
}

// Lives of the objects. The verifier refuses what claims to live longer than its Max.
const (
	MaxRoomLife   = 60 * time.Second
	MaxTicketLife = time.Hour
	MaxLobbyLife  = 12 * time.Hour
	MaxGrantLife  = 24 * time.Hour

	MaxAdmissionLife = 60 * time.Second

	DefaultTicketLife = 2 * time.Minute
	DefaultLobbyLife  = 4 * time.Hour
	DefaultGrantLife  = 12 * time.Hour

	Skew        = 5 * time.Second
	ProofWindow = 60 * time.Second
)

// The typ of each object; no verifier accepts another's.
const (
	TypeRoom   = "incamera-room+jwt"
	TypeTicket = "incamera-ticket+jwt"
	TypeLobby  = "incamera-lobby+jwt"
	TypeGrant  = "incamera-grant+jwt"
	TypeProof  = "incamera-proof+jwt"

	TypeAdmission = "incamera-admission+jwt"
)

const roomAlphabet = "abcdefghjkmnpqrstuvwxyz23456789"

// NewRoomID makes a room id: 10 characters that nobody mistakes for another when read aloud.
func NewRoomID() string {
	out := make([]byte, 0, 10)
	var buf [32]byte
	for len(out) < 10 {
		rand.Read(buf[:]) // crypto/rand.Read never fails
		for _, b := range buf {
			if b < 248 && len(out) < 10 { // 248 = 8*31: no character is likelier than another
				out = append(out, roomAlphabet[int(b)%len(roomAlphabet)])
			}
		}
	}
	return string(out)
}

// ValidRoomID says whether s is spelled like a room id; a wildcard is not.
func ValidRoomID(s string) bool {
	if len(s) != 10 {
		return false
	}
	for _, c := range []byte(s) {
		if strings.IndexByte(roomAlphabet, c) < 0 {
			return false
		}
	}
	return true
}

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// ParticipantID is the same for the same person in the same room, so a rejoin is the same participant.
func ParticipantID(room, subject string) string {
	sum := sha256.Sum256([]byte("incamera participant\x00" + room + "\x00" + subject))
	return "p_" + base32Lower.EncodeToString(sum[:10])
}

// NewID makes a random id of 128 bits with the given prefix.
func NewID(prefix string) string {
	var b [16]byte
	rand.Read(b[:])
	return prefix + base32Lower.EncodeToString(b[:])
}
