package wire

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The golden files are what both sides of the protocol must agree on: the TypeScript tests read the same ones.
func TestGoldenMessagesSurviveDecodeAndEncode(t *testing.T) {
	files, err := filepath.Glob("golden/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m := decodeGolden(t, file, data)
			again, err := Encode(m)
			if err != nil {
				t.Fatal(err)
			}
			if want, got := jsonValue(t, data), jsonValue(t, again); !reflect.DeepEqual(want, got) {
				t.Errorf("re-encoded differs:\nwant %v\ngot  %v", want, got)
			}
			if back := decodeGolden(t, file, again); !proto.Equal(m, back) {
				t.Errorf("decoded again differs: %v and %v", m, back)
			}
		})
	}
}

func TestEveryMessageHasAGoldenFile(t *testing.T) {
	files, _ := filepath.Glob("golden/*.json")
	seen := map[string]bool{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := decodeGolden(t, file, data)
		seen[string(m.ProtoReflect().Descriptor().Name())+"."+BodyName(m)] = true
		if e := serverEvent(m); e != nil {
			seen["Event."+BodyName(e)] = true
		}
	}
	for _, m := range []proto.Message{&ClientMessage{}, &ServerMessage{}, &Event{}} {
		for _, field := range bodies(m) {
			name := string(m.ProtoReflect().Descriptor().Name()) + "." + field.JSONName()
			if !seen[name] {
				t.Errorf("no golden file for %s", name)
			}
		}
	}
}

func decodeGolden(t *testing.T, file string, data []byte) proto.Message {
	t.Helper()
	var m proto.Message
	var err error
	if strings.HasPrefix(filepath.Base(file), "client-") {
		m, err = DecodeClient(data)
	} else {
		m, err = DecodeServer(data)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return m
}

func serverEvent(m proto.Message) *Event {
	if s, ok := m.(*ServerMessage); ok {
		return s.GetEvent()
	}
	return nil
}

func bodies(m proto.Message) []protoreflect.FieldDescriptor {
	fields := m.ProtoReflect().Descriptor().Oneofs().Get(0).Fields()
	out := make([]protoreflect.FieldDescriptor, fields.Len())
	for i := range out {
		out[i] = fields.Get(i)
	}
	return out
}

func jsonValue(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
