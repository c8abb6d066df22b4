package wire

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// The people of a room are most of what is written to who joins it, and each of the many who come is written all of
// them. They are written here by hand, to the same schema: it takes a twentieth of the time that reflection takes.

// fewPeople are written as everything else is.
const fewPeople = 4

var (
	errNoPeople = errors.New("wire: encode: the place for the people is not found")
	errUTF8     = errors.New("wire: encode: invalid UTF-8")
)

// snapshotOf is the snapshot in a message of the server, nil when it has none.
func snapshotOf(m proto.Message) *Snapshot {
	s, ok := m.(*ServerMessage)
	if !ok {
		return nil
	}
	switch b := s.Body.(type) {
	case *ServerMessage_Joined:
		return b.Joined.GetSnapshot()
	case *ServerMessage_Resumed:
		return b.Resumed.GetSnapshot()
	case *ServerMessage_Snapshot:
		return b.Snapshot
	}
	return nil
}

// encodeRoster writes a message with many people in its snapshot s. The snapshot is changed meanwhile: somebody with an id
// that nobody could foresee, so that no title or message holds it, takes the place of the people.
func encodeRoster(m proto.Message, s *Snapshot) ([]byte, error) {
	people, stand := s.Participants, rand.Text()
	s.Participants = []*Participant{{Id: stand}}
	text, err := protojson.MarshalOptions{}.Marshal(m)
	s.Participants = people
	if err != nil {
		return nil, fmt.Errorf("wire: encode: %w", err)
	}
	at := bytes.Index(text, []byte(stand))
	if at < 0 {
		return nil, errNoPeople
	}
	from, length := bytes.LastIndexByte(text[:at], '{'), bytes.IndexByte(text[at:], '}')
	if from < 0 || length < 0 {
		return nil, errNoPeople
	}
	rest := text[at+length+1:]
	out := make([]byte, 0, len(text)+len(people)*256)
	out = append(out, text[:from]...)
	for i, p := range people {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = appendParticipant(out, p); err != nil {
			return nil, err
		}
	}
	return append(out, rest...), nil
}

// object writes the fields of one JSON object, leaving out those without a value as the schema says.
type object struct {
	out   []byte
	begun bool
	err   error
}

func (o *object) key(name string) {
	if o.begun {
		o.out = append(o.out, ',')
	}
	o.begun = true
	o.out = append(append(append(o.out, '"'), name...), '"', ':')
}

func (o *object) text(name, v string) {
	if v != "" {
		o.key(name)
		o.out, o.err = appendText(o.out, v, o.err)
	}
}

func (o *object) flag(name string, v bool) {
	if v {
		o.key(name)
		o.out = append(o.out, "true"...)
	}
}

// long is an integer of 64 bits, which JSON carries as text.
func (o *object) long(name string, v int64) {
	if v != 0 {
		o.key(name)
		o.out = append(strconv.AppendInt(append(o.out, '"'), v, 10), '"')
	}
}

// enum is a value by name; one that this schema does not know goes by number.
func (o *object) enum(name string, v int32, names map[int32]string) {
	if v == 0 {
		return
	}
	o.key(name)
	if word, ok := names[v]; ok {
		o.out = append(append(append(o.out, '"'), word...), '"')
	} else {
		o.out = strconv.AppendInt(o.out, int64(v), 10)
	}
}

func appendParticipant(out []byte, p *Participant) ([]byte, error) {
	o := object{out: append(out, '{')}
	o.text("id", p.GetId())
	o.text("name", p.GetName())
	o.enum("role", int32(p.GetRole()), Role_name)
	o.enum("assurance", int32(p.GetAssurance()), Assurance_name)
	if n := p.GetNumber(); n != 0 {
		o.key("number")
		o.out = strconv.AppendUint(o.out, uint64(n), 10)
	}
	if media := p.GetMedia(); len(media) > 0 {
		o.key("media")
		o.out = append(o.out, '[')
		for i, m := range media {
			if i > 0 {
				o.out = append(o.out, ',')
			}
			one := object{out: append(o.out, '{')}
			one.enum("kind", int32(m.GetKind()), SourceKind_name)
			one.flag("on", m.GetOn())
			one.flag("mutedByHost", m.GetMutedByHost())
			o.out = append(one.out, '}')
		}
		o.out = append(o.out, ']')
	}
	o.flag("hand", p.GetHand())
	o.long("handAtMs", p.GetHandAtMs())
	o.long("joinedAtMs", p.GetJoinedAtMs())
	o.flag("present", p.GetPresent())
	o.flag("hardMuted", p.GetHardMuted())
	return append(o.out, '}'), o.err
}

// appendText writes a JSON string.
func appendText(out []byte, s string, err error) ([]byte, error) {
	plain := true
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x7f {
			plain = false
			break
		}
	}
	if plain {
		return append(append(append(out, '"'), s...), '"'), err
	}
	if !utf8.ValidString(s) {
		return out, errUTF8
	}
	text, failed := json.Marshal(s)
	return append(out, text...), errors.Join(err, failed)
}
