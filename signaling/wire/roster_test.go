package wire

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

var strange = []string{"", "Ada", "张伟", `a "quoted\" name`, "line\nbreak\tand \u0001", "</script>&", "\u2028 \U0001F600", "\u007f", "\u0001people", `{"id":"x"}`}

// filled sets fields of a message at random, those of a later schema too.
func filled(m proto.Message, r *rand.Rand) {
	fields := m.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if r.IntN(4) == 0 {
			continue
		}
		var v protoreflect.Value
		switch f.Kind() {
		case protoreflect.StringKind:
			v = protoreflect.ValueOfString(strange[r.IntN(len(strange))])
		case protoreflect.BoolKind:
			v = protoreflect.ValueOfBool(true)
		case protoreflect.Uint32Kind:
			v = protoreflect.ValueOfUint32(r.Uint32())
		case protoreflect.Int64Kind:
			v = protoreflect.ValueOfInt64(int64(r.Uint64()))
		case protoreflect.EnumKind:
			values := f.Enum().Values()
			v = protoreflect.ValueOfEnum(values.Get(r.IntN(values.Len())).Number())
		case protoreflect.MessageKind:
			list := m.ProtoReflect().Mutable(f).List()
			for range r.IntN(4) {
				filled(list.AppendMutable().Message().Interface(), r)
			}
			continue
		default:
			panic("a kind of field that the writer of people does not know: " + f.Kind().String())
		}
		m.ProtoReflect().Set(f, v)
	}
}

func TestManyPeopleAreWrittenAsTheSchemaSays(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		s := &Snapshot{Version: 7, Title: strange[r.IntN(len(strange))], Chat: []*ChatMessage{{Id: "{", Text: "}"}}}
		for range fewPeople + 1 + r.IntN(20) {
			p := &Participant{}
			filled(p, r)
			s.Participants = append(s.Participants, p)
		}
		for _, m := range []*ServerMessage{
			{Re: 3, Body: &ServerMessage_Snapshot{Snapshot: s}},
			{Body: &ServerMessage_Joined{Joined: &Joined{Participant: "x", Snapshot: s, Ticket: "t"}}},
			{Body: &ServerMessage_Resumed{Resumed: &Resumed{Snapshot: s, Ticket: "t"}}},
		} {
			want := proto.Clone(m)
			text, err := Encode(m)
			if err != nil {
				t.Fatal(err)
			}
			if !proto.Equal(m, want) {
				t.Fatal("the message was changed by being written")
			}
			got, err := DecodeServer(text)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if !proto.Equal(got, want) {
				t.Fatalf("got %v\nwant %v", got, want)
			}
		}
	}
}

func TestPeopleWithBytesThatAreNoTextAreNotWritten(t *testing.T) {
	s := &Snapshot{}
	for i := range 10 {
		s.Participants = append(s.Participants, &Participant{Id: fmt.Sprint(i)})
	}
	s.Participants[5].Name = "\xff"
	if text, err := Encode(&ServerMessage{Body: &ServerMessage_Snapshot{Snapshot: s}}); !errors.Is(err, errUTF8) {
		t.Fatalf("%v, %s", err, text)
	}
}

func BenchmarkRoster(b *testing.B) {
	for _, people := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint("people=", people), func(b *testing.B) {
			s := &Snapshot{}
			for i := range people {
				s.Participants = append(s.Participants, &Participant{
					Id: fmt.Sprint("p_", i), Name: fmt.Sprint("Person number ", i), Role: Role_ROLE_PARTICIPANT, Number: uint32(i), Present: true,
					JoinedAtMs: 1_700_000_000_000, Media: []*MediaSource{{Kind: SourceKind_SOURCE_KIND_MIC, On: true}, {Kind: SourceKind_SOURCE_KIND_CAMERA, On: true}},
				})
			}
			m := &ServerMessage{Body: &ServerMessage_Snapshot{Snapshot: s}}
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				text, err := Encode(m)
				if err != nil {
					b.Fatal(err)
				}
				size = len(text)
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}
