package strict_test

import (
	"errors"
	"strings"
	"testing"

	"incamera/auth/strict"
)

type inner struct {
	K string `json:"k"`
}

type outer struct {
	A string   `json:"a"`
	N int64    `json:"n,omitempty"`
	L []string `json:"l,omitempty"`
	I inner    `json:"i"`
}

func TestDecodeTakesOneMeaningOnly(t *testing.T) {
	good := []string{
		`{"a":"x","i":{"k":"y"}}`,
		` {"i":{"k":"y"},"a":"x","n":3,"l":["q"]} `,
	}
	for _, s := range good {
		var o outer
		if err := strict.Decode([]byte(s), &o); err != nil || o.A != "x" || o.I.K != "y" {
			t.Errorf("%s: %v %+v", s, err, o)
		}
	}
	bad := []string{
		``, `null`, `[]`, `"x"`, `{}`, `{"a":"x"}`, `{"i":{"k":"y"}}`,
		`{"a":"x","a":"z","i":{"k":"y"}}`, `{"a":"x","\u0061":"z","i":{"k":"y"}}`,
		`{"A":"x","i":{"k":"y"}}`, `{"a":"x","i":{"K":"y"}}`, `{"a":"x","i":{"k":"y","k":"z"}}`,
		`{"a":"x","i":{"k":"y"},"z":1}`, `{"a":"x","i":{"k":"y","z":1}}`, `{"a":null,"i":{"k":"y"}}`,
		`{"a":"x","i":null}`, `{"a":"x","i":{"k":"y"}} {}`, `{"a":"x","i":{"k":"y"}}x`, `{"a":1,"i":{"k":"y"}}`,
		`{"a":"x","n":1.5,"i":{"k":"y"}}`, `{"a":"x","n":1e3,"i":{"k":"y"}}`, `{"a":"x","n":"1","i":{"k":"y"}}`,
		`{"a":"x","n":99999999999999999999,"i":{"k":"y"}}`, `{"a":"x","l":"q","i":{"k":"y"}}`,
		`{"a":"x","l":[null],"i":{"k":"y"}}`, "{\"a\":\"\xff\",\"i\":{\"k\":\"y\"}}", `{"a":"x","i":{"k":"y"},}`,
		strings.Repeat(`{"a":`, 1000), `{"a":"x","i":{"k":"y"},"l":` + strings.Repeat(`[`, 1000) + `}`,
	}
	for _, s := range bad {
		if err := strict.Decode([]byte(s), new(outer)); !errors.Is(err, strict.ErrJSON) {
			t.Errorf("accepted %.60s: %v", s, err)
		}
	}
}

func TestSplitTakesOneSpellingOnly(t *testing.T) {
	if c, err := strict.Split("YQ.Yg.Yw"); err != nil || string(c.Payload) != "b" {
		t.Fatal(c, err)
	}
	for _, s := range []string{"", "YQ.Yg", "YQ.Yg.Yw.YQ", "YQ..Yw", "YQ==.Yg.Yw", "YR.Yg.Yw", "YQ\n.Yg.Yw", "Y+.Yg.Yw", "YQ.Yg.Yw "} {
		if _, err := strict.Split(s); !errors.Is(err, strict.ErrCompact) {
			t.Errorf("accepted %q: %v", s, err)
		}
	}
	if _, err := strict.Split(strings.Repeat(".", 1_000_000)); !errors.Is(err, strict.ErrTooLarge) {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"a":"x","i":{"k":"y"}}`))
	f.Add([]byte(`{"a":"x","a":"x"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := strict.Decode(b, new(outer)); err != nil && !errors.Is(err, strict.ErrJSON) {
			t.Fatal(err)
		}
	})
}
